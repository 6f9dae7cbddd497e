"""The synchronous client: as the asynchronous one, for code that waits in threads. It is safe to share.

A thread cannot be cancelled, so nothing goes on in the background: a call ends with its answer or with
`CreditUnavailable`. After that a hold runs out by itself, and a capture is still owed: ask again.
"""

import random
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self, TypeVar
from uuid import uuid4

import httpx

from entitlement.client.answers import Hold, HoldAnswer, KeyAnswer
from entitlement.client.asking import Asking, MayPass
from entitlement.client.errors import CreditUnavailable
from entitlement.client.explanations import Explanation
from entitlement.client.lease_answers import LeaseAnswer
from entitlement.client.open_hold import HoldBlock
from entitlement.client.requests import (
    TTL_SECONDS_DEFAULT,
    ChargeRequest,
    HoldRequest,
    LeasedRequest,
    LeaseRequest,
    Usage,
)
from entitlement.client.retries import RetryPolicy
from entitlement.client.wire import (
    BatchAnswer,
    Call,
    Changing,
    batch_call,
    capture_call,
    charge_call,
    explain_call,
    extend_call,
    hold_call,
    introspect_call,
    look_up_call,
    open_lease_call,
    release_call,
    renew_lease_call,
    return_lease_call,
)
from entitlement.core.units import NanoUsd

CONNECTIONS_MAX = 200

_Answer = TypeVar("_Answer")


class CreditClient:
    """A gateway's connection to the credit service. One for the process; close it, or use it in `with`.

    Every call raises `CreditRefused`, `CreditUnavailable` (after the retries) or `InvalidAnswer`.
    """

    def __init__(self, url: str, service_token: str, *, policy: RetryPolicy | None = None) -> None:
        self._policy = policy or RetryPolicy()
        self._http = httpx.Client(
            base_url=url,
            headers={"authorization": f"Bearer {service_token}"},
            timeout=None,  # noqa: S113 - each try has its own, from the policy
            limits=httpx.Limits(max_connections=CONNECTIONS_MAX, max_keepalive_connections=CONNECTIONS_MAX),
        )

    def __enter__(self) -> Self:
        """Return the client itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Disconnect."""
        self._http.close()

    def hold(
        self,
        key: str,
        amount: NanoUsd,
        *,
        request_id: str | None = None,
        minimum: NanoUsd | None = None,
        ttl: int = TTL_SECONDS_DEFAULT,
        model: str | None = None,
    ) -> HoldBlock:
        """Return a block that holds up to `amount` nano-USD: `with client.hold(...) as hold`.

        `minimum` is the least that is of use (default: all of `amount`), `ttl` the seconds after which the
        service gives the credit back by itself. Without a `request_id` a new one is made.
        """
        name = request_id or uuid4().hex
        return HoldBlock(self, HoldRequest(key, amount, name, minimum=minimum, ttl=ttl, model=model))

    def place_hold(self, wanted: HoldRequest) -> HoldAnswer:
        """Set credit aside; the caller ends the hold."""
        return self._call(hold_call(wanted))

    def extend(
        self, hold_id: str, amount: NanoUsd, *, minimum: NanoUsd | None = None, ttl: int | None = None
    ) -> HoldAnswer:
        """Make a hold larger, up to a new total of `amount` nano-USD, or longer by `ttl` seconds from now.

        It may become less than `amount`, never less than `minimum` or than it was; may be repeated.
        """
        return self._call(extend_call(hold_id, amount, minimum, ttl))

    def capture(self, hold_id: str, amount: NanoUsd, usage: Usage | None = None) -> HoldAnswer:
        """Take the actual cost, nano-USD, and give the rest back; may be repeated with the same amount."""
        return self._call(capture_call(hold_id, amount, usage))

    def release(self, hold_id: str) -> HoldAnswer:
        """Give the whole hold back; may be repeated."""
        return self._call(release_call(hold_id))

    def charge(self, wanted: ChargeRequest) -> HoldAnswer:
        """Take a cost that is known already, all of it or nothing; may be repeated."""
        return self._call(charge_call(wanted))

    def batch(self, operations: Sequence[Changing]) -> tuple[BatchAnswer, ...]:
        """Do up to 1,000 of the calls in `client.wire` at once; each has its own answer or error."""
        return self._call(batch_call(operations))

    def open_lease(self, wanted: LeaseRequest) -> LeaseAnswer:
        """Take credit on lease; `LeasePool` keeps leases by itself."""
        return self._call(open_lease_call(wanted))

    def renew_lease(
        self,
        lease_id: str,
        *,
        spent: NanoUsd,
        amount: NanoUsd,
        ttl: int,
        minimum: NanoUsd | None = None,
        requests: Sequence[LeasedRequest] = (),
    ) -> LeaseAnswer:
        """Report what was spent since the lease began; `amount` nano-USD should remain. May be repeated."""
        return self._call(
            renew_lease_call(
                lease_id, spent=spent, amount=amount, minimum=minimum, ttl=ttl, requests=requests
            )
        )

    def return_lease(
        self, lease_id: str, *, spent: NanoUsd, requests: Sequence[LeasedRequest] = ()
    ) -> LeaseAnswer:
        """End a lease: `spent` nano-USD in all are taken, the rest is given back. May be repeated."""
        return self._call(return_lease_call(lease_id, spent=spent, requests=requests))

    def look_up(self, hold_id: str) -> Hold:
        """Return a hold as it stands."""
        return self._call(look_up_call(hold_id))

    def introspect(self, key: str) -> KeyAnswer:
        """Return what stands behind a key, without holding anything."""
        return self._call(introspect_call(key))

    def explain(self, request_id: str, *, key: str | None = None) -> tuple[Explanation, ...]:
        """Return what the service knows of a request of this gateway: why it was charged, or refused.

        One that a lease paid for within the last week is found with the `key` that it was leased for. Raises
        `UnknownRequest` where this gateway had no such request, or where that key is needed.
        """
        return self._call(explain_call(request_id, key))

    def _call(self, call: Call[_Answer]) -> _Answer:
        """Send until there is an answer; raises `CreditUnavailable` when tries or time run out."""
        asking = Asking(call, self._policy, now=time.monotonic())
        body = call.body()
        while True:
            try:
                response = self._send(call, body, asking.seconds(time.monotonic()))
                return asking.take(response.status_code, response.headers, response.content)
            except MayPass as failure:
                fraction = random.random()  # noqa: S311 - spreads load, guards nothing
                wait = asking.pause(failure, now=time.monotonic(), fraction=fraction)
            time.sleep(wait)

    def _send(self, call: Call[object], body: bytes | None, seconds: float) -> httpx.Response:
        """Send once. Each step (to connect, to send, to be answered) may take `seconds`."""
        headers = {**call.headers, **({} if body is None else {"content-type": "application/json"})}
        try:
            return self._http.request(
                call.method, call.path, content=body, headers=headers, timeout=max(seconds, 0.001)
            )
        except httpx.HTTPError as error:
            # The type only: messages of transports may name hosts, and say no more.
            raise MayPass(CreditUnavailable(type(error).__name__)) from None
