"""The asynchronous client: retries what may pass, always with the same content, and never invents an answer.

A call that changes credit is finished even when its caller is cancelled: a hold whose answer nobody waits for
any more is released, a capture or release goes on in the background until it is through or out of time.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import Coroutine, Sequence
from types import TracebackType
from typing import Self, TypeVar
from uuid import uuid4

import httpx

from entitlement.client.answers import Hold, HoldAnswer, KeyAnswer
from entitlement.client.asking import Asking, MayPass
from entitlement.client.async_hold import AsyncHoldBlock
from entitlement.client.errors import CreditError, CreditUnavailable
from entitlement.client.explanations import Explanation
from entitlement.client.lease_answers import LeaseAnswer
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


class AsyncCreditClient:
    """A gateway's connection to the credit service. One for the process; close it, or use it in `async with`.

    Every call raises `CreditRefused`, `CreditUnavailable` (after the retries) or `InvalidAnswer`.
    """

    def __init__(self, url: str, service_token: str, *, policy: RetryPolicy | None = None) -> None:
        self._policy = policy or RetryPolicy()
        self._http = httpx.AsyncClient(
            base_url=url,
            headers={"authorization": f"Bearer {service_token}"},
            timeout=None,  # noqa: S113 - each try has its own, from the policy
            limits=httpx.Limits(max_connections=CONNECTIONS_MAX, max_keepalive_connections=CONNECTIONS_MAX),
        )
        self._changing: set[asyncio.Task[object]] = set()
        """Calls that change credit and are not through, whether or not somebody waits for them."""

    async def __aenter__(self) -> Self:
        """Return the client itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        await self.aclose()

    async def aclose(self) -> None:
        """Finish what changes credit, for at most two deadlines (a hold and its release), and disconnect."""
        give_up_at = time.monotonic() + 2 * self._policy.deadline_seconds
        while self._changing and time.monotonic() < give_up_at:
            # One by one would miss the release that follows a hold nobody waits for.
            await asyncio.wait(self._changing, timeout=give_up_at - time.monotonic())
        for task in self._changing:
            task.cancel()
        await self._http.aclose()

    def hold(
        self,
        key: str,
        amount: NanoUsd,
        *,
        request_id: str | None = None,
        minimum: NanoUsd | None = None,
        ttl: int = TTL_SECONDS_DEFAULT,
        model: str | None = None,
    ) -> AsyncHoldBlock:
        """Return a block that holds up to `amount` nano-USD: `async with client.hold(...) as hold`.

        `minimum` is the least that is of use (default: all of `amount`), `ttl` the seconds after which the
        service gives the credit back by itself. Without a `request_id` a new one is made.
        """
        name = request_id or uuid4().hex
        return AsyncHoldBlock(self, HoldRequest(key, amount, name, minimum=minimum, ttl=ttl, model=model))

    async def place_hold(self, wanted: HoldRequest) -> HoldAnswer:
        """Set credit aside; the caller ends the hold. Cancelled on the way, a new hold is released."""
        task = self._start(self._call(hold_call(wanted)))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            self._start(self._release_when_placed(task))
            raise

    async def extend(
        self, hold_id: str, amount: NanoUsd, *, minimum: NanoUsd | None = None, ttl: int | None = None
    ) -> HoldAnswer:
        """Make a hold larger, up to a new total of `amount` nano-USD, or longer by `ttl` seconds from now.

        It may become less than `amount`, never less than `minimum` or than it was; may be repeated.
        """
        return await self._finished(self._call(extend_call(hold_id, amount, minimum, ttl)))

    async def capture(self, hold_id: str, amount: NanoUsd, usage: Usage | None = None) -> HoldAnswer:
        """Take the actual cost, nano-USD, and give the rest back; may be repeated with the same amount."""
        return await self._finished(self._call(capture_call(hold_id, amount, usage)))

    async def release(self, hold_id: str) -> HoldAnswer:
        """Give the whole hold back; may be repeated."""
        return await self._finished(self._call(release_call(hold_id)))

    async def charge(self, wanted: ChargeRequest) -> HoldAnswer:
        """Take a cost that is known already, all of it or nothing; may be repeated."""
        return await self._finished(self._call(charge_call(wanted)))

    async def batch(self, operations: Sequence[Changing]) -> tuple[BatchAnswer, ...]:
        """Do up to 1,000 of the calls in `client.wire` at once; each has its own answer or error."""
        return await self._finished(self._call(batch_call(operations)))

    async def open_lease(self, wanted: LeaseRequest) -> LeaseAnswer:
        """Take credit on lease; `AsyncLeasePool` keeps leases by itself."""
        return await self._finished(self._call(open_lease_call(wanted)))

    async def renew_lease(
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
        return await self._finished(
            self._call(
                renew_lease_call(
                    lease_id, spent=spent, amount=amount, minimum=minimum, ttl=ttl, requests=requests
                )
            )
        )

    async def return_lease(
        self, lease_id: str, *, spent: NanoUsd, requests: Sequence[LeasedRequest] = ()
    ) -> LeaseAnswer:
        """End a lease: `spent` nano-USD in all are taken, the rest is given back. May be repeated."""
        return await self._finished(self._call(return_lease_call(lease_id, spent=spent, requests=requests)))

    async def look_up(self, hold_id: str) -> Hold:
        """Return a hold as it stands."""
        return await self._call(look_up_call(hold_id))

    async def introspect(self, key: str) -> KeyAnswer:
        """Return what stands behind a key, without holding anything."""
        return await self._call(introspect_call(key))

    async def explain(self, request_id: str, *, key: str | None = None) -> tuple[Explanation, ...]:
        """Return what the service knows of a request of this gateway: why it was charged, or refused.

        One that a lease paid for within the last week is found with the `key` that it was leased for. Raises
        `UnknownRequest` where this gateway had no such request, or where that key is needed.
        """
        return await self._call(explain_call(request_id, key))

    async def _call(self, call: Call[_Answer]) -> _Answer:
        """Send until there is an answer; raises `CreditUnavailable` when tries or time run out."""
        asking = Asking(call, self._policy, now=time.monotonic())
        body = call.body()
        while True:
            try:
                response = await self._send(call, body, asking.seconds(time.monotonic()))
                return asking.take(response.status_code, response.headers, response.content)
            except MayPass as failure:
                fraction = random.random()  # noqa: S311 - spreads load, guards nothing
                wait = asking.pause(failure, now=time.monotonic(), fraction=fraction)
            await asyncio.sleep(wait)

    async def _send(self, call: Call[object], body: bytes | None, seconds: float) -> httpx.Response:
        headers = {**call.headers, **({} if body is None else {"content-type": "application/json"})}
        try:
            async with asyncio.timeout(seconds):
                return await self._http.request(call.method, call.path, content=body, headers=headers)
        except (httpx.HTTPError, TimeoutError) as error:
            # The type only: messages of transports may name hosts, and say no more.
            raise MayPass(CreditUnavailable(type(error).__name__)) from None

    async def _finished(self, call: Coroutine[None, None, _Answer]) -> _Answer:
        """Wait for a call; if the waiting is cancelled, the call goes on without it."""
        return await asyncio.shield(self._start(call))

    async def _release_when_placed(self, placing: asyncio.Task[HoldAnswer]) -> None:
        with contextlib.suppress(CreditError):
            answer = await placing
            # One that was there before belongs to whoever asked for it then.
            if not answer.is_repeated:
                await self._call(release_call(answer.hold.id))

    def _start(self, work: Coroutine[None, None, _Answer]) -> asyncio.Task[_Answer]:
        task = asyncio.create_task(work)
        self._changing.add(task)
        task.add_done_callback(self._end)
        return task

    def _end(self, task: asyncio.Task[_Answer]) -> None:
        self._changing.discard(task)
        if not task.cancelled():
            # Looked at, so that the event loop does not report what nobody waited for.
            task.exception()
