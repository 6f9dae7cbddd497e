"""What is seen of everything at one moment: on the chain or in the model, asked for in the same way."""

from dataclasses import dataclass

from tests.machine.names import ORIGIN, PEOPLE, Answer, Question
from tests.machine.steps import Step


@dataclass(frozen=True)
class Sight:
    """The answers of all views at `now`, in seconds from the origin."""

    now: int
    answers: dict[Question, Answer]

    def all(self, contract: str, function: str, *arguments: int | str, at: int | None = None) -> Answer:
        return self.answers[Question(contract, function, arguments, at)]

    def one(self, contract: str, function: str, *arguments: int | str) -> int:
        value = self.all(contract, function, *arguments)[0]
        assert isinstance(value, int)
        return value

    def pair(self, contract: str, function: str, *arguments: int | str, at: int | None = None) -> list[int]:
        return [int(value) for value in self.all(contract, function, *arguments, at=at)]

    def total(self, contract: str, function: str) -> int:
        """Over all people."""
        return sum(self.one(contract, function, person) for person in PEOPLE)

    def tickets(self, station: str) -> dict[int, Answer]:
        """Number -> owner, amount, due time in Unix seconds, state."""
        found: dict[int, Answer] = {}
        for question, answer in self.answers.items():
            if (question.contract, question.function) == (station, "ticketOf"):
                owner, number = question.arguments
                found[int(number)] = (owner, *answer)
        return found

    def delegations(self) -> dict[int, Answer]:
        """Number -> giver, receiver, amount, epoch of the term's end, whether it is open."""
        count = self.one("InferenceStake", "delegationCount")
        return {number: self.all("InferenceStake", "delegationOf", number) for number in range(1, count + 1)}

    def unaccrued(self) -> int:
        """Emission up to now that an accrual would mint. Stake has not changed since the last one."""
        if self.one("StakedVVV", "totalStaked") == 0:
            return 0
        from_, until = self.one("StakedVVV", "lastRewardTimestamp"), self.unix
        return self.one("StakedVVV", "emissionRatePerSecond") * max(0, until - from_)

    @property
    def unix(self) -> int:
        return ORIGIN + self.now


@dataclass(frozen=True)
class Act:
    """What happened between two sights: a step that was done, refused, or only time."""

    step: Step
    gave: Answer | None
    """What the call returned; None if it was refused or there was none."""

    @property
    def is_done(self) -> bool:
        return self.gave is not None

    def does(self, *names: str) -> bool:
        return self.is_done and self.step.do in names
