"""The journal read out of PostgreSQL, in order: any number of rows in little memory, by COPY.

All connections of an audit see the database as of one moment, so that it may be in use meanwhile.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql
from psycopg.pq import ExecStatus

from entitlement.audit.chain import FIRST

Connection = psycopg.Connection[tuple[object, ...]]
Place = tuple[int, int]
"""A lane and a batch's number."""

SORT_MEMORY = "64MB"
BATCHES = """
    COPY (SELECT lane, number, encode(previous_hash, 'hex'), encode(root, 'hex'), entry_count, written_at,
                 encode(hash, 'hex')
          FROM journal_batches WHERE {} ORDER BY lane, number) TO STDOUT
"""
ENTRIES = """
    COPY (SELECT lane, batch, id, epoch, key, kind, account_id, created_at, buckets, moves, amounts
          FROM all_entries WHERE {} ORDER BY lane, batch, id) TO STDOUT
"""
NEWEST = """
    SELECT DISTINCT ON (lane) lane, number, hash FROM journal_batches ORDER BY lane, number DESC
"""
SIZE = "SELECT count(*), coalesce(sum(entry_count), 0) FROM journal_batches WHERE {}"
FIRST_SINCE = "SELECT lane, min(number) FROM journal_batches WHERE written_at >= %s GROUP BY lane"
HALF = """
    SELECT lane, number, hash FROM (
        SELECT lane, number, hash, sum(entry_count) OVER (ORDER BY lane, number) AS so_far,
               sum(entry_count) OVER () AS of_all
        FROM journal_batches WHERE {}
    ) AS counted WHERE so_far * 2 >= of_all ORDER BY lane, number LIMIT 1
"""
# With PostgreSQL's own sums, on its disk where they are many: an account's buckets are one for each day. What
# moved the same way is added up before the way is looked at.
SUMS = """
    WITH moved AS (
        SELECT m.bucket, m.move, sum(m.amount) AS amount
        FROM all_entries AS e, unnest(e.buckets, e.moves, e.amounts) AS m (bucket, move, amount)
        WHERE m.bucket IS NOT NULL GROUP BY m.bucket, m.move
    ), changes AS (
        SELECT bucket, split_part(move, '>', 1) AS place, -amount AS change FROM moved
        UNION ALL SELECT bucket, split_part(move, '>', 2), amount FROM moved
    ), folded AS (
        SELECT bucket, -coalesce(sum(change) FILTER (WHERE place = 'issued'), 0) AS granted,
               coalesce(sum(change) FILTER (WHERE place = 'available'), 0) AS here,
               coalesce(sum(change) FILTER (WHERE place = 'held'), 0) AS held,
               coalesce(sum(change) FILTER (WHERE place = 'consumed'), 0) AS gone,
               coalesce(sum(change) FILTER (WHERE place = 'expired'), 0) AS lost
        FROM changes GROUP BY bucket
    )
    SELECT coalesce(b.id, f.bucket) FROM folded AS f FULL JOIN buckets AS b ON b.id = f.bucket
    WHERE (b.granted, b.available, b.held, b.consumed, b.expired) IS DISTINCT FROM
          (coalesce(f.granted, 0), coalesce(f.here, 0), coalesce(f.held, 0), coalesce(f.gone, 0),
           coalesce(f.lost, 0))
    ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Part:
    """Which batches one process reads: those after a place, up to a place."""

    after: Place | None = None
    up_to: Place | None = None
    since: Mapping[int, int] | None = None
    """Of each lane the first number; none of a lane that is not named. None itself: all of them."""
    before: Mapping[int, tuple[int, bytes]] = field(default_factory=dict[int, tuple[int, bytes]])
    """Of lanes that are not read from the beginning: the number and the hash of the batch in front."""

    def as_words(self) -> dict[str, object]:
        """Return it for JSON."""
        before = [(lane, number, own.hex()) for lane, (number, own) in self.before.items()]
        since = None if self.since is None else list(self.since.items())
        return {"after": self.after, "up_to": self.up_to, "since": since, "before": before}

    @classmethod
    def of_words(cls, words: Mapping[str, Any]) -> "Part":
        """Return what `as_words` returned for it."""
        after, up_to, since = words["after"], words["up_to"], words["since"]
        return cls(
            after and (after[0], after[1]),
            up_to and (up_to[0], up_to[1]),
            None if since is None else dict(since),
            {lane: (number, bytes.fromhex(own)) for lane, number, own in words["before"]},
        )

    def condition(self, number: str) -> str:
        """Return it in SQL, where `number` is the column of the batch's number."""
        rules = ["true"]
        if self.after is not None:
            # What says neither lane nor batch is read with the last.
            rules.append(f"((lane, {number}) > ({self.after[0]:d}, {self.after[1]:d})) IS NOT FALSE")
        if self.up_to is not None:
            rules.append(f"(lane, {number}) <= ({self.up_to[0]:d}, {self.up_to[1]:d})")
        if self.since is not None:
            cases = " ".join(f"WHEN {lane:d} THEN {first:d}" for lane, first in self.since.items())
            rules.append(f"{number} >= CASE lane {cases} END" if cases else "false")
        return " AND ".join(rules)


@contextmanager
def one_moment(database: str) -> Generator[tuple[Connection, str]]:
    """Hand out a connection, and by what name others see what it sees. Raises psycopg.Error."""
    with _connected(database) as connection:
        row = connection.execute("SELECT pg_export_snapshot()").fetchone()
        assert row is not None
        yield connection, str(row[0])


@contextmanager
def same_moment(database: str, moment: str) -> Generator[Connection]:
    """Hand out another connection that sees the same."""
    with _connected(database) as connection:
        connection.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(moment)))
        yield connection


@contextmanager
def _connected(database: str) -> Generator[Connection]:
    with psycopg.connect(database) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        yield connection


def lines(connection: Connection, query: str, part: Part, number: str) -> Generator[bytes]:
    """Yield the rows of a part, each as COPY writes it, with the line feed.

    The connection can be used for nothing else until all are read. Raises psycopg.Error.
    """
    connection.execute("SELECT set_config('work_mem', %s, true)", (SORT_MEMORY,))
    # The driver's own loop awaits each row by itself, which takes three times as long as reading it.
    plain = connection.pgconn
    began = plain.exec_(query.format(part.condition(number)).encode())
    if began.status != ExecStatus.COPY_OUT:
        raise psycopg.OperationalError(began.get_error_message())
    read = plain.get_copy_data
    while True:
        size, row = read(0)
        if size < 0:
            break
        yield bytes(row)
    while (ended := plain.get_result()) is not None:
        if ended.status != ExecStatus.COMMAND_OK:
            raise psycopg.OperationalError(ended.get_error_message())


def part_since(connection: Connection, timestamp: int) -> Part:
    """Return the part from a time on: batches in front of it are believed."""
    since = {
        int(str(lane)): int(str(number)) for lane, number in connection.execute(FIRST_SINCE, [timestamp])
    }
    before: dict[int, tuple[int, bytes]] = {}
    for lane, number in since.items():
        found = batch_hash(connection, lane, number - 1)
        before[lane] = FIRST if found is None else (number - 1, found)
    return Part(since=since, before=before)


def halves(connection: Connection, whole: Part) -> list[Part]:
    """Return a part as two of about the same number of entries."""
    row = connection.execute(HALF.format(whole.condition("number")).encode()).fetchone()
    if row is None:
        return [whole]
    lane, number, own = int(str(row[0])), int(str(row[1])), row[2]
    assert isinstance(own, bytes)
    place = (lane, number)
    return [
        Part(up_to=place, since=whole.since, before=whole.before),
        Part(after=place, since=whole.since, before={**whole.before, lane: (number, own)}),
    ]


def batch_hash(connection: Connection, lane: int, number: int) -> bytes | None:
    """Return the hash of a batch, if there is one."""
    row = connection.execute(
        "SELECT hash FROM journal_batches WHERE lane = %s AND number = %s", (lane, number)
    ).fetchone()
    if row is None:
        return None
    assert isinstance(row[0], bytes)
    return row[0]
