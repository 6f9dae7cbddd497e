"""Leases for code that waits in an event loop: decisions from memory, one task that talks to the service.

async with AsyncCreditClient(url, token) as client:
    async with AsyncLeasePool(client, LeaseTerms(amount=100_000_000)) as pool:
        with await pool.hold(key, 1_000_000) as hold:
            answer = await ask_the_model(max_cost=hold.amount)
            hold.capture(answer.cost)
"""

import asyncio
import contextlib
import logging
import time
from types import TracebackType
from typing import Self

from entitlement.client.async_client import AsyncCreditClient
from entitlement.client.errors import CreditError, CreditUnavailable
from entitlement.client.lease_book import LeaseBook
from entitlement.client.lease_pool import CLOSE_SECONDS_DEFAULT
from entitlement.client.lease_terms import LeaseTerms
from entitlement.client.leased_hold import LeasedHold
from entitlement.client.leased_key import Errand
from entitlement.core.units import NanoUsd

_log = logging.getLogger(__name__)


class AsyncLeasePool:
    """A process's leases, for one event loop. Close it, or use it in `async with`."""

    def __init__(self, client: AsyncCreditClient, terms: LeaseTerms) -> None:
        self._client = client
        self._terms = terms
        self._woken = asyncio.Event()
        self._book = LeaseBook(terms, time.monotonic, self._woken.set)
        self._force_at = float("inf")
        self._task: asyncio.Task[None] | None = None
        self.try_hold = self._book.try_hold
        """`try_hold(key, amount, minimum, request_id)`: a hold from memory or None; never waits."""

    async def __aenter__(self) -> Self:
        """Return the pool itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        await self.aclose()

    async def hold(
        self,
        key: str,
        amount: NanoUsd,
        *,
        minimum: NanoUsd | None = None,
        request_id: str | None = None,
    ) -> LeasedHold:
        """Return a hold of up to `amount` nano-USD, at least `minimum` (default: all); use it in `with`.

        From memory where it fits. Else it waits for the service, at most for the terms' patience, and raises
        `CreditRefused` or `CreditUnavailable`. Cancelled on the way, what came is given back.
        """
        at_once = self.try_hold(key, amount, minimum, request_id)
        if at_once is not None:
            return at_once
        told = asyncio.Event()
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        leased, waiting = self._book.wait(key, amount, minimum, request_id, told.set)
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._terms.patience_seconds):
                    await told.wait()
        except BaseException:
            leased.withdraw(waiting)
            raise
        if waiting.error is not None:
            raise waiting.error
        if waiting.hold is None:
            leased.withdraw(waiting)
            raise CreditUnavailable("no lease came in time")
        return waiting.hold

    async def aclose(self, seconds: float = CLOSE_SECONDS_DEFAULT) -> None:
        """Give every lease back, waiting for open holds at most half of `seconds`, and end the task."""
        self._book.close()
        self._force_at = time.monotonic() + seconds / 2
        give_up_at = time.monotonic() + seconds
        task = self._task
        if task is not None:
            while not (task.done() or self._book.is_settled()) and time.monotonic() < give_up_at:
                self._woken.set()
                await asyncio.wait({task}, timeout=0.02)
            task.cancel()
            await asyncio.wait({task})
        if unsettled := self._book.unsettled():
            _log.error("%s nano-USD were spent and could not be reported", unsettled)

    def unsettled(self) -> int:
        """Return the nano-USD that are spent and that the service has not acknowledged."""
        return self._book.unsettled()

    async def _run(self) -> None:
        while True:
            self._woken.clear()
            errands = self._book.errands(force=time.monotonic() >= self._force_at)
            if errands:
                await self._do(errands)
            else:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._book.seconds_until_due()):
                        await self._woken.wait()

    async def _do(self, errands: list[Errand]) -> None:
        # The time of a lease is counted from here: before the request is sent, tries that fail included.
        sent_at = time.monotonic()
        try:
            answers = await self._client.batch([errand.call for errand in errands])
        except CreditError as error:
            answers = error
        except Exception as error:  # noqa: BLE001 - a task that died would let every lease run out
            _log.error("leases could not be asked about: %s", type(error).__name__)
            answers = CreditUnavailable(type(error).__name__)
        self._book.give_answers(errands, answers, sent_at)
