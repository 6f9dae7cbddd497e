"""The contracts as a person would do their sums: who has what, and what they say at every change.

Written from what the contracts promise, not from the fold that is under test, so that the two can disagree.
Amounts are wei. A wish that the contract would refuse is cut down to what it allows, or says nothing.
"""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from functools import partial

from entitlement.core.epochs import SECONDS_PER_EPOCH, Epoch
from entitlement.core.events import (
    AllowanceChanged,
    CreditBought,
    Delegated,
    DelegationEnded,
    DiemBurned,
    DiemExitCancelled,
    DiemExitClaimed,
    DiemExitRequested,
    DiemMinted,
    DiemStaked,
    MembershipBought,
    RewardsClaimed,
    VvvExitCancelled,
    VvvExitClaimed,
    VvvExitRequested,
    VvvLocked,
    VvvStaked,
    VvvUnlocked,
)
from entitlement.core.positions import Position, Slot
from entitlement.core.units import Usdc, Wallet, Wei
from tests.support import Unplaced

WEEK = 7 * SECONDS_PER_EPOCH
MONTH = 30 * SECONDS_PER_EPOCH
PRICE = 100
"""Wei of VVV behind a wei of DIEM: the fold does not care about the curve."""


@dataclass
class Ticket:
    station: str
    wallet: Wallet
    amount: int
    requested_at: int
    claimable_at: int


@dataclass
class Delegation:
    giver: Wallet
    receiver: Wallet
    amount: int
    until: int


@dataclass
class Stations:
    """The state of StakedVVV, DiemMint and InferenceStake, and the time."""

    now: int = 0
    has: dict[Wallet, dict[str, int]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(int)))
    slots: dict[Wallet, Slot] = field(default_factory=dict)
    tickets: dict[int, Ticket] = field(default_factory=dict)
    delegations: dict[int, Delegation] = field(default_factory=dict)
    member_until: dict[tuple[Wallet, int], int] = field(default_factory=dict)
    months: list[tuple[Wallet, int, int, int]] = field(default_factory=list)
    """Every month that was paid for: whose, of which tier, from when, until when."""
    paid: dict[Wallet, int] = field(default_factory=lambda: defaultdict(int))
    """Units of USDC that became credit."""
    numbers: int = 0
    supply: int = 0

    def copy(self, *, now: int) -> "Stations":
        has = ((wallet, defaultdict(int, amounts)) for wallet, amounts in self.has.items())
        # Slots, tickets and delegations are put in and taken out, and never changed.
        return replace(
            self,
            now=now,
            has=defaultdict(lambda: defaultdict(int), has),
            slots=dict(self.slots),
            tickets=dict(self.tickets),
            delegations=dict(self.delegations),
            member_until=dict(self.member_until),
            months=list(self.months),
            paid=defaultdict(int, self.paid),
        )

    @property
    def today(self) -> Epoch:
        return Epoch(self.now // SECONDS_PER_EPOCH)

    @property
    def diem_inside(self) -> int:
        """All DIEM that InferenceStake holds."""
        return sum(of["diem_staked"] + of["diem_cooling"] for of in self.has.values())

    def position(self, wallet: Wallet) -> Position:
        amounts = {name: Wei(amount) for name, amount in self.has[wallet].items()}
        return Position(wallet, **amounts, slot=self.slots.get(wallet, Slot()))

    def positions(self) -> dict[Wallet, Position]:
        found = {wallet: self.position(wallet) for wallet in self.has}
        return {wallet: position for wallet, position in found.items() if position != Position(wallet)}

    def right(self, wallet: Wallet) -> int:
        """The wallet's right of today."""
        return self._slot(wallet)[0]

    # --- StakedVVV and DiemMint ------------------------------------------------------------------------

    def stake_vvv(self, wallet: Wallet, amount: int) -> list[Unplaced]:
        self.has[wallet]["vvv_unlocked"] += amount
        return [partial(VvvStaked, wallet=wallet, amount=Wei(amount))]

    def compound(self, wallet: Wallet, amount: int) -> list[Unplaced]:
        self.has[wallet]["rewards_claimed"] += amount
        claimed = partial(RewardsClaimed, wallet=wallet, amount=Wei(amount))
        return [claimed, *self.stake_vvv(wallet, amount)]

    def mint(self, wallet: Wallet, amount: int) -> list[Unplaced]:
        amount = min(amount, self.has[wallet]["vvv_unlocked"] // PRICE)
        if not amount:
            return []
        locked = amount * PRICE
        self._move(wallet, locked, "vvv_unlocked", "vvv_locked")
        self.has[wallet]["diem_minted"] += amount
        self.supply += amount
        return [
            partial(VvvLocked, wallet=wallet, amount=Wei(locked)),
            partial(
                DiemMinted, wallet=wallet, amount=Wei(amount), locked=Wei(locked), supply=Wei(self.supply)
            ),
        ]

    def burn(self, wallet: Wallet, amount: int) -> list[Unplaced]:
        amount = min(amount, self.has[wallet]["diem_minted"])
        if not amount:
            return []
        back = amount * PRICE
        self._move(wallet, back, "vvv_locked", "vvv_unlocked")
        self.has[wallet]["diem_minted"] -= amount
        self.supply -= amount
        return [
            partial(VvvUnlocked, wallet=wallet, amount=Wei(back)),
            partial(
                DiemBurned, wallet=wallet, amount=Wei(amount), unlocked=Wei(back), supply=Wei(self.supply)
            ),
        ]

    # --- exits -------------------------------------------------------------------------------------------

    def request_vvv(self, wallet: Wallet, amount: int) -> list[Unplaced]:
        amount = min(amount, self.has[wallet]["vvv_unlocked"])
        if not amount:
            return []
        self._move(wallet, amount, "vvv_unlocked", "vvv_cooling")
        return [self._ticket(VvvExitRequested, "vvv", wallet, amount, WEEK)]

    def request_diem(self, wallet: Wallet, amount: int) -> list[Unplaced]:
        amount = min(amount, self._undelegated(wallet))
        if not amount:
            return []
        self._move(wallet, amount, "diem_staked", "diem_cooling")
        current, following = self._slot(wallet)
        changed = self._say(wallet, current, following - amount)
        return [changed, self._ticket(DiemExitRequested, "diem", wallet, amount, SECONDS_PER_EPOCH)]

    def cancel(self, wallet: Wallet, pick: int) -> list[Unplaced]:
        number = self._one_of(wallet, pick, due=False)
        if number is None:
            return []
        ticket = self.tickets.pop(number)
        about = {"wallet": wallet, "ticket": number, "amount": Wei(ticket.amount)}
        if ticket.station == "vvv":
            self._move(wallet, ticket.amount, "vvv_cooling", "vvv_unlocked")
            return [partial(VvvExitCancelled, **about)]
        self._move(wallet, ticket.amount, "diem_cooling", "diem_staked")
        current, following = self._slot(wallet)
        if ticket.requested_at // SECONDS_PER_EPOCH < self.today:
            current += ticket.amount
        return [self._say(wallet, current, following + ticket.amount), partial(DiemExitCancelled, **about)]

    def claim(self, wallet: Wallet, pick: int) -> list[Unplaced]:
        number = self._one_of(wallet, pick, due=True)
        if number is None:
            return []
        ticket = self.tickets.pop(number)
        self.has[wallet][f"{ticket.station}_cooling"] -= ticket.amount
        kind = VvvExitClaimed if ticket.station == "vvv" else DiemExitClaimed
        return [partial(kind, wallet=wallet, ticket=number, amount=Wei(ticket.amount))]

    # --- InferenceStake --------------------------------------------------------------------------------

    def stake_diem(self, wallet: Wallet, amount: int) -> list[Unplaced]:
        self.has[wallet]["diem_staked"] += amount
        current, following = self._slot(wallet)
        changed = self._say(wallet, current + amount, following + amount)
        return [changed, partial(DiemStaked, wallet=wallet, amount=Wei(amount))]

    def delegate(self, giver: Wallet, receiver: Wallet, amount: int, days: int) -> list[Unplaced]:
        amount = min(amount, self._undelegated(giver))
        if not amount or giver == receiver:
            return []
        self.numbers += 1
        until = Epoch(self.today + days)
        self.delegations[self.numbers] = Delegation(giver, receiver, amount, until)
        self.has[giver]["diem_given"] += amount
        self.has[receiver]["diem_received"] += amount
        said = partial(
            Delegated,
            wallet=giver,
            receiver=receiver,
            delegation=self.numbers,
            amount=Wei(amount),
            until_epoch=until,
        )
        return [said, *self._move_next(giver, receiver, amount)]

    def end_delegation(self, giver: Wallet, pick: int) -> list[Unplaced]:
        mine = [
            number
            for number, each in self.delegations.items()
            if each.giver == giver and each.until <= self.today
        ]
        if not mine:
            return []
        number = mine[pick % len(mine)]
        ending = self.delegations.pop(number)
        self.has[giver]["diem_given"] -= ending.amount
        self.has[ending.receiver]["diem_received"] -= ending.amount
        said = partial(
            DelegationEnded,
            wallet=giver,
            receiver=ending.receiver,
            delegation=number,
            amount=Wei(ending.amount),
        )
        return [said, *self._move_next(ending.receiver, giver, ending.amount)]

    # --- CreditSales -----------------------------------------------------------------------------------

    def top_up(self, wallet: Wallet, usdc: int) -> list[Unplaced]:
        self.paid[wallet] += usdc
        return [partial(CreditBought, wallet=wallet, usdc=Usdc(usdc))]

    def subscribe(self, wallet: Wallet, tier: int, months: int) -> list[Unplaced]:
        start = max(self.now, self.member_until.get((wallet, tier), 0))
        self.member_until[wallet, tier] = until = start + months * MONTH
        self.months += [(wallet, tier, first, first + MONTH) for first in range(start, until, MONTH)]
        return [partial(MembershipBought, wallet=wallet, tier=tier, until=until, bought_at=self.now)]

    # --- how -------------------------------------------------------------------------------------------

    def _slot(self, wallet: Wallet) -> tuple[int, int]:
        slot = self.slots.get(wallet, Slot())
        return (slot.next if slot.epoch < self.today else slot.current), slot.next

    def _say(self, wallet: Wallet, current: int, following: int) -> Unplaced:
        self.slots[wallet] = Slot(self.today, Wei(current), Wei(following))
        return partial(
            AllowanceChanged, wallet=wallet, epoch=self.today, current=Wei(current), next=Wei(following)
        )

    def _move_next(self, source: Wallet, target: Wallet, amount: int) -> list[Unplaced]:
        said: list[Unplaced] = []
        for wallet, change in ((source, -amount), (target, amount)):
            current, following = self._slot(wallet)
            said.append(self._say(wallet, current, following + change))
        return said

    def _move(self, wallet: Wallet, amount: int, source: str, target: str) -> None:
        self.has[wallet][source] -= amount
        self.has[wallet][target] += amount

    def _undelegated(self, wallet: Wallet) -> int:
        return self.has[wallet]["diem_staked"] - self.has[wallet]["diem_given"]

    def _ticket(
        self,
        kind: type[VvvExitRequested | DiemExitRequested],
        station: str,
        wallet: Wallet,
        amount: int,
        cooldown: int,
    ) -> Unplaced:
        self.numbers += 1
        due = self.now + cooldown
        self.tickets[self.numbers] = Ticket(station, wallet, amount, self.now, due)
        return partial(kind, wallet=wallet, ticket=self.numbers, amount=Wei(amount), claimable_at=due)

    def _one_of(self, wallet: Wallet, pick: int, *, due: bool) -> int | None:
        mine = [
            number
            for number, ticket in self.tickets.items()
            if ticket.wallet == wallet and (not due or ticket.claimable_at <= self.now)
        ]
        return mine[pick % len(mine)] if mine else None
