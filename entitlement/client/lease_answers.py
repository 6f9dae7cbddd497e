"""What the service answers about a lease: credit that a gateway spends from on its own, and reports."""

from collections.abc import Mapping
from dataclasses import dataclass

from entitlement.client.answers import (
    Balance,
    Funding,
    read_balance,
    read_flag,
    read_fundings,
    read_member,
    read_nano_usd,
    read_text,
    read_whole,
)
from entitlement.client.errors import CreditRefused, InvalidAnswer
from entitlement.client.json_values import as_object
from entitlement.client.requests import LEASE_SECONDS_MAX
from entitlement.core.units import NanoUsd

OPEN = "open"


@dataclass(frozen=True, slots=True)
class Lease:
    """Credit set aside for a gateway. Amounts are nano-USD."""

    id: str
    amount: NanoUsd
    """All that was ever set aside for it."""
    spent: NanoUsd
    """What the gateway reported."""
    remaining: NanoUsd
    """What may still be spent, beyond what was reported."""
    expires_at: int
    expires_in: float
    """Seconds from the answer on."""
    state: str
    """`open` while it may be spent from."""
    final: bool
    """Whether this is the last credit there is."""
    epoch: int
    """The UTC day whose credit it takes; it ends with it."""
    funded_by: tuple[Funding, ...]

    @property
    def seconds_left(self) -> float:
        """How long it may be spent from, counted from before the request was sent.

        A service whose clock has whole seconds may have counted up to one too many.
        """
        return max(self.expires_in - 1, 0) if isinstance(self.expires_in, int) else self.expires_in


@dataclass(frozen=True, slots=True)
class LeaseAnswer:
    """A lease and the balance that it left."""

    lease: Lease
    balance: Balance


def read_lease_answer(answer: object) -> LeaseAnswer:
    """Return a lease with its balance; raises `InvalidAnswer`."""
    return LeaseAnswer(lease=read_lease(answer), balance=read_balance(answer))


def read_lease(answer: object) -> Lease:
    """Return the `lease` member of an answer; raises `InvalidAnswer`."""
    fields = read_member(answer, "lease")
    return Lease(
        id=read_text(fields, "id"),
        amount=read_nano_usd(fields, "amount"),
        spent=read_nano_usd(fields, "spent"),
        remaining=read_nano_usd(fields, "remaining"),
        expires_at=read_whole(fields, "expires_at"),
        expires_in=_read_seconds(fields, "expires_in"),
        state=read_text(fields, "state"),
        final=read_flag(fields, "final"),
        epoch=read_whole(fields, "epoch"),
        funded_by=read_fundings(fields),
    )


def lease_of(refused: CreditRefused) -> Lease | None:
    """Return the lease as a refused renewal left it, where the service tells."""
    if as_object(refused.figures.get("lease")) is None:
        return None
    try:
        return read_lease(refused.figures)
    except InvalidAnswer:
        return None


def _read_seconds(fields: Mapping[str, object], name: str) -> float:
    value = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LEASE_SECONDS_MAX:
        raise InvalidAnswer(f"{name!r} is missing or not a number of seconds up to {LEASE_SECONDS_MAX}")
    return value
