"""The events read from the live contracts' replica, folded, against what the replica says at every block.

random users -> replica -> LiveChainReader.events -> fold -> positions, slots, tickets
                   |                                                  ==
                   +----- its own views; our rule applied to what was sent
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field

import pytest

from entitlement.chain.artifacts import Artifacts
from entitlement.chain.live.profile import LiveProfile
from entitlement.chain.networks import Network
from entitlement.core.blocks import Header
from entitlement.core.events import ChainEvent, wallets_in
from entitlement.core.live import LiveAccount
from entitlement.core.positions import Position, Slot, fold, open_tickets
from entitlement.core.units import Wallet, Wei
from tests.chain.live_system import (
    DIEM,
    STAKING,
    LiveSystem,
    RandomLiveUsers,
    live_system,
    reader_of,
    write_profile,
)
from tests.chain.system import USERS

SEEDS = (3, 20_260_919)
ACTS_BEFORE, ACTS = 25, 150


@dataclass
class History:
    """What was done to a replica, and what it said after each act from the start block on."""

    system: LiveSystem
    profile: LiveProfile
    looks: list[tuple[Header, dict[int, LiveAccount], dict[int, Slot]]] = field(
        default_factory=list[tuple[Header, dict[int, LiveAccount], dict[int, Slot]]]
    )

    def look(self) -> None:
        head = self.system.devnet.head()
        accounts = {who: self.system.account(who, head.number) for who in USERS}
        slots = {who: self.system.slot(who, head.timestamp) for who in USERS}
        self.looks.append((head, accounts, slots))


@pytest.fixture(scope="module", params=SEEDS)
def history(
    request: pytest.FixtureRequest,
    network: Network,
    artifacts: Artifacts,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[History]:
    with live_system(network, artifacts) as system:
        users = RandomLiveUsers(system, request.param)
        users.settle_in()
        for _ in range(ACTS_BEFORE):
            users.act()
        start = system.devnet.mine()
        system.begin_day_now()
        made = History(system, write_profile(tmp_path_factory.mktemp("live"), system, start.number))
        made.look()
        for _ in range(ACTS):
            users.act()
            made.look()
        assert users.succeeded > users.refused
        yield made


@pytest.fixture(scope="module")
def told(history: History) -> list[ChainEvent]:
    return follow(history, steps=(10_000,))


def follow(history: History, *, steps: tuple[int, ...]) -> list[ChainEvent]:
    """Return all events from the start block to the head, read so many blocks at a time, in turn."""
    first, turn = history.profile.start_block, 0
    events: list[ChainEvent] = []
    with closing(reader_of(history.profile)) as reader:
        last = reader.head().number
        while first <= last:
            end = min(first + steps[turn % len(steps)] - 1, last)
            events += reader.events(reader.headers(first, end))
            first, turn = end + 1, turn + 1
    return events


def folded(events: list[ChainEvent], at: Header) -> dict[Wallet, Position]:
    positions: dict[Wallet, Position] = {}
    fold(positions, (event for event in events if event.at.block_number <= at.number))
    return positions


def rolled(slot: Slot, today: Slot) -> Slot:
    return slot if slot.epoch == today.epoch else Slot(today.epoch, slot.next, slot.next)


def test_positions_rights_and_exits_are_the_replica_s_at_every_block(
    history: History, told: list[ChainEvent]
) -> None:
    for head, accounts, slots in history.looks:
        positions = folded(told, head)
        for who in USERS:
            account, wallet = accounts[who], history.system.wallet(who)
            position = positions.get(wallet) or Position(wallet)
            assert rolled(position.slot, slots[who]) == slots[who], head
            assert position == Position(
                wallet,
                vvv_unlocked=account.vvv_unlocked,
                vvv_locked=account.vvv_locked,
                vvv_cooling=account.vvv_exit.amount,
                diem_minted=account.diem_minted,
                diem_staked=account.diem_staked,
                diem_cooling=account.diem_exit.amount,
                slot=position.slot,
            )
            own = [
                event
                for event in told
                if event.at.block_number <= head.number and wallet in wallets_in([event])
            ]
            exits = {"vvv": account.vvv_exit, "diem": account.diem_exit}
            assert {(ticket.station, ticket.amount, ticket.claimable_at) for ticket in open_tickets(own)} == {
                (station, each.amount, each.due) for station, each in exits.items() if each.amount
            }


def test_the_history_has_every_kind_of_event(told: list[ChainEvent], history: History) -> None:
    kinds = {type(event).__name__ for event in told}
    assert kinds >= {
        "VvvStaked",
        "VvvExitRequested",
        "VvvExitCancelled",
        "VvvExitClaimed",
        "VvvLocked",
        "VvvUnlocked",
        "DiemMinted",
        "DiemBurned",
        "DiemStaked",
        "DiemExitRequested",
        "DiemExitCancelled",
        "DiemExitClaimed",
        "AllowanceChanged",
    }
    days = {head.timestamp // 86_400 for head, _, _ in history.looks}
    assert len(days) > 10


@pytest.mark.parametrize("steps", [(1,), (7, 1, 30)], ids=str)
def test_however_many_blocks_are_read_at_once_the_events_are_the_same(
    history: History, told: list[ChainEvent], steps: tuple[int, ...]
) -> None:
    assert follow(history, steps=steps) == told


def test_nobody_has_more_right_than_ever_was_staked_that_day(
    history: History, told: list[ChainEvent]
) -> None:
    for head, _, _ in history.looks:
        rights = sum(position.slot.next for position in folded(told, head).values())
        assert rights == history.system.view(DIEM, "totalStaked", block=head.number)


def test_the_adapter_s_curve_mints_what_the_replica_mints(history: History) -> None:
    with closing(reader_of(history.profile)) as reader:
        head = reader.head()
        curve = reader.views.curve(head.hash)
    supply = history.system.view(DIEM, "totalSupply", block=head.number)
    for lock in (1, 10**18, 12_345_678_901_234_567_890, 45_000 * 10**18, 10**25, 10**26):
        expected = history.system.view(STAKING, "getDiemAmountOut", lock, block=head.number)
        assert curve.amount_for(Wei(lock), Wei(supply)) == expected
