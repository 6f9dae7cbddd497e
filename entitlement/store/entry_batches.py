"""Batches of entries: each transaction that writes to the journal adds one to the chain of its lane.

A lane is taken by an advisory lock until the end of the transaction. The first that is free is taken, and
there is always one, so nobody ever waits: as many lanes come about as there were writers at once. The newest
batch of a lane is read from the batches themselves. A row that named it would be changed by every group, and
while somebody reads the journal for a minute its old versions could not be cleared away.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from entitlement.core.journal_chain import batch_hash, leaf_hash, merkle_root
from entitlement.store.journey import Journey

_TAKE = """
    SELECT t.lane, t.number, t.hash,
           (SELECT array_agg(nextval('entry_numbers'))::text FROM generate_series(1, %s::integer))
    FROM take_lane() AS t
"""
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
    ids: str
    """Rising, an array as PostgreSQL writes it."""


@dataclass(frozen=True, slots=True)
class Head:
    """The newest batch of a lane: what it says binds all before it."""

    lane: int
    number: int
    hash: bytes


def take_lane(journey: Journey, entries: int) -> Lane:
    """Take a lane and ids, in a journey with whatever was asked before."""
    taken = journey.ask(_TAKE, [entries])
    journey.go()
    return Lane(*taken.one())


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
