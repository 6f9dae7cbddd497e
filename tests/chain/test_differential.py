"""The fold of the logs against the contracts' own views, through every kind of history and its undoing.

random users -> Anvil -> reader.events -> fold -> positions, open tickets
                  |                                       ==
                  +------------ views of the contracts ---+
"""

from collections.abc import Iterator
from itertools import product

import pytest

from entitlement.chain.artifacts import Artifacts
from entitlement.chain.networks import Network
from entitlement.chain.views import differences, wallet_view
from entitlement.core.blocks import Header
from entitlement.core.events import ChainEvent, wallets_in
from entitlement.core.positions import Position, Ticket, fold, open_tickets
from entitlement.core.reorg import fork_point, is_linked
from entitlement.core.units import Wallet
from tests.chain.random_users import STATIONS, RandomUsers
from tests.chain.system import System, deployed

SEEDS = (1, 20_260_922)
ACTS = 300
LOOK_EVERY = 20
NAMES = {"StakedVVV": "vvv", "InferenceStake": "diem"}


class Following:
    """What a follower knows, kept in memory: headers and events from the deployment on."""

    def __init__(self, system: System) -> None:
        self._system = system
        self.headers: list[Header] = []
        self.events: list[ChainEvent] = []

    def follow(self) -> int:
        """Undo what is gone, read what is new, and return how many blocks were undone."""
        reader = self._system.reader
        undone = 0
        if self.headers:
            fork = fork_point(self.headers, lambda number: getattr(reader.header(number), "hash", None))
            undone = self.headers[-1].number - fork.number
            self.headers = [header for header in self.headers if header.number <= fork.number]
            self.events = [event for event in self.events if event.at.block_number <= fork.number]
        first = self.headers[-1].number + 1 if self.headers else self._system.deployment.start_block
        last = reader.head().number
        if first <= last:
            headers = reader.headers(first, last)
            assert is_linked(headers, self.headers[-1] if self.headers else None)
            self.events += reader.events(headers)
            self.headers += headers
        return undone

    def positions(self, at: Header) -> dict[Wallet, Position]:
        folded: dict[Wallet, Position] = {}
        fold(folded, (event for event in self.events if event.at.block_number <= at.number))
        return folded


@pytest.fixture(scope="module", params=SEEDS)
def users(request: pytest.FixtureRequest, network: Network, artifacts: Artifacts) -> Iterator[RandomUsers]:
    with deployed(network, artifacts) as system:
        made = RandomUsers(system, request.param)
        made.settle_in()
        yield made


def assert_agrees(system: System, following: Following, users: RandomUsers, at: Header) -> None:
    positions = following.positions(at)
    assert set(positions) <= set(users.wallets)
    for wallet in users.wallets:
        view = wallet_view(system.contracts, wallet, at)
        assert not differences(positions.get(wallet) or Position(wallet), view)
    for station, token in (("StakedVVV", "vvv"), ("InferenceStake", "diem")):
        total = system.contracts.view(station, "totalStaked", block=at.number)
        names = ("vvv_unlocked", "vvv_locked") if token == "vvv" else ("diem_staked",)
        assert sum(getattr(each, name) for each in positions.values() for name in names) == total


def assert_tickets_agree(system: System, following: Following, users: RandomUsers) -> None:
    """Every ticket that was ever written is open on the chain exactly if it is open in the fold."""
    folded: dict[tuple[str, int], tuple[Wallet, Ticket]] = {}
    for wallet in following.positions(following.headers[-1]):
        own = [event for event in following.events if wallet in wallets_in([event])]
        folded |= {(ticket.station, ticket.number): (wallet, ticket) for ticket in open_tickets(own)}
    on_chain: dict[tuple[str, int], tuple[Wallet, Ticket]] = {}
    for station in STATIONS:
        numbers = range(1, system.contracts.view(station, "ticketCount") + 1)
        for wallet, number in product(users.wallets, numbers):
            amount, claimable_at, state = system.contracts.view(station, "ticketOf", wallet, number)
            if state == 1:
                name = NAMES[station]
                assert (name, number) not in on_chain, "a ticket of two owners"
                on_chain[name, number] = (wallet, Ticket(name, number, amount, claimable_at))
    assert folded == on_chain


def test_the_fold_of_the_logs_is_what_the_contracts_say(users: RandomUsers) -> None:
    system = users.system
    following = Following(system)
    looks: list[Header] = []
    for step in range(1, ACTS + 1):
        users.act()
        if step % LOOK_EVERY == 0:
            looks.append(system.devnet.head())
            following.follow()
    following.follow()
    for look in [*looks, following.headers[-1]]:
        assert_agrees(system, following, users, look)
    assert_tickets_agree(system, following, users)
    whole = Following(system)
    whole.follow()
    assert (whole.headers, whole.events) == (following.headers, following.events)
    assert users.succeeded >= 0.6 * len(users.acts), users.refusals()
    # A history without one of these would prove little.
    kinds = {type(event).__name__ for event in following.events}
    assert {
        "DelegationEnded",
        "VvvExitClaimed",
        "DiemExitClaimed",
        "DiemExitCancelled",
        "DiemBurned",
    } <= kinds


def test_after_a_reorganisation_of_any_depth_they_agree_again(users: RandomUsers) -> None:
    system = users.system
    following = Following(system)
    following.follow()
    undone = 0
    for depth in range(1, 11):
        for _ in range(4):
            users.act()
        following.follow()
        newest = following.headers[-depth:]
        raw = [
            system.rpc.call("eth_getRawTransactionByHash", transaction)
            for header in newest
            for transaction in system.rpc.call("eth_getBlockByHash", header.hash, False)["transactions"]  # noqa: FBT003
        ]
        # The first half of what was undone is mined again, in other blocks; the rest never happened.
        kept = [
            (transaction, depth - 1 - place % depth) for place, transaction in enumerate(raw[: len(raw) // 2])
        ]
        system.devnet.reorg(depth, sorted(kept, key=lambda pair: pair[1]))
        users.forget()
        # A new block without a transaction may be the old one again, to the last bit: then it is not undone.
        undone += following.follow()
        assert_agrees(system, following, users, following.headers[-1])
        assert_tickets_agree(system, following, users)
    whole = Following(system)
    whole.follow()
    assert (whole.headers, whole.events) == (following.headers, following.events)
    assert undone > 40
