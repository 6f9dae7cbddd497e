"""What a pool of leases may do on its own: how much, how long, and what when the service is away."""

from dataclasses import dataclass

from entitlement.client.requests import LEASE_SECONDS_MAX, check_ttl
from entitlement.core.units import NANO_USD_MAX, NanoUsd

GROWTH_MAX = 16
NOTHING = NanoUsd(0)


@dataclass(frozen=True, slots=True)
class LeaseTerms:
    """The terms of every lease in a pool. Times are seconds, amounts nano-USD."""

    amount: NanoUsd
    """What a key in use has on lease. Others cannot spend it meanwhile, so keep it small."""
    amount_max: NanoUsd | None = None
    """What a lease may grow to where it is used up faster; None: 16 times `amount`."""
    ttl: int = 10
    """How long a lease lives without being renewed. A revoked key stops within it."""
    idle_seconds: float = 30.0
    """After so long without a request a lease is given back."""
    patience_seconds: float = 5.0
    """How long a request that does not fit may wait for the service."""
    offline_allowance: NanoUsd = NOTHING
    """What a key may spend while the service cannot be reached, in this process; 0: nothing (fail closed)."""

    def __post_init__(self) -> None:
        """Raise `ValueError` for terms that make no sense."""
        check_ttl(self.ttl, LEASE_SECONDS_MAX)
        if not 1 <= self.amount <= self.largest <= NANO_USD_MAX:
            raise ValueError(
                f"amount {self.amount}, amount_max {self.largest}: need 1 <= amount <= amount_max"
            )
        if not 0 <= self.offline_allowance <= NANO_USD_MAX:
            raise ValueError(f"offline_allowance is {self.offline_allowance}: it must not be negative")
        if not (self.idle_seconds > 0 and self.patience_seconds > 0):
            raise ValueError("idle_seconds and patience_seconds must be more than 0")

    @property
    def largest(self) -> NanoUsd:
        """What a lease may grow to."""
        return self.amount_max or NanoUsd(min(GROWTH_MAX * self.amount, NANO_USD_MAX))
