"""A hold as a `with` block: whatever happens inside, it does not outlive the block.

captured inside        nothing more to do
capture was not tried  released, also on an exception or a cancellation
capture had no answer  left alone: the cost is owed, and releasing would race with it
"""

import logging
from types import TracebackType
from typing import Protocol

from entitlement.client.answers import Balance, HoldAnswer
from entitlement.client.errors import CreditError
from entitlement.client.requests import HoldRequest, Usage
from entitlement.core.units import NanoUsd

_log = logging.getLogger(__name__)


class AsyncHoldCalls(Protocol):
    """The calls that a block needs."""

    async def place_hold(self, wanted: HoldRequest) -> HoldAnswer:
        """Set credit aside."""
        ...

    async def capture(self, hold_id: str, amount: NanoUsd, usage: Usage | None = None) -> HoldAnswer:
        """Take the actual cost."""
        ...

    async def extend(
        self, hold_id: str, amount: NanoUsd, *, minimum: NanoUsd | None = None, ttl: int | None = None
    ) -> HoldAnswer:
        """Make a hold larger or longer."""
        ...

    async def release(self, hold_id: str) -> HoldAnswer:
        """Give everything back."""
        ...


class AsyncOpenHold:
    """A hold inside its block."""

    def __init__(self, calls: AsyncHoldCalls, answer: HoldAnswer) -> None:
        self._calls = calls
        self._capture_tried = False
        self.answer = answer
        """The latest answer about this hold."""

    @property
    def id(self) -> str:
        """The service's name for the hold."""
        return self.answer.hold.id

    @property
    def amount(self) -> NanoUsd:
        """The most that the request may cost."""
        return self.answer.hold.amount

    @property
    def balance(self) -> Balance:
        """The account's credit after the latest call."""
        return self.answer.balance

    async def extend(
        self, amount: NanoUsd, *, minimum: NanoUsd | None = None, ttl: int | None = None
    ) -> HoldAnswer:
        """Make it up to `amount` nano-USD in all, at least `minimum`, or `ttl` seconds long from now."""
        self.answer = await self._calls.extend(self.id, amount, minimum=minimum, ttl=ttl)
        return self.answer

    async def capture(self, amount: NanoUsd, usage: Usage | None = None) -> HoldAnswer:
        """Take the actual cost, nano-USD, and give the rest back; may be repeated with the same amount.

        Raises `CreditUnavailable` after the retries: the cost is still owed then, so try again later.
        """
        self._capture_tried = True
        self.answer = await self._calls.capture(self.id, amount, usage)
        return self.answer

    async def leave(self) -> None:
        """End the block: release the hold unless a capture was tried. Never raises `CreditError`."""
        if self._capture_tried:
            return
        try:
            await self._calls.release(self.id)
        except CreditError as error:
            # The credit is not lost: the service releases the hold by itself when it expires.
            _log.warning("hold %s could not be released: %s", self.id, error)


class AsyncHoldBlock:
    """What `AsyncCreditClient.hold` returns: `async with` it."""

    def __init__(self, calls: AsyncHoldCalls, wanted: HoldRequest) -> None:
        self._calls = calls
        self._wanted = wanted
        self._open: AsyncOpenHold | None = None

    async def __aenter__(self) -> AsyncOpenHold:
        """Set the credit aside; raises `CreditError`, and then there is nothing to give back."""
        assert self._open is None, "a block is entered once; ask the client for another"
        self._open = AsyncOpenHold(self._calls, await self._calls.place_hold(self._wanted))
        return self._open

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release what was not captured; the client finishes a release whose caller was cancelled."""
        assert self._open is not None
        await self._open.leave()
