"""A hold as a `with` block: whatever happens inside, it does not outlive the block.

captured inside        nothing more to do
capture was not tried  released, also on an exception
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


class HoldCalls(Protocol):
    """The calls that a block needs."""

    def place_hold(self, wanted: HoldRequest) -> HoldAnswer:
        """Set credit aside."""
        ...

    def capture(self, hold_id: str, amount: NanoUsd, usage: Usage | None = None) -> HoldAnswer:
        """Take the actual cost."""
        ...

    def extend(
        self, hold_id: str, amount: NanoUsd, *, minimum: NanoUsd | None = None, ttl: int | None = None
    ) -> HoldAnswer:
        """Make a hold larger or longer."""
        ...

    def release(self, hold_id: str) -> HoldAnswer:
        """Give everything back."""
        ...


class OpenHold:
    """A hold inside its block."""

    def __init__(self, calls: HoldCalls, answer: HoldAnswer) -> None:
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

    def extend(
        self, amount: NanoUsd, *, minimum: NanoUsd | None = None, ttl: int | None = None
    ) -> HoldAnswer:
        """Make it up to `amount` nano-USD in all, at least `minimum`, or `ttl` seconds long from now."""
        self.answer = self._calls.extend(self.id, amount, minimum=minimum, ttl=ttl)
        return self.answer

    def capture(self, amount: NanoUsd, usage: Usage | None = None) -> HoldAnswer:
        """Take the actual cost, nano-USD, and give the rest back; may be repeated with the same amount.

        Raises `CreditUnavailable` after the retries: the cost is still owed then, so try again later.
        """
        self._capture_tried = True
        self.answer = self._calls.capture(self.id, amount, usage)
        return self.answer

    def leave(self) -> None:
        """End the block: release the hold unless a capture was tried. Never raises `CreditError`."""
        if self._capture_tried:
            return
        try:
            self._calls.release(self.id)
        except CreditError as error:
            # The credit is not lost: the service releases the hold by itself when it expires.
            _log.warning("hold %s could not be released: %s", self.id, error)


class HoldBlock:
    """What `CreditClient.hold` returns: `with` it."""

    def __init__(self, calls: HoldCalls, wanted: HoldRequest) -> None:
        self._calls = calls
        self._wanted = wanted
        self._open: OpenHold | None = None

    def __enter__(self) -> OpenHold:
        """Set the credit aside; raises `CreditError`, and then there is nothing to give back."""
        assert self._open is None, "a block is entered once; ask the client for another"
        self._open = OpenHold(self._calls, self._calls.place_hold(self._wanted))
        return self._open

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release what was not captured."""
        assert self._open is not None
        self._open.leave()
