"""What a gateway may ask about credit, besides a new hold, charge or lease (`HoldRequest`)."""

from dataclasses import dataclass

from entitlement.core.errors import InvalidAmount
from entitlement.core.holds import LONGEST_TTL_SECONDS, HoldRequest, LeaseReport, Usage, check_ttl
from entitlement.core.record import record
from entitlement.core.units import NANO_USD_MAX, NanoUsd


@record
class Capture:
    """Charge what a hold's request cost."""

    hold_id: str
    amount: NanoUsd
    usage: Usage | None = None

    def check(self) -> None:
        """Raise `InvalidAmount` or `InvalidRequest`."""
        if not 0 <= self.amount <= NANO_USD_MAX:
            raise InvalidAmount(field="amount", amount=self.amount, smallest=0, largest=NANO_USD_MAX)
        if self.usage is not None:
            self.usage.check()


@dataclass(frozen=True, slots=True)
class Release:
    """Give a hold back."""

    hold_id: str

    def check(self) -> None:
        """There is nothing that could be wrong with it."""


@dataclass(frozen=True, slots=True)
class Extend:
    """Raise a hold to `amount`, or to as much as there is from `minimum` up."""

    hold_id: str
    amount: NanoUsd
    minimum: NanoUsd
    ttl: int | None = None
    """Seconds from now that it is to live at least; None to leave its end where it is."""

    def check(self) -> None:
        """Raise `InvalidAmount` or `InvalidRequest`."""
        if not 0 < self.amount <= NANO_USD_MAX:
            raise InvalidAmount(field="amount", amount=self.amount, smallest=1, largest=NANO_USD_MAX)
        if not 0 <= self.minimum <= self.amount:
            raise InvalidAmount(field="minimum", amount=self.minimum, smallest=0, largest=self.amount)
        if self.ttl is not None:
            check_ttl(self.ttl, LONGEST_TTL_SECONDS)


@dataclass(frozen=True, slots=True)
class Renew:
    """Tell what a lease has spent, and ask for more, for less, or for its end."""

    hold_id: str
    report: LeaseReport

    def check(self) -> None:
        """Raise `InvalidAmount` or `InvalidRequest`."""
        self.report.check()


@dataclass(frozen=True, slots=True)
class Look:
    """Read a hold or lease as it stands."""

    hold_id: str
    is_lease: bool | None = None
    """Of which of them it must be; None where either is meant."""

    def check(self) -> None:
        """There is nothing that could be wrong with it."""


OfHold = Capture | Release | Extend | Renew | Look
"""What is asked of a hold that there is."""
Operation = HoldRequest | OfHold
