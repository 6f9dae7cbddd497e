"""Holds: the life of one request's credit.

                    capture            amount <= hold, or overrun from what is available
           +----------------------> captured
    open --+------ release -------> released
           +--- its time ran out -> expired --capture within the grace hour--> expired, charged

    refused: there was never credit aside; the refusal is kept, so that the same request id stays refused.

A hold ends once. It belongs to the epoch it was made in: a capture after midnight still charges that day.
"""

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from entitlement.core.epochs import Epoch
from entitlement.core.errors import HoldAlreadyEnded, HoldExpired, InvalidAmount, InvalidRequest
from entitlement.core.ledger import Part
from entitlement.core.record import record
from entitlement.core.units import NANO_USD_MAX, NanoUsd

LATE_CAPTURE_SECONDS = 3_600
"""How long after its expiry a hold can still be charged for work that was done."""
LONGEST_TTL_SECONDS = 3_600
DEFAULT_TTL_SECONDS = 600
LONGEST_LIFE_SECONDS = 24 * 3_600
"""Of a hold that is extended again and again: what it cost is known within a day or so of its epoch."""
LONGEST_LEASE_SECONDS = 60
"""Also how long a gateway may go on serving a key that was revoked."""
LONGEST_REQUEST_ID = 128
LONGEST_MODEL_NAME = 128
LONGEST_PRICE_VERSION = 64
LARGEST_COUNT = 2**53 - 1
"""What JSON numbers carry exactly everywhere."""
STATUSES = range(100, 600)
MOST_REQUESTS_TOLD = 1_000
Refusal = dict[str, object]
"""The name of the error and its figures."""


class HoldKind(StrEnum):
    """How the credit that was set aside is spent."""

    HOLD = "hold"
    """By one capture."""
    CHARGE = "charge"
    """At once."""
    LEASE = "lease"
    """By a gateway on its own, request by request; it tells in sum, with each renewal."""


class HoldState(StrEnum):
    """Where a hold is in its life."""

    OPEN = "open"
    CAPTURED = "captured"
    RELEASED = "released"
    EXPIRED = "expired"
    REFUSED = "refused"


@record
class HoldRequest:
    """What a gateway asks for: `amount` nano-USD, or as much as there is from `minimum` up."""

    request_id: str
    key_hash: bytes
    amount: NanoUsd
    minimum: NanoUsd
    ttl: int
    """Seconds until the hold is given back by itself."""
    model: str | None
    kind: HoldKind = HoldKind.HOLD
    usage: "Usage | None" = None
    """Of a charge: what its request used."""

    def check(self) -> None:
        """Raise `InvalidAmount` or `InvalidRequest` where the request is outside what may be asked for."""
        if not 0 < self.amount <= NANO_USD_MAX:
            raise InvalidAmount(field="amount", amount=self.amount, smallest=1, largest=NANO_USD_MAX)
        if not 0 < self.minimum <= self.amount:
            raise InvalidAmount(field="minimum", amount=self.minimum, smallest=1, largest=self.amount)
        check_ttl(self.ttl, LONGEST_LEASE_SECONDS if self.kind is HoldKind.LEASE else LONGEST_TTL_SECONDS)
        if self.usage is not None:
            self.usage.check()
        check_request_id(self.request_id, field="request_id")
        _check_model(self.model, field="model")

    def fingerprint(self) -> bytes:
        """Return what tells this request from another one that carries the same request id."""
        asked = f"{self.key_hash.hex()}\n{self.amount}\n{self.minimum}\n{self.ttl}\n{self.model or ''}"
        # As it was before there were others, so that retries of that time are still known.
        if self.kind is not HoldKind.HOLD or self.usage is not None:
            asked += f"\n{self.kind}\n{_in_fingerprint(self.usage)}"
        return hashlib.sha256(asked.encode()).digest()


@record
class Usage:
    """What is kept of a request besides its cost: counts and times, never content."""

    model: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    latency_ms: int | None = None
    status: int | None = None
    price_version: str | None = None
    """By which list of prices the cost was made."""
    images: int | None = None
    """How many were made."""

    def check(self) -> None:
        """Raise `InvalidRequest` for what is no model's name, no count and no HTTP status."""
        _check_model(self.model, field="usage.model")
        for name in ("input_tokens", "output_tokens", "latency_ms", "images"):
            count: int | None = getattr(self, name)
            if count is not None and not 0 <= count <= LARGEST_COUNT:
                raise InvalidRequest(f"{name} is {count}: it must be a count", field=f"usage.{name}")
        version = self.price_version
        if version is not None and not (0 < len(version) <= LONGEST_PRICE_VERSION and version.isprintable()):
            raise InvalidRequest(
                f"price_version must be 1 to {LONGEST_PRICE_VERSION} printable characters",
                field="usage.price_version",
            )
        if self.status is not None and self.status not in STATUSES:
            raise InvalidRequest(f"status is {self.status}: it must be an HTTP status", field="usage.status")


def _in_fingerprint(usage: Usage | None) -> str:
    """Return a usage as it is in the fingerprint of its charge."""
    if usage is None:
        return "None"
    told = (
        f"Usage(model={usage.model!r}, input_tokens={usage.input_tokens}, "
        f"output_tokens={usage.output_tokens}, latency_ms={usage.latency_ms}, status={usage.status}, "
        f"price_version={usage.price_version!r})"
    )
    # As it was before images were counted, so that retries of that time are still known.
    return told if usage.images is None else f"{told}\n{usage.images} images"


@record
class LeaseRequest:
    """One request that a gateway served from a lease."""

    number: int
    """Rises with each request of the lease."""
    request_id: str
    cost: NanoUsd
    usage: Usage


@dataclass(frozen=True, slots=True)
class LeaseReport:
    """What a gateway tells of a lease: all that it has spent of it so far, and what it wants to have left."""

    spent: NanoUsd
    """Since the lease was opened, so that telling it twice changes nothing."""
    amount: NanoUsd
    """What should remain to be spent; zero to return the lease."""
    minimum: NanoUsd
    """The least that is of use."""
    ttl: int
    requests: tuple[LeaseRequest, ...] | None
    """Those not known to be told; None where the gateway tells no single ones."""

    def check(self) -> None:
        """Raise `InvalidAmount` or `InvalidRequest` where the report is outside what may be told."""
        for field, amount in (("spent", self.spent), ("amount", self.amount)):
            if not 0 <= amount <= NANO_USD_MAX:
                raise InvalidAmount(field=field, amount=amount, smallest=0, largest=NANO_USD_MAX)
        if not 0 <= self.minimum <= self.amount:
            raise InvalidAmount(field="minimum", amount=self.minimum, smallest=0, largest=self.amount)
        check_ttl(self.ttl, LONGEST_LEASE_SECONDS)
        told = self.requests or ()
        if len(told) > MOST_REQUESTS_TOLD:
            raise InvalidRequest(
                f"{len(told)} requests are told at once: at most {MOST_REQUESTS_TOLD}", field="requests"
            )
        last = 0
        for each in told:
            if not last < each.number <= LARGEST_COUNT:
                raise InvalidRequest(
                    f"request number {each.number} follows {last}: they must rise from 1",
                    field="requests.number",
                )
            last = each.number
            if not 0 <= each.cost <= NANO_USD_MAX:
                raise InvalidAmount(field="requests.cost", amount=each.cost, smallest=0, largest=NANO_USD_MAX)
            check_request_id(each.request_id, field="requests.request_id")
            each.usage.check()


@record
class Hold:
    """A hold as it stands."""

    id: str
    account_id: int
    key_id: str
    gateway_id: int
    request_id: str
    state: HoldState
    epoch: Epoch
    amount: NanoUsd
    is_final: bool
    """Whether it took the last credit that the key could spend."""
    captured: NanoUsd
    shortfall: NanoUsd
    created_at: int
    expires_at: int
    charged_at: int | None
    """When a capture was booked."""
    kind: HoldKind = HoldKind.HOLD
    parts: tuple[Part, ...] = ()
    """What each bucket gave, in the order of spending; of an open lease, what is still set aside."""
    fingerprint: bytes = b""
    model: str | None = None
    ended_at: int | None = None
    refusal: Refusal | None = None
    """Of a refused one."""
    steps: int = 0
    """How often more was set aside, or a part charged, since it was made."""
    told: int = 0
    """Of a lease: the highest number of a request that was told of."""

    def is_due(self, now: int) -> bool:
        """Tell whether its time has run out without anybody having ended it."""
        return self.state is HoldState.OPEN and now >= self.expires_at


def is_repetition_of_capture(hold: Hold, amount: NanoUsd) -> bool:
    """Tell whether a capture of `amount` was booked before; another amount raises `HoldAlreadyEnded`."""
    if hold.charged_at is None:
        return False
    if hold.captured + hold.shortfall != amount:
        raise HoldAlreadyEnded(hold=hold.id, state=hold.state, captured=hold.captured)
    return True


def check_capturable(hold: Hold, now: int) -> None:
    """Raise where a hold without a capture can no longer get one: released, or expired for too long."""
    if hold.state is HoldState.RELEASED:
        raise HoldAlreadyEnded(hold=hold.id, state=hold.state, captured=hold.captured)
    if hold.state is HoldState.EXPIRED and now >= hold.expires_at + LATE_CAPTURE_SECONDS:
        raise HoldExpired(hold=hold.id, expired_at=hold.expires_at)


def check_releasable(hold: Hold) -> None:
    """Raise `HoldAlreadyEnded` where a hold was captured: what was charged is not given back this way."""
    if hold.charged_at is not None:
        raise HoldAlreadyEnded(hold=hold.id, state=hold.state, captured=hold.captured)


def check_ttl(ttl: int, longest: int) -> None:
    """Raise `InvalidRequest` where `ttl` seconds are none or too many."""
    if not 1 <= ttl <= longest:
        raise InvalidRequest(f"ttl is {ttl}: it must be from 1 to {longest} seconds", field="ttl")


def check_request_id(request_id: str, *, field: str) -> None:
    """Raise `InvalidRequest` for what cannot name a request."""
    if not (0 < len(request_id) <= LONGEST_REQUEST_ID and request_id.isprintable()):
        raise InvalidRequest(f"{field} must be 1 to {LONGEST_REQUEST_ID} printable characters", field=field)


def _check_model(model: str | None, *, field: str) -> None:
    if model is not None and not (0 < len(model) <= LONGEST_MODEL_NAME and model.isprintable()):
        raise InvalidRequest(f"{field} must be 1 to {LONGEST_MODEL_NAME} printable characters", field=field)
