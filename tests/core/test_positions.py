from dataclasses import asdict, replace
from functools import partial

import pytest

from entitlement.core.epochs import Epoch
from entitlement.core.events import (
    EVENT_KINDS,
    AllowanceChanged,
    ChainEvent,
    CreditBought,
    Delegated,
    DelegationEnded,
    DiemBurned,
    DiemExitCancelled,
    DiemExitClaimed,
    DiemExitRequested,
    DiemMinted,
    DiemStaked,
    LogPlace,
    MembershipBought,
    RewardsClaimed,
    VvvExitCancelled,
    VvvExitClaimed,
    VvvExitRequested,
    VvvLocked,
    VvvStaked,
    VvvUnlocked,
)
from entitlement.core.positions import (
    Delegation,
    Position,
    Slot,
    Ticket,
    apply_event,
    fold,
    open_delegations,
    open_tickets,
)
from entitlement.core.units import Usdc, Wallet, Wei

AT = LogPlace(1, 0, "0xb", "0xt")
ALICE, BOB = Wallet("0xa"), Wallet("0xb")
SEVEN = Wei(7)
FULL = Position(
    ALICE, *[Wei(100)] * 9, slot=Slot(Epoch(3), Wei(1), Wei(2))
)  # enough everywhere for every event to take from
of_alice = {"at": AT, "wallet": ALICE}
exit_ = {**of_alice, "ticket": 1, "amount": SEVEN}
given = {**of_alice, "delegation": 1, "amount": SEVEN}

CASES: list[tuple[ChainEvent, dict[str, int]]] = [
    (VvvStaked(**of_alice, amount=SEVEN), {"vvv_unlocked": +7}),
    (VvvExitRequested(**exit_, claimable_at=9), {"vvv_unlocked": -7, "vvv_cooling": +7}),
    (VvvExitCancelled(**exit_), {"vvv_cooling": -7, "vvv_unlocked": +7}),
    (VvvExitClaimed(**exit_), {"vvv_cooling": -7}),
    (RewardsClaimed(**of_alice, amount=SEVEN), {"rewards_claimed": +7}),
    (VvvLocked(**of_alice, amount=SEVEN), {"vvv_unlocked": -7, "vvv_locked": +7}),
    (VvvUnlocked(**of_alice, amount=SEVEN), {"vvv_locked": -7, "vvv_unlocked": +7}),
    (DiemMinted(**of_alice, amount=SEVEN, locked=Wei(700), supply=Wei(9)), {"diem_minted": +7}),
    (DiemBurned(**of_alice, amount=SEVEN, unlocked=Wei(700), supply=Wei(9)), {"diem_minted": -7}),
    (DiemStaked(**of_alice, amount=SEVEN), {"diem_staked": +7}),
    (DiemExitRequested(**exit_, claimable_at=9), {"diem_staked": -7, "diem_cooling": +7}),
    (DiemExitCancelled(**exit_), {"diem_cooling": -7, "diem_staked": +7}),
    (DiemExitClaimed(**exit_), {"diem_cooling": -7}),
    (AllowanceChanged(**of_alice, epoch=Epoch(4), current=Wei(5), next=Wei(6)), {}),
    (Delegated(**given, receiver=BOB, until_epoch=Epoch(9)), {"diem_given": +7}),
    (DelegationEnded(**given, receiver=BOB), {"diem_given": -7}),
    (CreditBought(**of_alice, usdc=Usdc(7)), {}),
    (MembershipBought(**of_alice, tier=1, until=7, bought_at=5), {}),
]


def test_the_cases_below_are_all_kinds_of_events() -> None:
    assert [type(event).__name__ for event, _ in CASES] == list(EVENT_KINDS)


@pytest.mark.parametrize(("event", "moves"), CASES, ids=lambda case: type(case).__name__)
def test_an_event_moves_what_it_says_and_nothing_else(event: ChainEvent, moves: dict[str, int]) -> None:
    after = apply_event(FULL, event)
    before = asdict(FULL)
    expected = before | {name: before[name] + amount for name, amount in moves.items()}
    if isinstance(event, AllowanceChanged):
        expected["slot"] = {"epoch": 4, "current": 5, "next": 6}
    assert asdict(after) == expected


TAKING = [event for event, moves in CASES if any(amount < 0 for amount in moves.values())]


@pytest.mark.parametrize("event", TAKING, ids=lambda event: type(event).__name__)
def test_an_event_that_would_leave_less_than_nothing_is_a_missed_log(event: ChainEvent) -> None:
    with pytest.raises(AssertionError, match="below zero at"):
        apply_event(Position(ALICE), event)


def test_the_far_side_of_a_delegation_below_zero_is_a_missed_log() -> None:
    with pytest.raises(AssertionError, match="below zero at"):
        apply_event(Position(BOB), DelegationEnded(**given, receiver=BOB))


def test_an_event_of_somebody_else_is_refused() -> None:
    with pytest.raises(AssertionError, match="is not about"):
        apply_event(Position(BOB), VvvStaked(**of_alice, amount=SEVEN))


def test_a_delegation_touches_both_wallets_and_its_end_undoes_it() -> None:
    positions: dict[Wallet, Position] = {}
    fold(positions, [Delegated(**given, receiver=BOB, until_epoch=Epoch(9))])
    assert positions == {ALICE: Position(ALICE, diem_given=SEVEN), BOB: Position(BOB, diem_received=SEVEN)}
    fold(positions, [DelegationEnded(**given, receiver=BOB)])
    assert positions == {ALICE: Position(ALICE), BOB: Position(BOB)}


def test_a_delegation_to_oneself_is_given_and_received() -> None:
    positions: dict[Wallet, Position] = {}
    fold(positions, [Delegated(**given, receiver=ALICE, until_epoch=Epoch(9))])
    assert positions == {ALICE: Position(ALICE, diem_given=SEVEN, diem_received=SEVEN)}


def test_a_fold_of_some_wallets_leaves_the_others_alone() -> None:
    bob = Position(BOB, diem_received=Wei(1))
    positions = {BOB: bob}
    fold(positions, [Delegated(**given, receiver=BOB, until_epoch=Epoch(9))], only={ALICE})
    assert positions == {ALICE: Position(ALICE, diem_given=SEVEN), BOB: bob}


def test_a_wallet_that_only_buys_has_no_position() -> None:
    positions: dict[Wallet, Position] = {}
    fold(positions, [CreditBought(**of_alice, usdc=Usdc(7)), MembershipBought(**of_alice, tier=1, until=7)])
    assert positions == {}


def test_the_slot_is_the_contracts_last_word() -> None:
    says = partial(AllowanceChanged, AT, ALICE, Epoch(4))
    positions = {ALICE: FULL}
    fold(positions, [says(Wei(5), Wei(6)), says(Wei(8), Wei(0))])
    assert positions[ALICE] == replace(FULL, slot=Slot(Epoch(4), Wei(8), Wei(0)))


def test_open_tickets_are_those_neither_cancelled_nor_claimed() -> None:
    requests = [
        VvvExitRequested(AT, ALICE, 1, Wei(10), 100),
        DiemExitRequested(AT, ALICE, 1, Wei(20), 200),
        VvvExitRequested(AT, ALICE, 2, Wei(30), 300),
        DiemExitRequested(AT, ALICE, 2, Wei(40), 400),
    ]
    ends = [VvvExitCancelled(AT, ALICE, 1, Wei(10)), DiemExitClaimed(AT, ALICE, 2, Wei(40))]
    assert open_tickets(requests + ends) == [Ticket("diem", 1, Wei(20), 200), Ticket("vvv", 2, Wei(30), 300)]


def test_what_ends_and_never_began_is_a_log_that_was_missed_unless_only_a_part_is_looked_at() -> None:
    begins = DiemExitRequested(AT, ALICE, 2, Wei(20), 200)
    exit_ends = VvvExitClaimed(AT, ALICE, 1, Wei(10))
    with pytest.raises(AssertionError, match="never began"):
        open_tickets([exit_ends, begins])
    assert open_tickets([exit_ends, begins], is_part=True) == [Ticket("diem", 2, Wei(20), 200)]
    given_away = Delegated(AT, ALICE, BOB, 8, Wei(20), Epoch(9))
    delegation_ends = DelegationEnded(AT, ALICE, BOB, 7, Wei(10))
    with pytest.raises(AssertionError, match="never began"):
        open_delegations([delegation_ends, given_away])
    assert open_delegations([delegation_ends, given_away], is_part=True) == [
        Delegation(8, ALICE, BOB, Wei(20), Epoch(9))
    ]
