"""What both stations share: principal goes in by name, and comes out through a ticket for each request."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from tests.machine.model.brake import Brake
from tests.machine.model.tokens import Token
from tests.machine.names import ORIGIN, PEOPLE, Clock, Facts, Question, Refusal, demand, unless


class State(IntEnum):
    """Of a ticket, as the contracts number it."""

    NONE = 0
    OPEN = 1
    CLAIMED = 2
    CANCELLED = 3


@dataclass
class Ticket:
    owner: str
    amount: int
    requested_at: int
    due_at: int
    """Seconds from the origin, as `requested_at`."""
    state: State = State.OPEN


class Station:
    """Totals and sums are never kept: they are counted from the tickets, and from what each account has."""

    def __init__(self, name: str, token: Token, brake: Brake, clock: Clock, cooldown: int) -> None:
        self.name, self.token, self.brake, self.clock = name, token, brake, clock
        self.cooldown = cooldown
        self.refused = {"nobody", name, token.name}
        """Receivers who could never make use of what they are given."""
        self.tickets: list[Ticket] = []
        """The first has the number 1."""

    def stake(self, caller: str, recipient: str, amount: int) -> tuple[()]:
        demand(
            self.brake.closed(),
            unless(recipient not in self.refused, "RecipientRefused", recipient),
            unless(amount > 0, "ZeroAmount"),
            self.token.cannot_spend(caller, self.name, amount),
            self.token.cannot_move(caller, self.name, amount),
        )
        self.enter(recipient, amount)
        self.token.spend(caller, self.name, amount)
        self.token.move(caller, self.name, amount)
        return ()

    def request_unstake(self, caller: str, amount: int) -> tuple[int]:
        demand(unless(amount > 0, "ZeroAmount"), self.cannot_leave(caller, amount))
        self.leave(caller, amount)
        now = self.clock.now
        self.tickets.append(Ticket(caller, amount, now, now + self.cooldown))
        return (len(self.tickets),)

    def cancel_unstake(self, caller: str, number: int) -> tuple[()]:
        demand(self.not_open_to(caller, number))
        ticket = self.tickets[number - 1]
        self.come_back(caller, ticket)
        ticket.state = State.CANCELLED
        return ()

    def claim_unstake(self, caller: str, numbers: tuple[int, ...]) -> tuple[int]:
        demand(unless(len(numbers) > 0, "ZeroAmount"))
        demand(
            *(self.not_open_to(caller, number) for number in numbers),
            *(
                unless(numbers.count(number) == 1, "TicketNotOpen", number, int(State.CLAIMED))
                for number in numbers
            ),
            *(self.not_due(number) for number in numbers),
        )
        paid = 0
        for number in numbers:
            self.tickets[number - 1].state = State.CLAIMED
            paid += self.tickets[number - 1].amount
        self.token.move(self.name, caller, paid)
        return (paid,)

    def not_open_to(self, caller: str, number: int) -> list[Refusal]:
        """The only place that knows how a stranger's ticket is refused."""
        ticket = self.ticket(number)
        if ticket is None or ticket.owner != caller:
            return unless(False, "TicketNotOpen", number, int(State.NONE))  # noqa: FBT003  there is none
        return unless(ticket.state is State.OPEN, "TicketNotOpen", number, int(ticket.state))

    def not_due(self, number: int) -> list[Refusal]:
        ticket = self.ticket(number)
        is_due = ticket is None or self.clock.now >= ticket.due_at
        return unless(is_due, "TicketNotDue", number, ORIGIN + (0 if ticket is None else ticket.due_at))

    def ticket(self, number: int) -> Ticket | None:
        return self.tickets[number - 1] if 0 < number <= len(self.tickets) else None

    def open_tickets(self, owner: str | None = None) -> list[int]:
        """The numbers of somebody's open tickets, or of everybody's."""
        return [
            number
            for number, ticket in enumerate(self.tickets, start=1)
            if ticket.state is State.OPEN and owner in (None, ticket.owner)
        ]

    def cooling(self, owner: str | None = None) -> int:
        return sum(self.tickets[number - 1].amount for number in self.open_tickets(owner))

    def facts(self) -> Facts:
        yield Question(self.name, "totalStaked"), (self.total(),)
        yield Question(self.name, "totalCooling"), (self.cooling(),)
        yield Question(self.name, "ticketCount"), (len(self.tickets),)
        for person in PEOPLE:
            yield Question(self.name, "coolingOf", (person,)), (self.cooling(person),)
        for number, ticket in enumerate(self.tickets, start=1):
            answer = (ticket.amount, ORIGIN + ticket.due_at, int(ticket.state))
            yield Question(self.name, "ticketOf", (ticket.owner, number)), answer

    # --- what a station does with the stake inside ----------------------------------------------------------

    total: Callable[[], int]
    """All stake, without what is cooling."""
    enter: Callable[[str, int], None]
    cannot_leave: Callable[[str, int], list[Refusal]]
    leave: Callable[[str, int], None]
    come_back: Callable[[str, Ticket], None]
