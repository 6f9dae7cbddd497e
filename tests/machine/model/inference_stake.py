"""InferenceStake: a dollar a day for each DIEM inside, this day's and the next one's.

The next day's right of an account is never kept: it is what the account staked, less what it gave away, and
what others gave it. At midnight this day's right of everybody becomes that.
"""

from collections import Counter
from dataclasses import dataclass

from entitlement.core.epochs import SECONDS_PER_EPOCH
from tests.machine.model.brake import Brake
from tests.machine.model.station import Station, Ticket
from tests.machine.model.tokens import Token
from tests.machine.names import ORIGIN, PEOPLE, Clock, Facts, Question, Refusal, demand, unless

TERM_MAXIMUM = 366


@dataclass
class Delegation:
    giver: str
    receiver: str
    amount: int
    until_epoch: int
    is_open: bool = True


class InferenceStake(Station):
    def __init__(self, diem: Token, brake: Brake, clock: Clock) -> None:
        super().__init__("InferenceStake", diem, brake, clock, SECONDS_PER_EPOCH)
        self.staked: Counter[str] = Counter()
        self.today: Counter[str] = Counter()
        self.delegations: list[Delegation] = []
        """The first has the number 1."""

    def delegate(self, caller: str, to: str, amount: int, until_epoch: int) -> tuple[int]:
        first, last = self.clock.epoch + 1, self.clock.epoch + TERM_MAXIMUM
        demand(
            unless(to not in self.refused and to != caller, "RecipientRefused", to),
            unless(amount > 0, "ZeroAmount"),
            unless(first <= until_epoch <= last, "TermOutOfBounds", until_epoch, first, last),
            self.cannot_leave(caller, amount),
        )
        self.delegations.append(Delegation(caller, to, amount, until_epoch))
        return (len(self.delegations),)

    def end_delegation(self, caller: str, number: int) -> tuple[()]:
        known = 0 < number <= len(self.delegations) and self.delegations[number - 1].is_open
        demand(unless(known, "DelegationNotOpen", number))
        ending = self.delegations[number - 1]
        demand(
            unless(caller in (ending.giver, ending.receiver), "NotDelegationParty", number, caller),
            unless(
                caller != ending.giver or self.clock.epoch >= ending.until_epoch,
                "DelegationLocked",
                number,
                ending.until_epoch,
            ),
        )
        ending.is_open = False
        return ()

    def midnight(self) -> None:
        """A day ends."""
        self.today = Counter({person: self.next_day(person) for person in PEOPLE})

    def next_day(self, account: str) -> int:
        received = sum(each.amount for each in self.delegations if each.is_open and each.receiver == account)
        return self.staked[account] - self.delegated(account) + received

    def delegated(self, account: str) -> int:
        return sum(each.amount for each in self.delegations if each.is_open and each.giver == account)

    # --- the station ----------------------------------------------------------------------------------------

    def total(self) -> int:
        return sum(self.staked.values())

    def enter(self, account: str, amount: int) -> None:
        self.staked[account] += amount
        self.today[account] += amount

    def cannot_leave(self, account: str, amount: int) -> list[Refusal]:
        free = self.staked[account] - self.delegated(account)
        return unless(amount <= free, "InsufficientUndelegated", account, free, amount)

    def leave(self, account: str, amount: int) -> None:
        self.staked[account] -= amount

    def come_back(self, account: str, ticket: Ticket) -> None:
        self.staked[account] += ticket.amount
        if (ORIGIN + ticket.requested_at) // SECONDS_PER_EPOCH < self.clock.epoch:
            self.today[account] += ticket.amount

    def facts(self) -> Facts:
        yield from super().facts()
        yield Question(self.name, "epoch"), (self.clock.epoch,)
        yield Question(self.name, "delegationCount"), (len(self.delegations),)
        midnight = (self.clock.epoch + 1) * SECONDS_PER_EPOCH - ORIGIN
        for person in PEOPLE:
            current, after = self.today[person], self.next_day(person)
            asked = Question(self.name, "allowanceOf", (person,))
            yield asked, (current, after)
            yield asked._replace(at=midnight - 1), (current, after)
            yield asked._replace(at=midnight), (after, after)
            yield asked._replace(at=midnight + 1), (after, after)
            yield Question(self.name, "stakedOf", (person,)), (self.staked[person],)
            yield Question(self.name, "delegatedOf", (person,)), (self.delegated(person),)
        for number, each in enumerate(self.delegations, start=1):
            answer = (each.giver, each.receiver, each.amount, each.until_epoch, int(each.is_open))
            yield Question(self.name, "delegationOf", (number,)), answer
