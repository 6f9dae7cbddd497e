"""The protocol's calls as they go over the wire, without a transport: an async and a sync client share them.

A call knows how its answer is read, and how it is written into a batch, so that each is described once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from urllib.parse import quote

import orjson

from entitlement.client.answers import (
    Hold,
    HoldAnswer,
    KeyAnswer,
    read_hold,
    read_hold_answer,
    read_key_answer,
)
from entitlement.client.errors import CreditError, CreditUnavailable, InvalidAnswer, refusal
from entitlement.client.explanations import Explanation, read_explanations
from entitlement.client.json_values import as_list, as_object, as_whole, parse
from entitlement.client.lease_answers import LeaseAnswer, read_lease_answer
from entitlement.client.requests import (
    LEASE_SECONDS_MAX,
    TTL_SECONDS_MAX,
    ChargeRequest,
    HoldRequest,
    LeasedRequest,
    LeaseRequest,
    Usage,
    check_amounts,
    check_request_id,
    check_ttl,
)
from entitlement.client.retries import read_retry_after
from entitlement.core.units import NANO_USD_MAX, NanoUsd

BATCH_OPERATIONS_MAX = 1_000

Answer_co = TypeVar("Answer_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Call(Generic[Answer_co]):
    """One request of the protocol; its repr shows no secret."""

    method: str
    path: str
    read: Callable[[object], Answer_co] = field(repr=False)
    """Reads the body of a good answer; raises `InvalidAnswer`."""
    fields: Mapping[str, object] | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    op: str | None = None
    """What it is called in a batch; None where it has no place in one."""
    id: str | None = None
    """The hold or lease that it is about, where one stands in the path."""

    def body(self) -> bytes | None:
        """Return the JSON that is sent."""
        return None if self.fields is None else orjson.dumps(self.fields)

    def in_batch(self) -> dict[str, object]:
        """Return it as an operation of a batch; raises `ValueError` for a call that only reads."""
        if self.op is None:
            raise ValueError(f"{self.method} {self.path} has no place in a batch")
        named: dict[str, object] = {"op": self.op} if self.id is None else {"op": self.op, "id": self.id}
        return {**named, **(self.fields or {})}


Changing = Call[HoldAnswer] | Call[LeaseAnswer]
"""What may stand in a batch."""

BatchAnswer = HoldAnswer | LeaseAnswer | CreditError
"""An operation's own answer, or why it has none."""


def hold_call(wanted: HoldRequest) -> Call[HoldAnswer]:
    """Return the call that sets credit aside."""
    fields: dict[str, object] = {
        "key": wanted.key,
        "amount": wanted.amount,
        "request_id": wanted.request_id,
        "ttl": wanted.ttl,
        **_given(minimum=wanted.minimum, model=wanted.model),
    }
    return Call("POST", "/v1/holds", read_hold_answer, fields, op="hold")


def extend_call(hold_id: str, amount: NanoUsd, minimum: NanoUsd | None, ttl: int | None) -> Call[HoldAnswer]:
    """Return the call that makes a hold larger, up to a new total, or longer."""
    check_amounts(amount, minimum)
    if ttl is not None:
        check_ttl(ttl, TTL_SECONDS_MAX)
    fields: dict[str, object] = {"amount": amount, **_given(minimum=minimum, ttl=ttl)}
    return _on("holds", hold_id, "extend", read_hold_answer, fields)


def capture_call(hold_id: str, amount: NanoUsd, usage: Usage | None) -> Call[HoldAnswer]:
    """Return the call that takes the actual cost from a hold and gives the rest back."""
    _check_cost(amount)
    fields: dict[str, object] = {"amount": amount}
    if usage is not None:
        fields["usage"] = usage.fields()
    return _on("holds", hold_id, "capture", read_hold_answer, fields)


def release_call(hold_id: str) -> Call[HoldAnswer]:
    """Return the call that gives a whole hold back."""
    return _on("holds", hold_id, "release", read_hold_answer, None)


def charge_call(wanted: ChargeRequest) -> Call[HoldAnswer]:
    """Return the call that takes a cost at once."""
    fields: dict[str, object] = {
        "key": wanted.key,
        "amount": wanted.amount,
        "request_id": wanted.request_id,
        **_given(model=wanted.model),
    }
    if wanted.usage is not None:
        fields["usage"] = wanted.usage.fields()
    return Call("POST", "/v1/charges", read_hold_answer, fields, op="charge")


def open_lease_call(wanted: LeaseRequest) -> Call[LeaseAnswer]:
    """Return the call that takes credit on lease."""
    fields: dict[str, object] = {
        "key": wanted.key,
        "amount": wanted.amount,
        "request_id": wanted.request_id,
        "ttl": wanted.ttl,
        **_given(minimum=wanted.minimum),
    }
    return Call("POST", "/v1/leases", read_lease_answer, fields, op="open_lease")


def renew_lease_call(
    lease_id: str,
    *,
    spent: NanoUsd,
    amount: NanoUsd,
    minimum: NanoUsd | None,
    ttl: int,
    requests: Sequence[LeasedRequest] = (),
) -> Call[LeaseAnswer]:
    """Return the call that reports what was spent since the lease began, and asks for more time and credit.

    `amount` is what should remain to be spent, so that the call may be repeated.
    """
    _check_cost(spent)
    check_amounts(amount, minimum)
    check_ttl(ttl, LEASE_SECONDS_MAX)
    fields: dict[str, object] = {"spent": spent, "amount": amount, "ttl": ttl, **_given(minimum=minimum)}
    if requests:
        fields["requests"] = [each.fields() for each in requests]
    return _on("leases", lease_id, "renew", read_lease_answer, fields, op="renew_lease")


def return_lease_call(
    lease_id: str, *, spent: NanoUsd, requests: Sequence[LeasedRequest] = ()
) -> Call[LeaseAnswer]:
    """Return the call that ends a lease and gives back what was not spent."""
    _check_cost(spent)
    fields: dict[str, object] = {"spent": spent}
    if requests:
        fields["requests"] = [each.fields() for each in requests]
    return _on("leases", lease_id, "return", read_lease_answer, fields, op="return_lease")


def look_up_call(hold_id: str) -> Call[Hold]:
    """Return the call that reads a hold."""
    return Call("GET", f"/v1/holds/{_segment(hold_id)}", read_hold)


def introspect_call(key: str) -> Call[KeyAnswer]:
    """Return the call that reads a key, its balance and its limits."""
    return Call("GET", "/v1/keys/introspect", read_key_answer, headers=_key_header(key))


def explain_call(request_id: str, key: str | None) -> Call[tuple[Explanation, ...]]:
    """Return the call that reads what is known of a request of this gateway."""
    check_request_id(request_id)
    headers = {} if key is None else _key_header(key)
    return Call("GET", f"/v1/requests/{_segment(request_id)}", read_explanations, headers=headers)


def batch_call(operations: Sequence[Changing]) -> Call[tuple[BatchAnswer, ...]]:
    """Return the call that does up to 1,000 others at once, each with its own answer."""
    if not 1 <= len(operations) <= BATCH_OPERATIONS_MAX:
        raise ValueError(f"a batch has 1 to {BATCH_OPERATIONS_MAX} operations, not {len(operations)}")
    fields = {"operations": [each.in_batch() for each in operations]}

    def read(answer: object) -> tuple[BatchAnswer, ...]:
        answers = as_list((as_object(answer) or {}).get("answers"))
        if answers is None or len(answers) != len(operations):
            raise InvalidAnswer("a batch has not one answer for each operation")
        return tuple(_read_each(operation, each) for operation, each in zip(operations, answers, strict=True))

    return Call("POST", "/v1/batch", read, fields)


def read_answer(status: int, headers: Mapping[str, str], content: bytes) -> dict[str, object]:
    """Return the body of an answer in the 2xx range.

    Raises `CreditRefused` for a problem, `CreditUnavailable` for any 5xx, `InvalidAnswer` for anything else.
    """
    retry_after = read_retry_after(headers.get("retry-after"))
    if status >= 500:  # noqa: PLR2004 - the classes of HTTP status are their own names
        raise CreditUnavailable(f"it answered {status}", retry_after=retry_after)
    try:
        answer = as_object(parse(content))
    except ValueError as error:
        raise InvalidAnswer(f"status {status}, {error}") from None
    return _judge(status, answer)


def _judge(status: int, answer: dict[str, object] | None) -> dict[str, object]:
    if status >= 500:  # noqa: PLR2004 - likewise
        raise CreditUnavailable(f"it answered {status}")
    if answer is None:
        raise InvalidAnswer(f"status {status} without a JSON object")
    if 200 <= status < 300:  # noqa: PLR2004 - likewise
        return answer
    if "code" not in answer:
        raise InvalidAnswer(f"status {status} without a problem code")
    raise refusal(status, answer)


def _read_each(operation: Changing, answer: object) -> BatchAnswer:
    fields = as_object(answer) or {}
    status = as_whole(fields.get("status"))
    try:
        if status is None:
            raise InvalidAnswer("an answer of a batch has no status")
        return operation.read(_judge(status, as_object(fields.get("body"))))
    except CreditError as error:
        return error


def _on(
    kind: str,
    name: str,
    verb: str,
    read: Callable[[object], Answer_co],
    fields: Mapping[str, object] | None,
    op: str | None = None,
) -> Call[Answer_co]:
    return Call("POST", f"/v1/{kind}/{_segment(name)}/{verb}", read, fields, op=op or verb, id=name)


def _given(**fields: object) -> dict[str, object]:
    return {name: value for name, value in fields.items() if value is not None}


def _check_cost(amount: NanoUsd) -> None:
    if not 0 <= amount <= NANO_USD_MAX:
        raise ValueError(f"amount is {amount}: it must be from 0 to {NANO_USD_MAX} nano-USD")


def _key_header(key: str) -> dict[str, str]:
    if not (key and key.isascii() and key.isprintable()):
        raise ValueError("a key consists of printable ASCII characters")
    return {"x-api-key": key}


def _segment(name: str) -> str:
    if not name:
        raise ValueError("an id is not empty")
    return quote(name, safe="")
