"""/v1/public/wallets/{address}: what the chain says of anybody, for everybody, and bounded."""

from functools import partial
from typing import Any

import pytest
from sqlalchemy import text

from entitlement.core.epochs import Epoch, epoch_at
from entitlement.core.events import (
    AllowanceChanged,
    CreditBought,
    Delegated,
    DelegationEnded,
    DiemExitCancelled,
    DiemExitRequested,
    DiemStaked,
    VvvExitClaimed,
    VvvExitRequested,
    VvvStaked,
)
from entitlement.core.units import Usdc, Wei
from entitlement.flows import read_wallet
from entitlement.flows.read_wallet import OPEN_MAX, RECENT_EVENTS
from tests.api.support import assert_problem
from tests.api.world import World
from tests.support import DIEM, GENESIS_TIME, USD, ScriptedChain, Unplaced, follower, wallet_number

ALICE, BOB, CAROL = (wallet_number(number) for number in (101, 102, 103))
DAY = epoch_at(GENESIS_TIME)
TERM = Epoch(DAY + 7)


def read(world: World, wallet: str, **headers: str) -> dict[str, Any]:
    answer = world.client.get(f"/v1/public/wallets/{wallet}", headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["access-control-allow-origin"] == "*"
    return dict(answer.json())


def tell(world: World, *blocks: list[Unplaced], finality_depth: int = 0) -> ScriptedChain:
    """Follow a chain of these blocks, on its first day."""
    chain = ScriptedChain(finality_depth=finality_depth)
    for events in blocks:
        chain.mine(*events)
    follower(chain, world.sessions).step()
    world.service.clock.jump_to(GENESIS_TIME + 3_600)
    return chain


def gives(number: int, giver: str = ALICE, receiver: str = BOB, amount: int = DIEM) -> Unplaced:
    return partial(
        Delegated,
        wallet=giver,
        receiver=receiver,
        delegation=number,
        amount=Wei(amount),
        until_epoch=TERM,
    )


def test_a_wallet_that_nobody_has_seen_has_zeros_and_no_account_is_made_for_it(world: World) -> None:
    told = read(world, ALICE)
    assert set(told["position"].values()) == set(told["final_position"].values()) == {"0"}
    assert (told["allowance_now"], told["allowance_next"], told["is_cut"]) == (0, 0, False)
    assert (
        told["tickets"] == told["delegations_given"] == told["delegations_received"] == told["recent"] == []
    )
    with world.sessions.begin() as session:
        found = session.execute(
            text("SELECT count(*) FROM accounts WHERE wallet = :wallet"), {"wallet": ALICE}
        )
        assert found.scalar_one() == 0


@pytest.mark.parametrize("address", ["0x12", "0x" + "g" * 40, "vitalik.eth", "0x" + "1" * 41])
def test_what_is_no_address_is_a_problem_and_pages_of_any_origin_may_read_it(
    address: str, world: World
) -> None:
    answer = world.client.get(f"/v1/public/wallets/{address}")
    assert_problem(answer, 400, "malformed_address")
    assert answer.headers["access-control-allow-origin"] == "*"


def test_what_is_final_and_what_is_pending_are_told_apart_with_what_each_gives(world: World) -> None:
    stakes = partial(DiemStaked, wallet=ALICE, amount=Wei(4 * DIEM))
    says = partial(AllowanceChanged, wallet=ALICE, epoch=DAY, current=Wei(4 * DIEM), next=Wei(4 * DIEM))
    leaves = partial(DiemExitRequested, wallet=ALICE, ticket=3, amount=Wei(DIEM), claimable_at=77)
    then = partial(AllowanceChanged, wallet=ALICE, epoch=DAY, current=Wei(4 * DIEM), next=Wei(3 * DIEM))
    chain = tell(world, [stakes, says], [leaves, then], finality_depth=1)
    told = read(world, ALICE)
    assert (told["final_position"]["diem_staked"], told["position"]["diem_staked"]) == (
        str(4 * DIEM),
        str(3 * DIEM),
    )
    assert (told["final_block"], told["latest_block"], told["epoch"]) == (1, 2, DAY)
    assert (told["allowance_now"], told["allowance_next"]) == (4 * USD, 3 * USD)
    assert told["tickets"] == [{"station": "diem", "number": 3, "amount": str(DIEM), "claimable_at": 77}]
    assert [(each["kind"], each["block"], each["is_final"]) for each in told["recent"]] == [
        ("AllowanceChanged", 2, False),
        ("DiemExitRequested", 2, False),
        ("AllowanceChanged", 1, True),
        ("DiemStaked", 1, True),
    ]
    newest = told["recent"][1]
    header = chain.headers_[2]
    assert (newest["transaction_hash"], newest["time"]) == (header.hash, header.timestamp)
    assert (newest["amount"], newest["token"]) == (str(DIEM), "DIEM")
    assert (told["recent"][0]["amount"], told["recent"][0]["token"]) == (None, None)


def test_delegations_are_told_to_both_sides_until_they_end(world: World) -> None:
    stakes = [partial(DiemStaked, wallet=each, amount=Wei(9 * DIEM)) for each in (ALICE, CAROL)]
    ends = partial(DelegationEnded, wallet=ALICE, receiver=BOB, delegation=2, amount=Wei(DIEM))
    tell(world, stakes, [gives(1), gives(2), gives(3, CAROL, ALICE, 5 * DIEM)], [ends])
    alice, bob = read(world, ALICE), read(world, BOB)
    given = {"id": 1, "giver": ALICE, "receiver": BOB, "amount": str(DIEM), "until_epoch": TERM}
    received = {"id": 3, "giver": CAROL, "receiver": ALICE, "amount": str(5 * DIEM), "until_epoch": TERM}
    assert (alice["delegations_given"], alice["delegations_received"]) == ([given], [received])
    assert (bob["delegations_given"], bob["delegations_received"]) == ([], [given])
    assert [(each["kind"], each["giver"], each["receiver"]) for each in bob["recent"]] == [
        ("DelegationEnded", ALICE, BOB),
        ("Delegated", ALICE, BOB),
        ("Delegated", ALICE, BOB),
    ]


def test_exits_that_were_cancelled_or_claimed_are_no_longer_in_progress(world: World) -> None:
    stakes = [
        partial(VvvStaked, wallet=ALICE, amount=Wei(9)),
        partial(DiemStaked, wallet=ALICE, amount=Wei(9)),
    ]
    asks = [
        partial(VvvExitRequested, wallet=ALICE, ticket=1, amount=Wei(2), claimable_at=5),
        partial(VvvExitRequested, wallet=ALICE, ticket=2, amount=Wei(3), claimable_at=6),
        partial(DiemExitRequested, wallet=ALICE, ticket=1, amount=Wei(4), claimable_at=7),
    ]
    ends = [
        partial(VvvExitClaimed, wallet=ALICE, ticket=1, amount=Wei(2)),
        partial(DiemExitCancelled, wallet=ALICE, ticket=1, amount=Wei(4)),
    ]
    tell(world, stakes, asks, ends)
    told = read(world, ALICE)
    assert told["tickets"] == [{"station": "vvv", "number": 2, "amount": "3", "claimable_at": 6}]


def test_of_more_than_two_hundred_the_newest_are_told_and_that_there_are_more(world: World) -> None:
    stake = partial(DiemStaked, wallet=ALICE, amount=Wei(10**6))
    asks = [
        partial(DiemExitRequested, wallet=ALICE, ticket=number, amount=Wei(1), claimable_at=number)
        for number in range(1, OPEN_MAX + 2)
    ]
    chain = tell(world, [stake], asks[:-1])
    told = read(world, ALICE)
    assert (len(told["tickets"]), told["is_cut"], len(told["recent"])) == (OPEN_MAX, False, RECENT_EVENTS)
    chain.mine(asks[-1])
    follower(chain, world.sessions).step()
    told = read(world, ALICE)
    assert [each["number"] for each in told["tickets"]] == list(range(2, OPEN_MAX + 2))
    assert told["is_cut"]


def test_what_is_read_of_one_wallet_has_an_end_however_often_it_opened_and_ended_something(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_wallet, "EVENTS_READ_MAX", 3)
    stake = partial(DiemStaked, wallet=ALICE, amount=Wei(10**6))
    asks = [
        partial(DiemExitRequested, wallet=ALICE, ticket=number, amount=Wei(1), claimable_at=number)
        for number in (1, 2, 3)
    ]
    cancels = partial(DiemExitCancelled, wallet=ALICE, ticket=1, amount=Wei(1))
    tell(world, [stake], [*asks, cancels], [gives(4, CAROL), gives(5, CAROL), gives(6, CAROL)])
    told = read(world, ALICE)
    assert ([each["number"] for each in told["tickets"]], told["is_cut"]) == ([2, 3], True)
    assert read(world, CAROL)["is_cut"]


def test_what_was_bought_is_told_in_units_of_usdc(world: World) -> None:
    tell(world, [partial(CreditBought, wallet=ALICE, usdc=Usdc(5_000_000))])
    (event,) = read(world, ALICE)["recent"]
    assert (event["kind"], event["amount"], event["token"]) == ("CreditBought", "5000000", "USDC")
