"""Batches of entries: each transaction that writes to the journal adds one to the chain of its lane.

A lane is taken by an advisory lock until the end of the transaction. The first that is free is taken, and
there is always one, so nobody ever waits: as many lanes come about as there were writers at once. The newest
batch of a lane is read from the batches themselves. A row that named it would be changed by every group, and
while somebody reads the journal for a minute its old versions could not be cleared away.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import text
from sqlalchemy.orm import Session

from entitlement.core.journal_chain import batch_hash, leaf_hash, merkle_root
from entitlement.store.journey import Answer, Journey

_IDS = "SELECT coalesce(array_agg(nextval('entry_numbers')), '{}') FROM generate_series(1, %s::integer)"
_TAKE = f"SELECT t.lane, t.number, t.hash, ({_IDS}) FROM take_lane() AS t"  # noqa: S608 - our own words
_HEADS = text(
    """SELECT l.lane, b.number, b.hash
       FROM generate_series(0, (SELECT max(lane) FROM journal_batches)) AS l (lane)
       JOIN LATERAL (SELECT number, hash FROM journal_batches
                     WHERE lane = l.lane ORDER BY number DESC LIMIT 1) AS b ON true
       ORDER BY l.lane"""
)


@dataclass(frozen=True, slots=True)
class Lane:
    """A lane that this transaction alone writes in, and the ids of the entries that it is to write."""

    lane: int
    number: int
    """Of its newest batch; 0 where there is none."""
    previous: bytes
    """That batch's hash."""
    ids: Sequence[int]
    """Rising."""


@dataclass(frozen=True, slots=True)
class Head:
    """The newest batch of a lane: what it says binds all before it."""

    lane: int
    number: int
    hash: bytes


def ask_lane(journey: Journey, entries: int) -> Answer:
    """Ask for a lane and for ids of so many entries, for `lane_for` once the journey is made."""
    return journey.ask(_TAKE, [entries])


def ask_entry_ids(journey: Journey, entries: int) -> Answer:
    """Ask for ids of so many further entries, which only then turned out to be likely."""
    return journey.ask(_IDS, [entries])


def lane_for(journey: Journey, entries: int, asked: Answer | None, further: Answer | None = None) -> Lane:
    """Return the lane that was asked for, with the ids of exactly so many entries.

    What was not asked for, a lane or still more ids, costs a journey now.
    """
    if asked is None:
        asked = ask_lane(journey, entries)
        journey.go()
    lane = Lane(*asked.one())
    if further is not None:
        lane = replace(lane, ids=[*lane.ids, *further.one()[0]])
    missing = entries - len(lane.ids)
    if missing > 0:
        more = ask_entry_ids(journey, missing)
        journey.go()
        return replace(lane, ids=[*lane.ids, *more.one()[0]])
    return lane if missing == 0 else replace(lane, ids=lane.ids[:entries])


def bound(lane: Lane, lines: Iterable[str], now: int) -> tuple[int | bytes, ...]:
    """Bind entries, each given as its line, to all that the lane has had so far; return the batch's row.

    lane, number, previous hash, root, count, time, hash.
    """
    leaves = [leaf_hash(line) for line in lines]
    number, count, root = lane.number + 1, len(leaves), merkle_root(leaves)
    own = batch_hash(
        lane=lane.lane, number=number, previous=lane.previous, root=root, count=count, written_at=now
    )
    return lane.lane, number, lane.previous, root, count, now, own


def heads(session: Session) -> list[Head]:
    """Return every lane's newest batch."""
    return [Head(row[0], row[1], bytes(row[2])) for row in session.execute(_HEADS)]
