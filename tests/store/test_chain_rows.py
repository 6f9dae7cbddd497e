from collections.abc import Sequence
from dataclasses import fields
from random import Random
from typing import get_type_hints

import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.blocks import Header
from entitlement.core.epochs import Epoch
from entitlement.core.events import EVENT_KINDS, ChainEvent, LogPlace
from entitlement.core.positions import Position, Slot
from entitlement.core.units import Wallet, Wei
from entitlement.store import chain as chain_rows
from entitlement.store import verification
from entitlement.store.bulk import ROWS_PER_WRITE
from entitlement.store.verification import Verified
from tests.support import wallet_number

Sessions = sessionmaker[Session]
LARGEST = 2**256 - 1
ALICE, BOB, CAROL = (wallet_number(number) for number in (1, 2, 3))


def add_events(session: Session, events: Sequence[ChainEvent]) -> None:
    with chain_rows.adding_events(session, events):
        pass


def largest(kind: type[ChainEvent], number: int) -> ChainEvent:
    """An event with the largest amount in every field."""
    hints = get_type_hints(kind)
    values: dict[str, object] = {"at": LogPlace(number, 0, f"0xb{number}", "0xt")}
    for field in fields(kind)[1:]:
        values[field.name] = BOB if hints[field.name] is Wallet else LARGEST
    return kind(**values)  # type: ignore[arg-type]


def test_every_kind_of_event_comes_back_as_it_was_written(sessions: Sessions) -> None:
    events = [largest(kind, number) for number, kind in enumerate(EVENT_KINDS.values(), start=1)]
    with sessions.begin() as session:
        add_events(session, events)
    with sessions.begin() as session:
        assert chain_rows.events_between(session, above=0, to=10**6) == events


def test_what_fails_while_events_are_stored_leaves_none_of_them(sessions: Sessions) -> None:
    many = [staked(1, index, ALICE) for index in range(3_000)]
    with (
        pytest.raises(AssertionError, match="while"),
        sessions.begin() as session,
        chain_rows.adding_events(session, many),
    ):
        raise AssertionError("while they are stored")
    with sessions.begin() as session:
        assert chain_rows.events_between(session, above=0, to=10) == []
        add_events(session, [staked(1, 0, ALICE)])
    with pytest.raises(IntegrityError), sessions.begin() as session:
        add_events(session, [staked(1, 0, ALICE)])


def staked(number: int, index: int, wallet: Wallet) -> ChainEvent:
    return EVENT_KINDS["VvvStaked"](LogPlace(number, index, f"0xb{number}", "0xt"), wallet, Wei(1))  # type: ignore[call-arg]


def test_events_come_back_in_chain_order_of_some_blocks_and_some_wallets(sessions: Sessions) -> None:
    given = EVENT_KINDS["Delegated"](
        at=LogPlace(3, 7, "0xb3", "0xt"),
        wallet=ALICE,
        receiver=CAROL,
        delegation=1,  # type: ignore[call-arg]
        amount=Wei(1),
        until_epoch=Epoch(9),
    )
    in_order = [staked(1, 0, ALICE), staked(2, 9, BOB), staked(2, 10, ALICE), given, staked(10, 0, BOB)]
    with sessions.begin() as session:
        add_events(session, Random(1).sample(in_order, len(in_order)))
        assert chain_rows.events_between(session, above=0, to=10) == in_order
        assert chain_rows.events_between(session, above=1, to=3) == in_order[1:4]
        assert chain_rows.events_between(session, above=0, to=10, wallets=[CAROL]) == [given]
        assert chain_rows.events_between(session, above=0, to=10, wallets=[]) == []
        assert chain_rows.forget_events_above(session, 2) == {ALICE, BOB, CAROL}
        assert chain_rows.events_between(session, above=0, to=10) == in_order[:3]


@pytest.mark.parametrize("pending", [False, True])
def test_a_position_of_the_largest_amounts_comes_back_as_it_was_written(
    sessions: Sessions, *, pending: bool
) -> None:
    amount = Wei(LARGEST)
    position = Position(ALICE, *[amount] * 9, slot=Slot(Epoch(20_000), amount, amount))
    with sessions.begin() as session:
        for each in (Position(ALICE), position):  # the second replaces the first
            chain_rows.write_positions(session, [each], pending=pending)
    with sessions.begin() as session:
        assert chain_rows.positions(session, [ALICE, BOB], pending=pending) == {ALICE: position}
        assert chain_rows.positions(session, [ALICE], pending=not pending) == {}
        final, latest = chain_rows.position_pair(session, ALICE)
        assert latest == position
        assert final == (Position(ALICE) if pending else position)


def test_more_rows_than_one_statement_takes_are_written(sessions: Sessions) -> None:
    count = 2 * ROWS_PER_WRITE + 1
    headers = [Header(number, f"0x{number}", "", 0) for number in range(count)]
    with sessions.begin() as session:
        chain_rows.add_blocks(session, headers)
        add_events(session, [staked(header.number, 0, ALICE) for header in headers])
        chain_rows.write_positions(session, [Position(wallet_number(n)) for n in range(count)], pending=False)
    with sessions.begin() as session:
        assert chain_rows.kept_blocks(session) == headers
        assert len(chain_rows.events_between(session, above=-1, to=count)) == count


def test_wallets_with_a_right_come_in_pages_that_miss_nobody(sessions: Sessions) -> None:
    right, nothing = Slot(Epoch(1), Wei(0), Wei(5)), Slot(Epoch(1), Wei(0), Wei(0))
    names = [wallet_number(number) for number in range(10)]
    with sessions.begin() as session:
        chain_rows.write_positions(session, [Position(name, slot=right) for name in names], pending=False)
        chain_rows.write_positions(session, [Position(wallet_number(50), slot=nothing)], pending=False)
        chain_rows.write_positions(session, [Position(wallet_number(51), slot=right)], pending=True)
        found: list[Wallet] = []
        while page := chain_rows.wallets_with_right(session, after=found[-1] if found else "", limit=3):
            found += page
    assert found == names


def test_a_sample_without_a_difference_does_not_take_back_what_another_run_found(sessions: Sessions) -> None:
    wrong, right = Verified(5, 100, 9, 1, None), Verified(6, 101, 3, 0, ALICE)
    with sessions.begin() as session:
        chain_rows.begin(session, chain_id=1, start=Header(0, "0x0", "", 0), now=0)
        verification.keep(session, wrong, first_difference="x" * 600, is_whole=True)
        verification.keep(session, right, first_difference=None, is_whole=False)
        found = chain_rows.followed(session)
        assert found is not None
        assert (found.no_grants_because or "").startswith("at block 5 1 differences, the first: xxx")
        assert verification.last(session) == right
        verification.keep(session, right, first_difference=None, is_whole=True)
        found = chain_rows.followed(session)
    assert found is not None
    assert found.no_grants_because is None
