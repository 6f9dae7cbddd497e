"""The protocol's calls as they go over the wire, without a transport: an async and a sync client share them.

The bounds are the protocol's (docs/protocol.md); what lies outside is the caller's mistake, a `ValueError`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

import orjson

from entitlement.client.errors import CreditUnavailable, InvalidAnswer, refusal
from entitlement.client.json_values import as_object, parse
from entitlement.client.retries import read_retry_after
from entitlement.core.units import NANO_USD_MAX, NanoUsd

REQUEST_ID_CHARACTERS_MAX = 128
MODEL_CHARACTERS_MAX = 128
TTL_SECONDS_MAX = 3600
TTL_SECONDS_DEFAULT = 600


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
        least = self.amount if self.minimum is None else self.minimum
        if not 1 <= least <= self.amount <= NANO_USD_MAX:
            raise ValueError(f"amount {self.amount}, minimum {least}: need 1 <= minimum <= amount <= 2**53-1")
        if not (1 <= len(self.request_id) <= REQUEST_ID_CHARACTERS_MAX and self.request_id.isprintable()):
            raise ValueError(f"a request id has 1 to {REQUEST_ID_CHARACTERS_MAX} printable characters")
        if not 1 <= self.ttl <= TTL_SECONDS_MAX:
            raise ValueError(f"ttl is {self.ttl}: it must be from 1 to {TTL_SECONDS_MAX} seconds")
        if self.model is not None and len(self.model) > MODEL_CHARACTERS_MAX:
            raise ValueError(f"a model's name has at most {MODEL_CHARACTERS_MAX} characters")


@dataclass(frozen=True, slots=True)
class Usage:
    """All that the service is ever told about a request."""

    model: str
    input_tokens: int
    output_tokens: int
    latency_ms: int
    status: int
    """HTTP status that the request ended with."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request of the protocol; its repr shows no secret."""

    method: str
    path: str
    body: bytes | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)


def hold_call(wanted: HoldRequest) -> Call:
    """Return the call that sets credit aside."""
    body: dict[str, object] = {
        "key": wanted.key,
        "amount": wanted.amount,
        "request_id": wanted.request_id,
        "ttl": wanted.ttl,
    }
    if wanted.minimum is not None:
        body["minimum"] = wanted.minimum
    if wanted.model is not None:
        body["model"] = wanted.model
    return _post("/v1/holds", body)


def capture_call(hold_id: str, amount: NanoUsd, usage: Usage | None) -> Call:
    """Return the call that takes the actual cost from a hold and gives the rest back."""
    if not 0 <= amount <= NANO_USD_MAX:
        raise ValueError(f"amount is {amount}: it must be from 0 to {NANO_USD_MAX} nano-USD")
    body: dict[str, object] = {"amount": amount}
    if usage is not None:
        body["usage"] = usage
    return _post(f"/v1/holds/{_segment(hold_id)}/capture", body)


def release_call(hold_id: str) -> Call:
    """Return the call that gives a whole hold back."""
    return Call("POST", f"/v1/holds/{_segment(hold_id)}/release")


def look_up_call(hold_id: str) -> Call:
    """Return the call that reads a hold."""
    return Call("GET", f"/v1/holds/{_segment(hold_id)}")


def introspect_call(key: str) -> Call:
    """Return the call that reads a key, its balance and its limits."""
    if not (key and key.isascii() and key.isprintable()):
        raise ValueError("a key consists of printable ASCII characters")
    return Call("GET", "/v1/keys/introspect", headers={"x-api-key": key})


def read_answer(status: int, headers: Mapping[str, str], content: bytes) -> dict[str, object]:
    """Return the body of an answer in the 2xx range.

    Raises `CreditRefused` for a problem, `CreditUnavailable` for any 5xx, `InvalidAnswer` for anything else.
    """
    if status >= 500:  # noqa: PLR2004 - the classes of HTTP status are their own names
        retry_after = read_retry_after(headers.get("retry-after"))
        raise CreditUnavailable(f"it answered {status}", retry_after=retry_after)
    try:
        answer = as_object(parse(content))
    except ValueError as error:
        raise InvalidAnswer(f"status {status}, {error}") from None
    if answer is None:
        raise InvalidAnswer(f"status {status} without a JSON object")
    if 200 <= status < 300:  # noqa: PLR2004 - likewise
        return answer
    if "code" not in answer:
        raise InvalidAnswer(f"status {status} without a problem code")
    raise refusal(status, answer)


def _post(path: str, body: Mapping[str, object]) -> Call:
    return Call("POST", path, body=orjson.dumps(body), headers={"content-type": "application/json"})


def _segment(hold_id: str) -> str:
    if not hold_id:
        raise ValueError("a hold's id is not empty")
    return quote(hold_id, safe="")
