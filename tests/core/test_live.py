"""What happened between two accounts of a wallet in the live contracts."""

from collections.abc import Callable
from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entitlement.core.epochs import Epoch, starts_at
from entitlement.core.errors import InconsistentNode
from entitlement.core.events import (
    ChainEvent,
    DiemBurned,
    DiemExitCancelled,
    DiemExitClaimed,
    DiemExitRequested,
    DiemMinted,
    DiemStaked,
    LogPlace,
    VvvExitCancelled,
    VvvExitClaimed,
    VvvExitRequested,
    VvvLocked,
    VvvUnlocked,
)
from entitlement.core.live import (
    Day,
    Exit,
    LiveAccount,
    Logged,
    changes,
    opening,
    right_of,
    right_without_history,
)
from entitlement.core.positions import Position, Slot, Ticket, apply_event, open_tickets
from entitlement.core.units import Wallet, Wei

ALICE = Wallet("0x" + "a1" * 20)
NOBODY = LiveAccount(ALICE)
DAY = 86_400
TODAY = Epoch(20_000)


def places() -> Callable[[], LogPlace]:
    numbers = count()
    return lambda: LogPlace(7, next(numbers), "0x" + "bb" * 32, "0x" + "cc" * 32)


def between(before: LiveAccount, after: LiveAccount, logged: Logged | None = None) -> list[ChainEvent]:
    return changes(before, after, logged or Logged(), supply=Wei(500), place=places())


def folded(events: list[ChainEvent]) -> Position:
    position = Position(ALICE)
    for event in events:
        position = apply_event(position, event)
    return position


def assert_is(position: Position, account: LiveAccount) -> None:
    assert position == Position(
        ALICE,
        vvv_unlocked=account.vvv_unlocked,
        vvv_locked=account.vvv_locked,
        vvv_cooling=account.vvv_exit.amount,
        diem_minted=account.diem_minted,
        diem_staked=account.diem_staked,
        diem_cooling=account.diem_exit.amount,
    )


STAKED = replace(NOBODY, diem_staked=Wei(10))
COOLING = replace(NOBODY, diem_staked=Wei(10), diem_exit=Exit(Wei(4), due=90_000))


def test_nothing_happened_to_who_has_what_he_had() -> None:
    assert between(COOLING, COOLING) == []


def test_a_stake_that_left_without_a_log_is_a_request() -> None:
    (event,) = between(STAKED, replace(STAKED, diem_staked=Wei(7), diem_exit=Exit(Wei(3), 90_000)))
    assert event == DiemExitRequested(event.at, ALICE, 90_000, Wei(3), 90_000)


def test_a_second_request_restarts_the_wait_of_all_that_is_pending() -> None:
    old, new = between(COOLING, replace(COOLING, diem_staked=Wei(9), diem_exit=Exit(Wei(5), 95_000)))
    assert old == DiemExitCancelled(old.at, ALICE, 90_000, Wei(4))
    assert new == DiemExitRequested(new.at, ALICE, 95_000, Wei(5), 95_000)
    first = DiemExitRequested(old.at, ALICE, 90_000, Wei(4), 90_000)
    assert open_tickets([first, old, new]) == [Ticket("diem", 95_000, Wei(5), 95_000)]


def test_an_exit_that_is_gone_was_paid() -> None:
    (event,) = between(COOLING, replace(COOLING, diem_exit=Exit()))
    assert event == DiemExitClaimed(event.at, ALICE, 90_000, Wei(4))


def test_paid_staked_and_asked_for_again_in_one_block_are_three_events() -> None:
    after = replace(COOLING, diem_staked=Wei(12), diem_exit=Exit(Wei(1), 99_000))
    events = between(COOLING, after, Logged(diem_staked=Wei(3)))
    assert [type(event) for event in events] == [DiemExitClaimed, DiemStaked, DiemExitRequested]
    assert events[1:] == [
        DiemStaked(events[1].at, ALICE, Wei(3)),
        DiemExitRequested(events[2].at, ALICE, 99_000, Wei(1), 99_000),
    ]


def test_a_mint_locks_and_a_burn_unlocks_what_the_account_says() -> None:
    before = replace(NOBODY, vvv_unlocked=Wei(100))
    after = replace(NOBODY, vvv_unlocked=Wei(40), vvv_locked=Wei(60), diem_minted=Wei(2))
    lock, mint = between(before, after)
    assert lock == VvvLocked(lock.at, ALICE, Wei(60))
    assert mint == DiemMinted(mint.at, ALICE, Wei(2), Wei(60), Wei(500))
    unlock, burn = between(after, before)
    assert unlock == VvvUnlocked(unlock.at, ALICE, Wei(60))
    assert burn == DiemBurned(burn.at, ALICE, Wei(2), Wei(60), Wei(500))


def test_a_vvv_exit_is_requested_restarted_and_paid_like_one_of_diem() -> None:
    whole = replace(NOBODY, vvv_unlocked=Wei(10))
    one = replace(NOBODY, vvv_unlocked=Wei(7), vvv_exit=Exit(Wei(3), 100))
    two = replace(NOBODY, vvv_unlocked=Wei(5), vvv_exit=Exit(Wei(5), 200))
    (asked,) = between(whole, one, Logged(vvv_requested=Wei(3)))
    assert asked == VvvExitRequested(asked.at, ALICE, 100, Wei(3), 100)
    old, new = between(one, two, Logged(vvv_requested=Wei(2)))
    assert old == VvvExitCancelled(old.at, ALICE, 100, Wei(3))
    assert new == VvvExitRequested(new.at, ALICE, 200, Wei(5), 200)
    (paid,) = between(two, replace(two, vvv_exit=Exit()))
    assert paid == VvvExitClaimed(paid.at, ALICE, 200, Wei(5))


@pytest.mark.parametrize(
    ("case", "before", "after", "logged"),
    [
        ("staked DIEM that grew without a log", STAKED, replace(STAKED, diem_staked=Wei(11)), Logged()),
        ("staked DIEM that left and is not pending", STAKED, NOBODY, Logged()),
        ("a pending exit that became stake again", COOLING, replace(STAKED, diem_staked=Wei(14)), Logged()),
        ("an exit that was paid in part", COOLING, replace(COOLING, diem_exit=Exit(Wei(1), 9)), Logged()),
        ("sVVV that grew without a log", NOBODY, replace(NOBODY, vvv_unlocked=Wei(1)), Logged()),
        ("a burn of sVVV that is not pending", replace(NOBODY, vvv_unlocked=Wei(3)),
         replace(NOBODY, vvv_unlocked=Wei(1)), Logged(vvv_requested=Wei(2))),
    ],
)  # fmt: skip
def test_what_the_rules_do_not_explain_is_refused(
    case: str, before: LiveAccount, after: LiveAccount, logged: Logged
) -> None:
    with pytest.raises(InconsistentNode):
        pytest.fail(f"{case} gave {between(before, after, logged)}")


amounts = st.integers(0, 2**96)


@given(amounts, amounts, amounts, amounts, amounts, amounts)
def test_an_opened_account_folds_to_itself(
    unlocked: int, locked: int, leaving: int, minted: int, staked: int, cooling: int
) -> None:
    account = LiveAccount(
        ALICE,
        Wei(unlocked),
        Wei(locked),
        Exit(Wei(leaving), 5),
        Wei(minted),
        Wei(staked),
        Exit(Wei(cooling), 6),
    )
    events = between(NOBODY, account, opening(account))
    assert_is(folded(events), account)
    tickets = {(ticket.station, ticket.amount, ticket.claimable_at) for ticket in open_tickets(events)}
    expected = {("vvv", leaving, 5), ("diem", cooling, 6)}
    assert tickets == {(station, amount, due) for station, amount, due in expected if amount}


# --- the daily right ---------------------------------------------------------------------------------------


def test_a_request_lowers_tomorrow_only_and_a_stake_raises_both() -> None:
    assert right_of(Day(TODAY, Wei(10), Wei(0)), Wei(4)) == Slot(TODAY, Wei(10), Wei(4))
    assert right_of(Day(TODAY, Wei(10), Wei(5)), Wei(15)) == Slot(TODAY, Wei(15), Wei(15))


@pytest.mark.parametrize(
    ("case", "requested_at", "expected"),
    [
        ("a second before midnight", starts_at(TODAY) - 1, Slot(TODAY, Wei(10), Wei(10))),
        ("at midnight", starts_at(TODAY), None),
        ("a second after midnight", starts_at(TODAY) + 1, None),
    ],
)
def test_the_account_alone_proves_the_right_unless_an_exit_was_requested_today(
    case: str, requested_at: int, expected: Slot | None
) -> None:
    account = replace(STAKED, diem_exit=Exit(Wei(4), due=requested_at + DAY))
    assert right_without_history(account, TODAY, DAY) == expected, case


def test_without_an_exit_the_stake_is_the_right() -> None:
    assert right_without_history(STAKED, TODAY, DAY) == Slot(TODAY, Wei(10), Wei(10))
