"""What 64 clients saw: each question with when it was asked, when it was answered, and how, if it was."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Seen:
    """One delivery of one question. Times are of the clients' monotonic clock."""

    kind: str
    """hold, charge, capture or release."""
    account: int
    request_id: str
    """Of the hold or charge that it is, or that it ends."""
    hold_id: str | None
    amount: int
    started: float
    ended: float
    status: int | None
    """None where no answer came: perhaps it was done, perhaps not."""
    told: dict[str, object]
    """The answer's body."""
