"""Five people who do at random what the contracts allow, and now and then what they do not.

What they know, they ask the contracts, so that the same seed does the same wherever the clock does not
matter, and any follower can be put behind them: they read no log and no event.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from entitlement.core.epochs import SECONDS_PER_EPOCH
from entitlement.core.errors import TransactionFailed
from entitlement.core.units import Wallet
from tests.chain.system import DEPLOYER, USERS, System

STATIONS = ("StakedVVV", "InferenceStake")
_OPEN = 1  # TicketState.Open

Call = tuple[str, str, tuple[object, ...]]
"""Contract, function, arguments."""


@dataclass(frozen=True)
class Act:
    """What somebody did."""

    who: int
    what: str
    refusal: str | None
    """The contract's words where it was refused."""


class RandomUsers:
    """A driver: `settle_in` once, then `act` as often as wanted; `forget` after blocks were undone."""

    def __init__(self, system: System, seed: int) -> None:
        self.acts: list[Act] = []
        self.system = system
        self._random = Random(seed)
        self._closed: set[tuple[str, int]] = set()
        self._choices: list[tuple[int, Callable[[int], Call | None]]] = [
            (6, self._stake_vvv),
            (3, self._stake_vvv_for_another),
            (6, lambda who: self._request(who, "StakedVVV")),
            (3, lambda who: self._cancel(who, "StakedVVV")),
            (5, lambda who: self._claim(who, "StakedVVV")),
            (3, lambda _: ("StakedVVV", "claim", ())),
            (3, lambda _: ("StakedVVV", "compound", ())),
            (1, lambda _: ("StakedVVV", "payTreasury", ())),
            (6, self._mint_for_a_lock),
            (4, self._mint_an_amount),
            (5, self._burn),
            (3, self._give_diem),
            (6, self._stake_diem),
            (3, self._stake_diem_for_another),
            (6, lambda who: self._request(who, "InferenceStake")),
            (4, lambda who: self._cancel(who, "InferenceStake")),
            (5, lambda who: self._claim(who, "InferenceStake")),
            (6, self._delegate),
            (5, self._end_delegation),
        ]

    @property
    def wallets(self) -> list[Wallet]:
        """Everyone who may have a position: the users and the treasury."""
        return [self.system.wallet(number) for number in (DEPLOYER, *USERS)]

    @property
    def succeeded(self) -> int:
        return sum(act.refusal is None for act in self.acts)

    def refusals(self) -> Counter[str]:
        """How often which error was met."""
        return Counter(act.refusal.split("(")[0] for act in self.acts if act.refusal)

    def settle_in(self) -> None:
        """Give everyone VVV and something to act with."""
        for who in USERS:
            self.system.fund(who)
            self._send(who, ("StakedVVV", "stake", (self.system.address(who), 500_000 * 10**18)))
            self._send(who, ("DiemMint", "mintDiem", (100_000 * 10**18, 0)))
            self._send(who, ("InferenceStake", "stake", (self.system.address(who), 400 * 10**18)))
        self.acts.clear()

    def act(self) -> Act:
        """Let time pass or not, then let one of the five do one thing that there is to do."""
        if self._random.random() < 0.25:
            self._let_time_pass()
        weights = [weight for weight, _ in self._choices]
        while True:  # to claim emission is always possible, so this ends
            who = self._random.choice(USERS)
            (_, choice) = self._random.choices(self._choices, weights)[0]
            call = choice(who)
            if call is not None:
                return self._send(who, call)

    def forget(self) -> None:
        """Blocks were undone: what was closed may be open again."""
        self._closed.clear()

    # --- what they do ------------------------------------------------------------------------------------

    def _stake_vvv(self, who: int) -> Call | None:
        return self._stake("StakedVVV", "VVV", who, who)

    def _stake_vvv_for_another(self, who: int) -> Call | None:
        return self._stake("StakedVVV", "VVV", who, self._another(who))

    def _stake_diem(self, who: int) -> Call | None:
        return self._stake("InferenceStake", "DIEM", who, who)

    def _stake_diem_for_another(self, who: int) -> Call | None:
        return self._stake("InferenceStake", "DIEM", who, self._another(who))

    def _stake(self, station: str, token: str, who: int, recipient: int) -> Call | None:
        amount = self._part_of(self._own(token, "balanceOf", who))
        return amount and (station, "stake", (self.system.address(recipient), amount))

    def _request(self, who: int, station: str) -> Call | None:
        if station == "StakedVVV":
            available = self._own(station, "balanceOfUnlocked", who)
        else:
            available = self._own(station, "stakedOf", who) - self._own(station, "delegatedOf", who)
        amount = self._part_of(available)
        return amount and (station, "requestUnstake", (amount,))

    def _cancel(self, who: int, station: str) -> Call | None:
        tickets = self._open_tickets(who, station)
        return (station, "cancelUnstake", (self._random.choice(tickets)[0],)) if tickets else None

    def _claim(self, who: int, station: str) -> Call | None:
        tickets = self._open_tickets(who, station)
        now = self._now()
        due = [number for number, claimable_at in tickets if claimable_at <= now]
        if not due and tickets and self._random.random() < 0.3:
            due = [tickets[0][0]]  # too early, or just in time
        return (station, "claimUnstake", (due[: self._random.randint(1, 3)],)) if due else None

    def _mint_for_a_lock(self, who: int) -> Call | None:
        # A tenth at a time, or the first would take all that the curve gives.
        lock = self._part_of(self._own("StakedVVV", "balanceOfUnlocked", who) // 10)
        return lock and ("DiemMint", "mintDiem", (lock, 0))

    def _mint_an_amount(self, who: int) -> Call | None:
        lock = self._own("StakedVVV", "balanceOfUnlocked", who) // 10
        amount = self._part_of(self.system.contracts.view("DiemMint", "getDiemAmountOut", lock))
        return amount and ("DiemMint", "mintExactOut", (amount, 2**128))

    def _burn(self, who: int) -> Call | None:
        _, minted = self.system.contracts.view("DiemMint", "lockedStakes", self.system.address(who))
        amount = self._part_of(min(minted, self._own("DIEM", "balanceOf", who)))
        return amount and ("DiemMint", "burnDiem", (amount,))

    def _give_diem(self, who: int) -> Call | None:
        amount = self._part_of(self._own("DIEM", "balanceOf", who))
        return amount and ("DIEM", "transfer", (self.system.address(self._another(who)), amount))

    def _delegate(self, who: int) -> Call | None:
        free = self._own("InferenceStake", "stakedOf", who) - self._own("InferenceStake", "delegatedOf", who)
        amount = self._part_of(free)
        until = self.system.contracts.view("InferenceStake", "epoch") + self._random.randint(1, 3)
        receiver = self.system.address(self._another(who))
        return amount and ("InferenceStake", "delegate", (receiver, amount, until))

    def _end_delegation(self, who: int) -> Call | None:
        contracts, mine, today = self.system.contracts, self.system.address(who), None
        today = contracts.view("InferenceStake", "epoch")
        found: list[int] = []
        for number in self._numbers("delegation", "delegationCount", "InferenceStake"):
            giver, receiver, _, until, is_open = contracts.view("InferenceStake", "delegationOf", number)
            if not is_open:
                self._closed.add(("delegation", number))
            elif receiver == mine or (giver == mine and (until <= today or self._random.random() < 0.1)):
                found.append(number)
        return ("InferenceStake", "endDelegation", (self._random.choice(found),)) if found else None

    # --- what they know ----------------------------------------------------------------------------------

    def _own(self, contract: str, view: str, who: int) -> int:
        return self.system.contracts.view(contract, view, self.system.address(who))

    def _another(self, who: int) -> int:
        return self._random.choice([other for other in USERS if other != who])

    def _now(self) -> int:
        return self.system.devnet.head().timestamp

    def _part_of(self, available: int) -> int | None:
        """All of it, a part, a single wei; rarely one more than there is."""
        if available == 0:
            return None
        chance = self._random.random()
        if chance < 0.03:
            return available + 1
        if chance < 0.08:
            return 1
        if chance < 0.18:
            return available
        return self._random.randint(1, available)

    def _open_tickets(self, who: int, station: str) -> list[tuple[int, int]]:
        """The number and due time of each open ticket of somebody."""
        found: list[tuple[int, int]] = []
        own, address = f"{station} of {who}", self.system.address(who)
        for number in self._numbers(own, "ticketCount", station):
            _, claimable_at, state = self.system.contracts.view(station, "ticketOf", address, number)
            if state == _OPEN:
                found.append((number, claimable_at))
            else:
                self._closed.add((own, number))  # or never theirs
        return found

    def _numbers(self, kind: str, count: str, contract: str) -> list[int]:
        last = self.system.contracts.view(contract, count)
        return [number for number in range(1, last + 1) if (kind, number) not in self._closed]

    # --- time and sending ----------------------------------------------------------------------------------

    def _let_time_pass(self) -> None:
        """To a second before, at or after a midnight or the end of a ticket's wait; or for some hours."""
        now = self._now()
        midnight = (now // SECONDS_PER_EPOCH + 1) * SECONDS_PER_EPOCH
        who, station = self._random.choice(USERS), self._random.choice(STATIONS)
        dues = [due for _, due in self._open_tickets(who, station) if due > now + 1]
        goal = self._random.choice([midnight, midnight, *dues[:1], now + self._random.randint(60, 40_000)])
        goal = max(now, goal + self._random.choice((-1, 0, 1)))
        if self._random.random() < 0.5:
            self.system.devnet.jump_to(goal)
        else:
            self.system.devnet.set_next_timestamp(goal)

    def _send(self, who: int, call: Call) -> Act:
        contract, function, arguments = call
        refusal = None
        try:
            self.system.transact(who, contract, function, *arguments)
        except TransactionFailed as error:
            refusal = error.reason
        self.acts.append(Act(who, f"{contract}.{function}", refusal))
        return self.acts[-1]
