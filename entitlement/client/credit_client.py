"""The asynchronous client: retries what may pass, always with the same content, and never invents an answer.

A call that changes credit is finished even when its caller is cancelled: a hold whose answer nobody waits for
any more is released, a capture or release goes on in the background until it is through or out of time.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Self, TypeVar
from uuid import uuid4

import httpx

from entitlement.client.answers import (
    Hold,
    HoldAnswer,
    KeyAnswer,
    read_hold,
    read_hold_answer,
    read_key_answer,
)
from entitlement.client.errors import CreditError, CreditUnavailable
from entitlement.client.open_hold import HoldBlock
from entitlement.client.retries import RETRIED_STATUSES, RetryPolicy, read_retry_after
from entitlement.client.wire import (
    TTL_SECONDS_DEFAULT,
    Call,
    HoldRequest,
    Usage,
    capture_call,
    hold_call,
    introspect_call,
    look_up_call,
    read_answer,
    release_call,
)
from entitlement.core.units import NanoUsd

CONNECTIONS_MAX = 200

_Answer = TypeVar("_Answer")


class CreditClient:
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
    ) -> HoldBlock:
        """Return a block that holds up to `amount` nano-USD: `async with client.hold(...) as hold`.

        `minimum` is the least that is of use (default: all of `amount`), `ttl` the seconds after which the
        service gives the credit back by itself. Without a `request_id` a new one is made.
        """
        name = request_id or uuid4().hex
        return HoldBlock(self, HoldRequest(key, amount, name, minimum=minimum, ttl=ttl, model=model))

    async def place_hold(self, wanted: HoldRequest) -> HoldAnswer:
        """Set credit aside; the caller ends the hold. Cancelled on the way, the hold is released."""
        task = self._start(self._call(hold_call(wanted), read_hold_answer))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            self._start(self._release_when_placed(task))
            raise

    async def capture(self, hold_id: str, amount: NanoUsd, usage: Usage | None = None) -> HoldAnswer:
        """Take the actual cost, nano-USD, and give the rest back; may be repeated with the same amount."""
        return await self._finished(self._call(capture_call(hold_id, amount, usage), read_hold_answer))

    async def release(self, hold_id: str) -> HoldAnswer:
        """Give the whole hold back; may be repeated."""
        return await self._finished(self._call(release_call(hold_id), read_hold_answer))

    async def look_up(self, hold_id: str) -> Hold:
        """Return a hold as it stands."""
        return await self._call(look_up_call(hold_id), read_hold)

    async def introspect(self, key: str) -> KeyAnswer:
        """Return what stands behind a key, without holding anything."""
        return await self._call(introspect_call(key), read_key_answer)

    async def _call(self, call: Call, read: Callable[[object], _Answer]) -> _Answer:
        """Send until there is an answer; raises `CreditUnavailable` when tries or time run out."""
        give_up_at = time.monotonic() + self._policy.deadline_seconds
        attempt = 0
        while True:
            try:
                return read(await self._try_once(call, give_up_at - time.monotonic()))
            except _MayPass as failure:
                unavailable = failure.unavailable
            wait = self._policy.delay(
                attempt,
                fraction=random.random(),  # noqa: S311 - spreads load, guards nothing
                retry_after=unavailable.retry_after,
            )
            attempt += 1
            if attempt >= self._policy.attempts_max or time.monotonic() + wait >= give_up_at:
                raise unavailable
            await asyncio.sleep(wait)

    async def _try_once(self, call: Call, seconds_left: float) -> dict[str, object]:
        """Send once; raises `_MayPass` where another try may help."""
        try:
            async with asyncio.timeout(min(self._policy.attempt_seconds, seconds_left)):
                response = await self._http.request(
                    call.method, call.path, content=call.body, headers=dict(call.headers)
                )
        except (httpx.HTTPError, TimeoutError) as error:
            # The type only: messages of transports may name hosts, and say no more.
            raise _MayPass(CreditUnavailable(type(error).__name__)) from None
        if response.status_code in RETRIED_STATUSES:
            retry_after = read_retry_after(response.headers.get("retry-after"))
            raise _MayPass(CreditUnavailable(f"it answered {response.status_code}", retry_after=retry_after))
        return read_answer(response.status_code, response.headers, response.content)

    async def _finished(self, call: Coroutine[None, None, _Answer]) -> _Answer:
        """Wait for a call; if the waiting is cancelled, the call goes on without it."""
        return await asyncio.shield(self._start(call))

    async def _release_when_placed(self, placing: asyncio.Task[HoldAnswer]) -> None:
        with contextlib.suppress(CreditError):
            answer = await placing
            await self._call(release_call(answer.hold.id), read_hold_answer)

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


class _MayPass(Exception):
    """A failure that another try may not meet."""

    def __init__(self, unavailable: CreditUnavailable) -> None:
        super().__init__(unavailable.reason)
        self.unavailable = unavailable
