"""Who and what there is, by name, so that a history reads as a story and not as a list of addresses."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from entitlement.chain.reverts import shown
from entitlement.core.epochs import SECONDS_PER_EPOCH
from entitlement.core.units import WEI_PER_TOKEN, Wei

PEOPLE = ("treasury", "alice", "bob", "carol")
"""Whoever may have a position."""

ACCOUNTS = {"treasury": 0, "alice": 1, "bob": 2, "carol": 3, "guardian": 4}
"""The number of each one's development account."""

TIMELOCK = "timelock"
"""The contract, which acts here as after its delay."""

NOBODY = "nobody"
"""The zero address."""

STATIONS = ("StakedVVV", "InferenceStake")
HOLDERS = (*PEOPLE, *STATIONS, "DiemMint")
"""Whoever may be sent tokens."""

ORIGIN = 4_102_444_800
"""2100-01-01, the time 0 of every history: a midnight, and later than any machine's clock."""

EMISSION_START = 3_600
OPENS_AT = 7_200
GENESIS_SUPPLY = Wei(100_000_000 * WEI_PER_TOKEN)
EMISSION_PER_SECOND = Wei(79_274_479_959_411_466)
TARGET = Wei(1_000 * WEI_PER_TOKEN)
"""Small enough for the cap to be within the people's means."""


class Question(NamedTuple):
    """A view with its arguments."""

    contract: str
    function: str
    arguments: tuple[int | str, ...] = ()
    at: int | None = None
    """Seconds from the origin; None is now."""

    def __str__(self) -> str:
        moment = "" if self.at is None else f" at {self.at}"
        return f"{self.contract}.{self.function}({', '.join(map(str, self.arguments))}){moment}"


Answer = tuple[int | str, ...]


@dataclass(frozen=True)
class Refusal:
    """A contract's error: its name and its arguments, in the contract's words."""

    name: str
    arguments: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}({', '.join(self.arguments)})"


class Refused(Exception):
    """The rules that a call breaks. With more than one broken, a contract may name whichever it likes."""

    def __init__(self, refusals: list[Refusal]) -> None:
        super().__init__(" or ".join(map(str, refusals)))
        self.refusals = refusals


def unless(holds: bool, name: str, *arguments: object) -> list[Refusal]:  # noqa: FBT001  it is the sentence's object
    """Return the error of a rule that does not hold, or nothing."""
    return [] if holds else [Refusal(name, tuple(map(shown, arguments)))]


def demand(*broken: list[Refusal]) -> None:
    """Raise `Refused` if any rule is broken."""
    refusals = [refusal for each in broken for refusal in each]
    if refusals:
        raise Refused(refusals)


@dataclass
class Clock:
    """The time of the model, in seconds from the origin."""

    now: int = 0

    @property
    def epoch(self) -> int:
        return (ORIGIN + self.now) // SECONDS_PER_EPOCH


Facts = Iterator[tuple[Question, Answer]]
"""What the model says that views answer."""
