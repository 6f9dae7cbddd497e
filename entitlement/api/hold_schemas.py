"""What goes over the wire about holds, charges and leases: see schemas for the units."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from entitlement.api.schemas import Amount, BalanceOut, FundingOut, Wire
from entitlement.core.holds import (
    DEFAULT_TTL_SECONDS,
    LONGEST_LEASE_SECONDS,
    LONGEST_MODEL_NAME,
    LONGEST_PRICE_VERSION,
    LONGEST_REQUEST_ID,
    LONGEST_TTL_SECONDS,
    MOST_REQUESTS_TOLD,
)
from entitlement.core.holds import Usage as CoreUsage
from entitlement.core.units import NANO_USD_MAX

PositiveAmount = Annotated[int, Field(strict=True, gt=0, le=NANO_USD_MAX)]
Count = Annotated[int, Field(strict=True, ge=0, le=2**53 - 1)]
Secret = Annotated[str, StringConstraints(min_length=1, max_length=256)]
RequestId = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_REQUEST_ID)]
LeaseSeconds = Annotated[int, Field(strict=True, ge=1, le=LONGEST_LEASE_SECONDS)]
MOST_OPERATIONS = 1_000


class HoldIn(Wire):
    """Credit to set aside for a request."""

    key: Secret
    """The API key's secret, as the caller sent it."""
    amount: PositiveAmount
    """The most the request can cost."""
    minimum: PositiveAmount | None = None
    """Give less than `amount` if there is less, but not less than this; default `amount`."""
    request_id: RequestId
    ttl: Annotated[int, Field(strict=True, ge=1, le=LONGEST_TTL_SECONDS)] = DEFAULT_TTL_SECONDS
    """Seconds after which the hold is given back by itself."""
    model: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_MODEL_NAME)] | None = None


class UsageIn(Wire):
    """What is kept of a request: counts and times. There is no field for content, and none is taken."""

    model: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_MODEL_NAME)] | None = None
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    latency_ms: Count | None = None
    status: Annotated[int, Field(strict=True, ge=100, le=599)] | None = None
    price_version: (
        Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_PRICE_VERSION)] | None
    ) = None
    """By which list of prices the cost was made."""
    images: Count | None = None
    """How many were made."""

    def to_core(self) -> CoreUsage:
        """Return it as the flows take it."""
        return CoreUsage(
            self.model,
            self.input_tokens,
            self.output_tokens,
            self.latency_ms,
            self.status,
            self.price_version,
            self.images,
        )


class CaptureIn(Wire):
    """What the request did cost."""

    amount: Amount
    usage: UsageIn | None = None


class HoldOut(Wire):
    """A hold as it stands."""

    id: str
    request_id: str
    state: Literal["open", "captured", "released", "expired"]
    amount: int
    final: bool
    """Whether it took the last credit that the key could spend."""
    epoch: int
    created_at: int
    expires_at: int
    captured: int
    shortfall: int
    """What the request cost beyond the hold and all available credit; the operator bears it."""
    funded_by: list[FundingOut]


class HoldAnswerOut(Wire):
    """The answer to every call about a hold or a charge."""

    hold: HoldOut
    balance: BalanceOut


class ExtendIn(Wire):
    """What a hold is to be raised to: asking again for the same changes nothing."""

    amount: PositiveAmount
    """What it is to be in all, not what is to be added."""
    minimum: Amount | None = None
    """The least in all that is of use; default `amount`. With less nothing changes."""
    ttl: Annotated[int, Field(strict=True, ge=1, le=LONGEST_TTL_SECONDS)] | None = None
    """Seconds from now that it is to live at least."""


class ChargeIn(Wire):
    """What a request did cost, to be taken at once: all of it or nothing."""

    key: Secret
    amount: PositiveAmount
    request_id: RequestId
    model: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_MODEL_NAME)] | None = None
    usage: UsageIn | None = None


class LeaseIn(Wire):
    """Credit that a gateway spends on its own, for a key."""

    key: Secret
    amount: PositiveAmount
    minimum: PositiveAmount | None = None
    """Give less than `amount` if there is less, but not less than this; default `amount`."""
    request_id: RequestId
    ttl: LeaseSeconds = LONGEST_LEASE_SECONDS


class LeaseRequestIn(Wire):
    """A request that was served from a lease."""

    number: Annotated[int, Field(strict=True, ge=1, le=2**53 - 1)]
    """Rises with each request of the lease: one that was told before is left out."""
    request_id: RequestId
    cost: Amount
    usage: UsageIn | None = None


class ReturnIn(Wire):
    """What a lease has spent in all."""

    spent: Amount
    """Since it was opened."""
    requests: Annotated[list[LeaseRequestIn], Field(max_length=MOST_REQUESTS_TOLD)] | None = None
    """Those that are not known to be told; their costs are what was newly spent."""


class RenewIn(ReturnIn):
    """What a lease has spent in all, and what is to remain of it."""

    amount: PositiveAmount
    """What should remain to be spent."""
    minimum: Amount | None = None
    """The least that is of use; default `amount`."""
    ttl: LeaseSeconds = LONGEST_LEASE_SECONDS


class LeaseOut(Wire):
    """A lease as it stands."""

    id: str
    request_id: str
    state: Literal["open", "returned", "expired"]
    amount: int
    """What was spent of it and what remains, together."""
    spent: int
    """What was told and charged, the operator's shortfall with it."""
    shortfall: int
    remaining: int
    """What may still be spent, until it expires."""
    final: bool
    """Whether it took the last credit that the key could spend."""
    epoch: int
    created_at: int
    expires_at: int
    expires_in: float
    """Seconds from this answer, rounded down to milliseconds; a lease never outlives its epoch."""
    funded_by: list[FundingOut]


class LeaseAnswerOut(Wire):
    """The answer to every call about a lease."""

    lease: LeaseOut
    balance: BalanceOut


class BatchIn(Wire):
    """Calls that are answered together, in their order."""

    operations: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=MOST_OPERATIONS)]
    """Each has `op` (hold, extend, capture, release, charge, open_lease, renew_lease, return_lease), the `id`
    of the hold or lease where there is one in the path, and the fields of that call's body."""


class BatchAnswer(Wire):
    """What one call of a batch was answered."""

    status: int
    """As of the call alone."""
    body: dict[str, Any]
    """As of the call alone: an answer, or a problem."""


class BatchOut(Wire):
    """The answers of a batch, in its order."""

    answers: list[BatchAnswer]
