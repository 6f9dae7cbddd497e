"""What a gateway asks for, checked against the protocol's bounds before it is sent (docs/protocol.md).

What lies outside the bounds is the caller's mistake, and a `ValueError`.
"""

from dataclasses import dataclass, field

from entitlement.core.units import NANO_USD_MAX, NanoUsd

REQUEST_ID_CHARACTERS_MAX = 128
MODEL_CHARACTERS_MAX = 128
PRICE_VERSION_CHARACTERS_MAX = 64
TTL_SECONDS_MAX = 3600
TTL_SECONDS_DEFAULT = 600
LEASE_SECONDS_MAX = 60
COUNT_MAX = 2**53 - 1
STATUSES = range(100, 600)


@dataclass(frozen=True, slots=True)
class HoldRequest:
    """Credit wanted for one request."""

    key: str = field(repr=False)
    """The secret of the API key that pays."""
    amount: NanoUsd
    """The most that the request can cost."""
    request_id: str
    """The gateway's own name for the request: the same name with the same content gets the same answer."""
    minimum: NanoUsd | None = None
    """The least that is of use; None means that it is `amount` or nothing."""
    ttl: int = TTL_SECONDS_DEFAULT
    """Seconds after which the service releases the hold by itself."""
    model: str | None = None

    def __post_init__(self) -> None:
        """Raise `ValueError` for what the service would refuse as malformed."""
        check_amounts(self.amount, self.minimum)
        check_request_id(self.request_id)
        check_ttl(self.ttl, TTL_SECONDS_MAX)
        _check_model(self.model)


@dataclass(frozen=True, slots=True)
class Usage:
    """All that the service is ever told about a request."""

    model: str
    input_tokens: int
    output_tokens: int
    latency_ms: int
    status: int
    """HTTP status that the request ended with."""
    price_version: str | None = None
    """By which list of prices the cost was made, in the gateway's own words."""
    images: int | None = None
    """How many were made; None where the request was not for images."""

    def __post_init__(self) -> None:
        """Raise `ValueError` for what the service would refuse, and the cost that is told with it."""
        _check_model(self.model)
        version = self.price_version
        if version is not None and not (
            0 < len(version) <= PRICE_VERSION_CHARACTERS_MAX and version.isprintable()
        ):
            raise ValueError(f"a price version has 1 to {PRICE_VERSION_CHARACTERS_MAX} printable characters")
        _check_count("input_tokens", self.input_tokens)
        _check_count("output_tokens", self.output_tokens)
        _check_count("latency_ms", self.latency_ms)
        if self.images is not None:
            _check_count("images", self.images)
        if self.status not in STATUSES:
            raise ValueError(f"status is {self.status}: it must be an HTTP status")

    def fields(self) -> dict[str, object]:
        """Return it as it goes over the wire."""
        known: dict[str, object] = {
            "model": self.model,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "latency_ms": self.latency_ms,
            "status": self.status,
        }
        # What is not told is not sent: a service that does not know a field refuses it.
        if self.price_version is not None:
            known["price_version"] = self.price_version
        if self.images is not None:
            known["images"] = self.images
        return known


@dataclass(frozen=True, slots=True)
class ChargeRequest:
    """A cost that is known already: hold and capture in one, all of it or nothing."""

    key: str = field(repr=False)
    amount: NanoUsd
    """The cost."""
    request_id: str
    """The gateway's own name for the request: charged under the same name again, it is charged once."""
    model: str | None = None
    usage: Usage | None = None

    def __post_init__(self) -> None:
        """Raise `ValueError` for what the service would refuse as malformed."""
        check_amounts(self.amount, None)
        check_request_id(self.request_id)
        _check_model(self.model)


@dataclass(frozen=True, slots=True)
class LeaseRequest:
    """Credit that this gateway wants to spend from on its own."""

    key: str = field(repr=False)
    amount: NanoUsd
    request_id: str
    ttl: int
    """Seconds until the service takes back what was not reported as spent."""
    minimum: NanoUsd | None = None
    """The least that is of use; None means that it is `amount` or nothing."""

    def __post_init__(self) -> None:
        """Raise `ValueError` for what the service would refuse as malformed."""
        check_amounts(self.amount, self.minimum)
        check_request_id(self.request_id)
        check_ttl(self.ttl, LEASE_SECONDS_MAX)


@dataclass(frozen=True, slots=True)
class LeasedRequest:
    """One request that was paid from a lease, as the service is told afterwards."""

    number: int
    """Counted from 1 in each lease: what was told before is not counted again."""
    request_id: str
    cost: NanoUsd
    usage: Usage | None

    def fields(self) -> dict[str, object]:
        """Return it as it goes over the wire."""
        told: dict[str, object] = {"number": self.number, "request_id": self.request_id, "cost": self.cost}
        return told if self.usage is None else {**told, "usage": self.usage.fields()}


def check_amounts(amount: NanoUsd, minimum: NanoUsd | None) -> None:
    """Raise `ValueError` unless 1 <= minimum <= amount <= the protocol's largest."""
    least = amount if minimum is None else minimum
    if not 1 <= least <= amount <= NANO_USD_MAX:
        raise ValueError(f"amount {amount}, minimum {least}: need 1 <= minimum <= amount <= 2**53-1")


def check_ttl(ttl: int, longest: int) -> None:
    """Raise `ValueError` unless `ttl` is from 1 to `longest` seconds."""
    if not 1 <= ttl <= longest:
        raise ValueError(f"ttl is {ttl}: it must be from 1 to {longest} seconds")


def check_request_id(request_id: str) -> None:
    """Raise `ValueError` for what is no name of a request."""
    if not (1 <= len(request_id) <= REQUEST_ID_CHARACTERS_MAX and request_id.isprintable()):
        raise ValueError(f"a request id has 1 to {REQUEST_ID_CHARACTERS_MAX} printable characters")


def _check_model(model: str | None) -> None:
    if model is not None and not (1 <= len(model) <= MODEL_CHARACTERS_MAX and model.isprintable()):
        raise ValueError(f"a model's name has 1 to {MODEL_CHARACTERS_MAX} printable characters")


def _check_count(name: str, count: int) -> None:
    if not 0 <= count <= COUNT_MAX:
        raise ValueError(f"{name} is {count}: it must be from 0 to 2**53-1")
