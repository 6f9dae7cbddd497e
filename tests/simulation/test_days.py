"""Seeded days: stakes, exits, forks, retries, deaths, midnights. After each, what must always hold, holds."""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.allowance import credit_of
from entitlement.core.epochs import Epoch, epoch_at
from entitlement.core.holds import HoldState
from entitlement.core.ledger import Source
from entitlement.core.limits import period_epochs
from entitlement.core.units import Wei
from entitlement.flows.manage_keys import ManageKeys
from entitlement.store import chain as chain_rows
from entitlement.store.tables import BucketRow, EntryRow, HoldRow, KeySpendingRow
from tests.flows.test_grant_purchases import granted, months
from tests.simulation.stations import Stations
from tests.simulation.world import World, gift, whole_days
from tests.support import assert_books_close, assert_follows, catch_up, everybody, follower

Sessions = sessionmaker[Session]
NewDatabase = Callable[[], AbstractContextManager[Sessions]]
SEEDS = int(os.environ.get("SEEDS", "12"))
DAYS = int(os.environ.get("DAYS", "2"))


@pytest.mark.parametrize("seed", range(SEEDS))
def test_after_every_day_what_must_always_hold_holds(new_database: NewDatabase, seed: int) -> None:
    with new_database() as sessions:
        world = World(seed, sessions)
        for _ in range(DAYS):
            world.live_through_a_day()
            no_day_granted_more_than_was_staked(world)
            no_key_limit_is_overspent(world)
            assert_books_close(sessions)
            assert_follows(world.chain, sessions)
            positions_are_the_contracts_own(world)
            a_replay_from_nothing_agrees(world)
            what_was_bought_is_credited(world)
            every_hold_ends_once(world)
            what_was_acknowledged_is_there(world)
        assert any(asked.settled is not None for asked in world.requests), "something happened"


def no_day_granted_more_than_was_staked(world: World) -> None:
    """Invariant 1, for all together and for each wallet."""
    for day in whole_days(world):
        stations = at_the_end_of(world, day)
        total = 0
        for person in world.people:
            query = select(func.coalesce(func.sum(BucketRow.granted), 0)).where(
                BucketRow.account_id == person.account_id,
                BucketRow.source == Source.DIEM,
                BucketRow.epoch == day,
            )
            with world.sessions.begin() as session:
                granted = int(session.scalars(query).one())
            assert granted <= credit_of(Wei(stations.right(person.wallet)))
            total += granted
        assert total * 10**9 <= stations.diem_inside


def at_the_end_of(world: World, day: Epoch) -> Stations:
    last = max(header.number for header in world.chain.headers_ if epoch_at(header.timestamp) <= day)
    return world.chain.state(last)


def no_key_limit_is_overspent(world: World) -> None:
    """Invariant 2. That no bucket is, the database itself says at every statement."""
    for person in world.people:
        limits = ManageKeys(world.sessions).read(person.account_id, person.key_id).limits
        for day in [*whole_days(world), world.today]:
            with world.sessions.begin() as session:
                diem = diem_used(session, person.key_id, *period_epochs(limits.period, day))
            assert limits.diem is None or diem <= limits.diem


def diem_used(session: Session, key_id: str, first: Epoch, after_last: Epoch | None) -> int:
    used = func.sum(KeySpendingRow.diem_spent + KeySpendingRow.diem_held)
    query = select(func.coalesce(used, 0)).where(
        KeySpendingRow.key_id == key_id, KeySpendingRow.epoch >= first
    )
    if after_last is not None:
        query = query.where(KeySpendingRow.epoch < after_last)
    return int(session.scalars(query).one())


def positions_are_the_contracts_own(world: World) -> None:
    """Invariant 5, against the stations of the simulation."""
    with world.sessions.begin() as session:
        followed = chain_rows.followed(session)
        assert followed is not None
        final = chain_rows.positions(session, everybody(session), pending=False)
    for wallet, position in world.chain.state(followed.final.number).positions().items():
        assert final[wallet] == position


def a_replay_from_nothing_agrees(world: World) -> None:
    """Invariant 4."""
    before = everything_followed(world)
    world.forget_the_chain()
    catch_up(follower(world.chain, world.sessions, blocks_per_step=11))
    assert everything_followed(world) == before


def everything_followed(world: World) -> tuple[object, ...]:
    with world.sessions.begin() as session:
        followed = chain_rows.followed(session)
        assert followed is not None
        names = everybody(session)
        return (
            followed.head,
            followed.final,
            chain_rows.events_between(session, above=0, to=followed.head.number),
            [chain_rows.positions(session, names, pending=pending) for pending in (False, True)],
        )


def what_was_bought_is_credited(world: World) -> None:
    """Invariant 13, against the stations of the simulation."""
    world.surely(world.purchases.sweep)
    world.purchases.sweep()
    with world.sessions.begin() as session:
        followed = chain_rows.followed(session)
        assert followed is not None
    final = world.chain.state(followed.final.number)
    for number, each in enumerate(world.people, start=1):
        bought = gift(number) + 1_000 * final.paid[each.wallet]
        assert granted(world.sessions, each.wallet) == bought
    assert months(world.sessions) == sorted(final.months)


def every_hold_ends_once(world: World) -> None:
    """Invariant 6: an entry under the one key of ends, for exactly the holds that are not open."""
    with world.sessions.begin() as session:
        ended = session.scalars(select(EntryRow.key).where(EntryRow.key.like("end:%"))).all()
        rows = session.execute(select(HoldRow.id, HoldRow.state, HoldRow.amount)).all()
    assert len(set(ended)) == len(ended)
    over = [row.id for row in rows if row.state not in (HoldState.OPEN, HoldState.REFUSED)]
    assert sorted(ended) == sorted(f"end:{hold_id}" for hold_id in over)


def what_was_acknowledged_is_there(world: World) -> None:
    """Invariant 7, as far as connections die: whole processes are killed elsewhere."""
    with world.sessions.begin() as session:
        rows = {(row.gateway_id, row.request_id): row for row in session.scalars(select(HoldRow))}
    assert len(rows) == len(world.requests)
    for asked in world.requests:
        row = rows[asked.payer.gateway_id, asked.id]
        assert (None if row.state == HoldState.REFUSED else row.id) == asked.hold_id
        if asked.settled is not None:
            assert row.captured + row.shortfall == asked.settled
