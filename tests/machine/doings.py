"""What people do: a choice becomes a call that makes sense, or nearly.

A choice says who, whom else, how much and one number for all the rest. The model is asked for what there is.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from tests.machine.amounts import CUTS, LEAST, MOST, PAUSES, TERMS, WHILES, Part
from tests.machine.model.station import State, Station, Ticket
from tests.machine.model.tokens import UNLIMITED, Token
from tests.machine.model.world import World
from tests.machine.names import NOBODY, PEOPLE, STATIONS
from tests.machine.play import Play

Item = TypeVar("Item")
NEAREST = 4
"""Of the moments to come, so many are waited for: the farthest lies a year away."""
STRANGER_IN = 6
"""Every so often somebody does what is another's to do."""


class Choice(NamedTuple):
    who: str
    other: str
    """Somebody else."""
    station: str
    part: Part
    pick: int
    """Decides whatever else there is to decide."""

    def of(self, items: Sequence[Item]) -> Item:
        return items[self.pick % len(items)]

    def rarely(self, usual: str, otherwise: str) -> str:
        return otherwise if self.pick // 100 % STRANGER_IN == STRANGER_IN - 1 else usual


class Doings:
    """Everything that somebody may do in one play."""

    def __init__(self, play: Play) -> None:
        self.play = play

    @property
    def world(self) -> World:
        return self.play.world

    # --- time -----------------------------------------------------------------------------------------------

    def wait_for_a_moment_that_matters(self, choice: Choice) -> None:
        """To the second before, to the second, or to the one after."""
        moment = choice.of(self.world.due_times()[:NEAREST])
        self.play.wait_until(moment + choice.pick // 100 % 3 - 1)

    def wait_a_while(self, choice: Choice) -> None:
        self.play.wait_until(self.world.now + choice.of(WHILES))

    # --- both stations --------------------------------------------------------------------------------------

    def stake(self, choice: Choice) -> None:
        station, to = self.world.stations[choice.station], choice.rarely(choice.who, choice.other)
        self.play.do(
            choice.who, f"{station.name}.stake", to, choice.part.of(station.token.balances[choice.who])
        )

    def stake_for_whom_one_should_not(self, choice: Choice) -> None:
        refused = sorted(self.world.stations[choice.station].refused)
        self.play.do(choice.who, f"{choice.station}.stake", choice.of(refused), 1)

    def request(self, choice: Choice) -> None:
        available = self._free(choice.who, choice.station)
        self.play.do(choice.who, f"{choice.station}.requestUnstake", choice.part.of(available))

    def cancel(self, choice: Choice) -> None:
        number, ticket = self._some_ticket(self.world.stations[choice.station], choice)
        self.play.do(choice.rarely(ticket.owner, choice.other), f"{choice.station}.cancelUnstake", number)

    def claim_tickets(self, choice: Choice) -> None:
        """One, and others of the same owner that are due; now and then one twice, or none."""
        station = self.world.stations[choice.station]
        number, ticket = self._some_ticket(station, choice)
        due = [
            each
            for each in station.open_tickets(ticket.owner)
            if each != number and station.tickets[each - 1].due_at <= self.world.now
        ]
        numbers = choice.of(
            [(number,), (number, *due), (number, *due[:1]), (number, *due), (number, number), ()]
        )
        self.play.do(choice.rarely(ticket.owner, choice.other), f"{choice.station}.claimUnstake", numbers)

    # --- rewards --------------------------------------------------------------------------------------------

    def collect(self, choice: Choice) -> None:
        self.play.do(choice.who, f"StakedVVV.{choice.of(['claim', 'compound', 'payTreasury', 'accrue'])}")

    def lower_the_emission(self, choice: Choice) -> None:
        who = choice.rarely("timelock", choice.who)
        self.play.do(who, "StakedVVV.lowerEmissionRate", choice.of(CUTS).of(self.world.staked_vvv.rate))

    # --- minting --------------------------------------------------------------------------------------------

    def mint_for_a_lock(self, choice: Choice) -> None:
        lock = choice.part.of(self._free(choice.who, "StakedVVV"))
        minimum = choice.of(LEAST).of(self.world.mint.amount_for(lock)[0])
        self.play.do(choice.who, "DiemMint.mintDiem", lock, minimum)

    def mint_an_amount(self, choice: Choice) -> None:
        amount = choice.part.of(self.world.mint.amount_for(self._free(choice.who, "StakedVVV"))[0])
        maximum = choice.of(MOST).of(self.world.mint.price_of(amount))
        self.play.do(choice.who, "DiemMint.mintExactOut", amount, maximum)

    def burn(self, choice: Choice) -> None:
        minted, has = self.world.mint.positions[choice.who].minted, self.world.diem.balances[choice.who]
        self.play.do(
            choice.who, "DiemMint.burnDiem", choice.part.of(choice.of([min(minted, has), has, minted]))
        )

    def raise_the_target(self, choice: Choice) -> None:
        now = self.world.mint.target
        target = now + choice.part.of(now // 100)
        duration = max(0, self.world.mint.shortest_ramp(target) + choice.of([0, 100_000, 1, 0, -1]))
        self.play.do(choice.rarely("timelock", choice.who), "DiemMint.raiseTarget", target, duration)

    # --- the right ------------------------------------------------------------------------------------------

    def delegate(self, choice: Choice) -> None:
        amount = choice.part.of(self._free(choice.who, "InferenceStake"))
        until = self.world.clock.epoch + choice.of(TERMS)
        self.play.do(choice.who, "InferenceStake.delegate", choice.other, amount, until)

    def delegate_to_whom_one_should_not(self, choice: Choice) -> None:
        to = choice.of([choice.who, NOBODY, "DIEM", "InferenceStake"])
        self.play.do(choice.who, "InferenceStake.delegate", to, 1, self.world.clock.epoch + 1)

    def end_delegation(self, choice: Choice) -> None:
        """By its giver or its receiver, or by whoever comes."""
        made = list(enumerate(self.world.inference.delegations, start=1))
        number, known = choice.of([each for each in made if each[1].is_open] or made or [(0, None)])
        who = (
            choice.who
            if known is None
            else choice.rarely(choice.of([known.receiver, known.giver]), choice.who)
        )
        self.play.do(who, "InferenceStake.endDelegation", number)

    # --- the guardian ---------------------------------------------------------------------------------------

    def pause(self, choice: Choice) -> None:
        who = choice.rarely(self.world.brake.holder, choice.who)
        self.play.do(who, "Guardian.pauseEntries", choice.of(PAUSES))

    def resume(self, choice: Choice) -> None:
        self.play.do(choice.rarely(self.world.brake.holder, choice.who), "Guardian.resumeEntries")

    def name_guardian(self, choice: Choice) -> None:
        who = choice.rarely("timelock", choice.who)
        self.play.do(who, "Guardian.nameGuardian", choice.of(["guardian", "carol", NOBODY]))

    # --- tokens ---------------------------------------------------------------------------------------------

    def give(self, choice: Choice) -> None:
        token = self._token(choice)
        amount = choice.part.of(token.balances[choice.who])
        self.play.do(choice.who, f"{token.name}.transfer", choice.other, amount)

    def give_away(self, choice: Choice) -> None:
        """To a contract, by mistake: of a hundredth, or there would soon be nothing left."""
        token = self._token(choice)
        to = choice.of([*STATIONS, "DiemMint", token.name, NOBODY])
        self.play.do(
            choice.who, f"{token.name}.transfer", to, choice.part.of(token.balances[choice.who] // 100)
        )

    def burn_vvv(self, choice: Choice) -> None:
        self.play.do(choice.who, "VVV.burn", choice.part.of(self.world.vvv.balances[choice.who] // 16))

    def approve(self, choice: Choice) -> None:
        """Another, for a part, or the station: for a part or for all there will ever be."""
        token = self._token(choice)
        station = {"VVV": "StakedVVV", "DIEM": "InferenceStake"}[token.name]
        amount = choice.part.of(token.balances[choice.who])
        spender, allowed = choice.of([(choice.other, amount), (station, UNLIMITED), (station, amount)])
        self.play.do(choice.who, f"{token.name}.approve", spender, allowed)

    def spend_for_another(self, choice: Choice) -> None:
        token, to = self._token(choice), choice.of(PEOPLE)
        there_is = min(token.allowances.get((choice.other, choice.who), 0), token.balances[choice.other])
        self.play.do(choice.who, f"{token.name}.transferFrom", choice.other, to, choice.part.of(there_is))

    # --- what they know -------------------------------------------------------------------------------------

    def _token(self, choice: Choice) -> Token:
        return (self.world.vvv, self.world.diem)[choice.pick // 7 % 2]

    def _free(self, who: str, station: str) -> int:
        if station == "StakedVVV":
            return self.world.staked_vvv.earners[who].unlocked
        return self.world.inference.staked[who] - self.world.inference.delegated(who)

    @staticmethod
    def _some_ticket(station: Station, choice: Choice) -> tuple[int, Ticket]:
        """Mostly an open one, else any, else one that was never written."""
        every = list(range(1, len(station.tickets) + 1))
        numbers = (station.open_tickets() if choice.pick % 8 else every) or every
        if not numbers:
            return 1, Ticket(choice.who, 0, 0, 0, State.NONE)
        number = choice.of(numbers)
        return number, station.tickets[number - 1]


Doing = Callable[[Doings, Choice], None]

WEIGHTS: dict[Doing, int] = {
    Doings.wait_for_a_moment_that_matters: 5,
    Doings.wait_a_while: 4,
    Doings.stake: 8,
    Doings.request: 5,
    Doings.claim_tickets: 4,
    Doings.cancel: 4,
    Doings.collect: 5,
    Doings.mint_for_a_lock: 4,
    Doings.mint_an_amount: 4,
    Doings.burn: 4,
    Doings.delegate: 5,
    Doings.end_delegation: 5,
    Doings.raise_the_target: 2,
    Doings.lower_the_emission: 2,
    Doings.pause: 1,
    Doings.resume: 1,
    Doings.name_guardian: 1,
    Doings.give: 2,
    Doings.give_away: 1,
    Doings.burn_vvv: 1,
    Doings.approve: 2,
    Doings.spend_for_another: 1,
    Doings.stake_for_whom_one_should_not: 1,
    Doings.delegate_to_whom_one_should_not: 1,
}
"""How often each is done where anything may be."""

TIMELY: tuple[Doing, ...] = (
    Doings.stake,
    Doings.request,
    Doings.claim_tickets,
    Doings.cancel,
    Doings.delegate,
    Doings.end_delegation,
    Doings.collect,
    Doings.mint_an_amount,
)
"""What a second more or less may decide about."""
