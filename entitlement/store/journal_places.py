"""Rows of the journal as its chain binds them: a whole batch, and what came after one in its lane."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

FOLLOWING_MAX = 1_000
"""Batches that are told at once."""


@dataclass(frozen=True, slots=True)
class WrittenBatch:
    """A batch, with its entries as lines, in the order of their ids (core.journal_chain)."""

    previous_hash: bytes
    root: bytes
    entry_count: int
    written_at: int
    lines: dict[int, str]
    """By the entry's id."""


@dataclass(frozen=True, slots=True)
class FollowingBatch:
    """What a batch says beside the hash of the one before it."""

    number: int
    root: bytes
    entry_count: int
    written_at: int


_BATCH = text(
    "SELECT previous_hash, root, entry_count, written_at FROM journal_batches "
    "WHERE lane = :lane AND number = :number"
)
# By the time: entries have that of their batch, and stand on the disk in its order. An index by the batch
# would cost every entry that is written.
_LINES = """
    SELECT id, concat_ws(E'\\t', id, epoch, key, kind, account_id, created_at, buckets, moves, amounts)
               || E'\\n'
    FROM {source}
    WHERE created_at BETWEEN :since AND :written_at AND lane = :lane AND batch = :number ORDER BY id
"""
_FOLLOWING = text("""
    SELECT number, root, entry_count, written_at FROM journal_batches
    WHERE lane = :lane AND number > :after ORDER BY number LIMIT :limit
""")


def batch_with_lines(session: Session, lane: int, number: int) -> WrittenBatch:
    """Return a batch that is there."""
    place = {"lane": lane, "number": number}
    previous, root, count, written_at = session.execute(_BATCH, place).one()
    lines: dict[int, str] = {}
    # Of weeks that were taken out the table has none, and a batch may have entries of two weeks. What was
    # booked before there was a chain was bound when it began: it is older than its batch.
    for source, since in (("entries", written_at), ("all_entries", written_at), ("all_entries", 0)):
        found = {**place, "since": since, "written_at": written_at}
        rows = session.execute(text(_LINES.format(source=source)), found)
        lines = {row[0]: row[1] for row in rows}
        if len(lines) == count:
            break
    return WrittenBatch(bytes(previous), bytes(root), count, written_at, lines)


def following(session: Session, lane: int, *, after: int) -> list[FollowingBatch]:
    """Return the next `FOLLOWING_MAX` batches of a lane, or as many as there are."""
    rows = session.execute(_FOLLOWING, {"lane": lane, "after": after, "limit": FOLLOWING_MAX})
    return [FollowingBatch(row[0], bytes(row[1]), row[2], row[3]) for row in rows]
