"""A scripted chain whose blocks hold what the contracts would say, and whose forks tell another story."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from entitlement.core.blocks import Header
from entitlement.core.units import Wallet
from tests.simulation.stations import Stations
from tests.support import BLOCK_SECONDS, DIEM, ScriptedChain, Unplaced, wallet_number

PEOPLE = 5
TENTH = DIEM // 10


def person(number: int) -> Wallet:
    return wallet_number(1 + number % PEOPLE)


ACTS: tuple[Callable[[Stations, Wallet, Wallet, int], list[Unplaced]], ...] = (
    lambda at, wallet, _, number: at.stake_vvv(wallet, number * TENTH),
    lambda at, wallet, _, number: at.compound(wallet, number),
    lambda at, wallet, _, number: at.mint(wallet, number),
    lambda at, wallet, _, number: at.burn(wallet, number),
    lambda at, wallet, _, number: at.request_vvv(wallet, number * TENTH),
    lambda at, wallet, _, number: at.stake_diem(wallet, number * TENTH),
    lambda at, wallet, _, number: at.request_diem(wallet, number * TENTH),
    lambda at, wallet, _, number: at.cancel(wallet, number),
    lambda at, wallet, _, number: at.claim(wallet, number),
    lambda at, wallet, other, number: at.delegate(wallet, other, number * TENTH, days=1 + number % 2),
    lambda at, wallet, _, number: at.end_delegation(wallet, number),
    lambda at, wallet, _, number: at.top_up(wallet, 5_000_000 + number),
    lambda at, wallet, _, number: at.subscribe(wallet, 1 + number % 2, 1 + number % 12),
)


@dataclass(frozen=True)
class Act:
    """What somebody tries: numbers that any random source can give, whatever the state is."""

    kind: int
    who: int
    whom: int
    number: int

    def on(self, stations: Stations) -> list[Unplaced]:
        return ACTS[self.kind % len(ACTS)](stations, person(self.who), person(self.whom), self.number)


@dataclass
class LivingChain(ScriptedChain):
    """Blocks made by acts; `states` is what the contracts hold after each block."""

    states: dict[str, Stations] = field(default_factory=dict)
    made: dict[str, Header] = field(default_factory=dict)
    """Every block that ever was, by its hash."""

    def mine(self, *events: Unplaced, at: int | None = None) -> Header:
        header = super().mine(*events, at=at)
        self.made[header.hash] = header
        return header

    def turn_to(self, headers: Sequence[Header]) -> None:
        """Believe in other blocks, of any length; what is mined on them has hashes of its own."""
        self.headers_ = list(headers)
        self.drop(0)

    def live(self, *acts: Act, seconds: int = BLOCK_SECONDS) -> Header:
        """Add a block, `seconds` after the last, in which `acts` are done."""
        now = self.headers_[-1].timestamp + seconds
        stations = self.state().copy(now=now)
        events = [event for act in acts for event in act.on(stations)]
        header = self.mine(*events, at=now)
        self.states[header.hash] = stations
        return header

    def state(self, number: int = -1) -> Stations:
        """What the contracts hold after block `number`, or after the newest one."""
        header = self.headers_[number]
        return self.states.get(header.hash) or Stations(now=header.timestamp)
