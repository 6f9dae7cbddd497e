"""The ends of holds: each is sent until the service acknowledges it, in the background if need be.

    admit -> [hold placed] -> capture | release -> acknowledged, or given up -> room for another

A request counts from `admit` until its end is acknowledged, and there may be `unsettled_max` of them. So a
service that takes no captures stops new requests instead of letting debts pile up in memory. Given up is what
the service refuses for good, or what is older than a hold and its grace hour: nothing can be captured then.
What is unsettled when the process is killed is lost to the operator, never to the account: its hold expires.
"""

import asyncio
import random
import time

import structlog

from entitlement.client import (
    AsyncCreditClient,
    CreditError,
    CreditRefused,
    GatewayNotAuthenticated,
    Hold,
    RateLimited,
    Usage,
)
from entitlement.client.retries import RetryPolicy
from entitlement.core.units import NanoUsd
from entitlement.gateway.failures import GatewayError, key_in_progress

PATIENCE_SECONDS = 2 * 3600
"""The longest life of a hold and the hour of grace after it."""

BETWEEN_ROUNDS = RetryPolicy(first_delay_seconds=0.5, delay_max_seconds=30.0)
"""The waits between rounds; each round has the client's own tries in it."""

HURRIED_SECONDS = 0.2
"""The wait between rounds at shutdown."""

_log = structlog.get_logger("entitlement.gateway")


class Settlements:
    """Every hold of this process that has not yet ended."""

    def __init__(self, credit: AsyncCreditClient, *, unsettled_max: int) -> None:
        self._credit = credit
        self._unsettled_max = unsettled_max
        self._unsettled: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._none_left = asyncio.Event()
        self._none_left.set()
        self._hurry = asyncio.Event()

    @property
    def unsettled(self) -> int:
        """How many requests are in work or wait for their end to be acknowledged."""
        return len(self._unsettled)

    def admit(self, request_id: str) -> None:
        """Make room for a request; raises `GatewayError` 503 when there is none, 409 where it is in work."""
        if request_id in self._unsettled:
            raise key_in_progress()
        if len(self._unsettled) >= self._unsettled_max or self._hurry.is_set():
            message = "The gateway has as many requests as it takes. Nothing was charged; try again."
            raise GatewayError(503, "GATEWAY_BUSY", message, retry_after=1)
        self._unsettled.add(request_id)
        self._none_left.clear()

    def dismiss(self, request_id: str) -> None:
        """End a request that has no hold."""
        self._unsettled.discard(request_id)
        if not self._unsettled:
            self._none_left.set()

    def capture(self, hold: Hold, amount: NanoUsd, usage: Usage) -> asyncio.Task[None]:
        """Take the cost, nano-USD. Returns at once; the task ends when it is settled or given up."""
        return self._start(hold, amount, usage)

    def release(self, hold: Hold) -> asyncio.Task[None]:
        """Give a hold back; returns at once."""
        return self._start(hold, None, None)

    async def close(self, seconds: float) -> None:
        """Wait for every request to end and to be settled, then give up what is left."""
        self._hurry.set()
        try:
            async with asyncio.timeout(seconds):
                await self._none_left.wait()
        except TimeoutError:
            _log.error("unsettled_at_shutdown", requests=len(self._unsettled))
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, hold: Hold, amount: NanoUsd | None, usage: Usage | None) -> asyncio.Task[None]:
        task = asyncio.create_task(self._settle(hold, amount, usage))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _settle(self, hold: Hold, amount: NanoUsd | None, usage: Usage | None) -> None:
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        attempt = 0
        try:
            while not await self._tried(hold, amount, usage, last=time.monotonic() >= give_up_at):
                # Beyond some tens of rounds the wait no longer grows; the exponent need not either.
                attempt = min(attempt + 1, 32)
                await self._pause(attempt)
        finally:
            self.dismiss(hold.request_id)

    async def _tried(self, hold: Hold, amount: NanoUsd | None, usage: Usage | None, *, last: bool) -> bool:
        """Send once, with the client's own retries; True when there is nothing more to try."""
        try:
            if amount is None:
                await self._credit.release(hold.id)
            else:
                await self._credit.capture(hold.id, amount, usage)
        except CreditError as error:
            # Our token is refused, or was so often that our address is: neither speaks about the hold.
            passes = isinstance(error, GatewayNotAuthenticated | RateLimited)
            final = last or (isinstance(error, CreditRefused) and not passes)
            reason = error.code if isinstance(error, CreditRefused) else type(error).__name__
            _log.error(
                "settlement_given_up" if final else "settlement_failed",
                hold=hold.id,
                request_id=hold.request_id,
                cost_nano_usd=amount,
                reason=reason,
            )
            return final
        return True

    async def _pause(self, attempt: int) -> None:
        if self._hurry.is_set():
            await asyncio.sleep(HURRIED_SECONDS)
            return
        fraction = random.random()  # noqa: S311 - spreads load, guards nothing
        wait = BETWEEN_ROUNDS.delay(attempt, fraction=fraction, retry_after=None)
        try:
            async with asyncio.timeout(wait):
                await self._hurry.wait()
        except TimeoutError:
            return
