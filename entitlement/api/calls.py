"""The calls about holds and leases: how each is read, asked of the ledger and answered.

One table for single calls and for those in a batch.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, TypeAdapter, ValidationError

from entitlement.api.hold_schemas import (
    CaptureIn,
    ChargeIn,
    ExtendIn,
    HoldIn,
    LeaseIn,
    RenewIn,
    ReturnIn,
    UsageIn,
)
from entitlement.api.hot_answers import hold_answer, lease_answer
from entitlement.core.holds import (
    DEFAULT_TTL_SECONDS,
    LONGEST_LEASE_SECONDS,
    HoldKind,
    HoldRequest,
    LeaseReport,
    LeaseRequest,
    Usage,
)
from entitlement.core.keys import hash_secret
from entitlement.core.operations import Capture, Extend, Look, Operation, Release, Renew
from entitlement.core.units import NanoUsd
from entitlement.flows.spend_credit import HoldAnswer

NO_USAGE = Usage()
Body = dict[str, object]


@dataclass(frozen=True, slots=True)
class Call:
    """One kind of call: what its body must be, what it asks, and how its answer looks."""

    name: str
    """In a batch."""
    route: str
    status: int
    """Of an answer that is no refusal."""
    model: type[BaseModel] | None
    """Of the body; None where there is none."""
    operation: Callable[[str, Any], Operation]
    """Of the id in the path and the body."""
    answer: Callable[[HoldAnswer], Body]

    @property
    def takes_id(self) -> bool:
        """Whether it is about a hold or lease that there is."""
        return "{" in self.route

    def read(self, id_in_path: str, sent: object) -> Operation:
        """Return what is asked. Raises RequestValidationError."""
        if self.model is None:
            return self.operation(id_in_path, None)
        try:
            body = ADAPTERS[self.name].validate_python(sent)
        except ValidationError as error:
            found = error.errors(include_url=False, include_input=False)
            raise RequestValidationError(
                [{**each, "loc": ("body", *each["loc"])} for each in found]
            ) from None
        return self.operation(id_in_path, body)


def _hold(_: str, body: HoldIn) -> HoldRequest:
    return HoldRequest(
        request_id=body.request_id,
        key_hash=hash_secret(body.key),
        amount=NanoUsd(body.amount),
        minimum=NanoUsd(body.amount if body.minimum is None else body.minimum),
        ttl=body.ttl,
        model=body.model,
    )


def _charge(_: str, body: ChargeIn) -> HoldRequest:
    return HoldRequest(
        request_id=body.request_id,
        key_hash=hash_secret(body.key),
        amount=NanoUsd(body.amount),
        minimum=NanoUsd(body.amount),
        ttl=DEFAULT_TTL_SECONDS,
        model=body.model,
        kind=HoldKind.CHARGE,
        usage=_usage(body.usage),
    )


def _open_lease(_: str, body: LeaseIn) -> HoldRequest:
    return HoldRequest(
        request_id=body.request_id,
        key_hash=hash_secret(body.key),
        amount=NanoUsd(body.amount),
        minimum=NanoUsd(body.amount if body.minimum is None else body.minimum),
        ttl=body.ttl,
        model=None,
        kind=HoldKind.LEASE,
    )


def _extend(hold_id: str, body: ExtendIn) -> Extend:
    minimum = body.amount if body.minimum is None else body.minimum
    return Extend(hold_id, NanoUsd(body.amount), NanoUsd(minimum), body.ttl)


def _capture(hold_id: str, body: CaptureIn) -> Capture:
    return Capture(hold_id, NanoUsd(body.amount), _usage(body.usage))


def _renew(lease_id: str, body: RenewIn) -> Renew:
    minimum = body.amount if body.minimum is None else body.minimum
    return Renew(lease_id, _report(body, NanoUsd(body.amount), NanoUsd(minimum), body.ttl))


def _return(lease_id: str, body: ReturnIn) -> Renew:
    return Renew(lease_id, _report(body, NanoUsd(0), NanoUsd(0), LONGEST_LEASE_SECONDS))


def _report(body: ReturnIn, amount: NanoUsd, minimum: NanoUsd, ttl: int) -> LeaseReport:
    requests = None
    if body.requests is not None:
        requests = tuple(
            LeaseRequest(each.number, each.request_id, NanoUsd(each.cost), _usage(each.usage) or NO_USAGE)
            for each in body.requests
        )
    return LeaseReport(NanoUsd(body.spent), amount, minimum, ttl, requests)


def _look(hold_id: str, _: None) -> Look:
    return Look(hold_id, is_lease=False)


def _look_at_lease(lease_id: str, _: None) -> Look:
    return Look(lease_id, is_lease=True)


def _usage(usage: UsageIn | None) -> Usage | None:
    return None if usage is None else usage.to_core()


def _lease_answer(answer: HoldAnswer) -> Body:
    return lease_answer(answer, answer.micros)


HOLD = Call("hold", "/v1/holds", 201, HoldIn, _hold, hold_answer)
READ_HOLD = Call("read", "/v1/holds/{hold_id}", 200, None, _look, hold_answer)
CAPTURE = Call("capture", "/v1/holds/{hold_id}/capture", 200, CaptureIn, _capture, hold_answer)
RELEASE = Call(
    "release", "/v1/holds/{hold_id}/release", 200, None, lambda hold_id, _: Release(hold_id), hold_answer
)
EXTEND = Call("extend", "/v1/holds/{hold_id}/extend", 200, ExtendIn, _extend, hold_answer)
CHARGE = Call("charge", "/v1/charges", 201, ChargeIn, _charge, hold_answer)
OPEN_LEASE = Call("open_lease", "/v1/leases", 201, LeaseIn, _open_lease, _lease_answer)
READ_LEASE = Call("read_lease", "/v1/leases/{lease_id}", 200, None, _look_at_lease, _lease_answer)
RENEW_LEASE = Call("renew_lease", "/v1/leases/{lease_id}/renew", 200, RenewIn, _renew, _lease_answer)
RETURN_LEASE = Call("return_lease", "/v1/leases/{lease_id}/return", 200, ReturnIn, _return, _lease_answer)

CALLS = (
    HOLD,
    CAPTURE,
    RELEASE,
    EXTEND,
    CHARGE,
    OPEN_LEASE,
    RENEW_LEASE,
    RETURN_LEASE,
    READ_HOLD,
    READ_LEASE,
)
BY_NAME: Mapping[str, Call] = {call.name: call for call in CALLS}
BY_ADDRESS: Mapping[tuple[str, str], Call] = {
    ("GET" if call in (READ_HOLD, READ_LEASE) else "POST", re.sub(r"{\w+}", "{}", call.route)): call
    for call in CALLS
}
ADAPTERS: Mapping[str, TypeAdapter[Any]] = {
    call.name: TypeAdapter(call.model) for call in CALLS if call.model is not None
}


def find(method: str, path: str) -> tuple[Call, str] | None:
    """Return the call at an address, and the id in it; None where there is another route, or none."""
    parts = path.split("/")
    id_in_path = parts[3] if len(parts) > 3 else ""  # noqa: PLR2004 - ["", "v1", "holds", id, ...]
    if len(parts) > 3:  # noqa: PLR2004
        parts[3] = "{}"
    call = BY_ADDRESS.get((method, "/".join(parts)))
    return None if call is None or (not id_in_path and call.takes_id) else (call, id_in_path)
