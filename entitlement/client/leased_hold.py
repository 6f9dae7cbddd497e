"""A request's credit out of a lease: taken, captured and released in memory, without asking anybody.

    with pool.hold(key, 1_000_000) as hold:      # may wait, and raises CreditError
        answer = ask_the_model(max_cost=hold.amount)
        hold.capture(answer.cost)                # never waits, never fails: the pool reports it

A hold ends once. One that is left or forgotten without a capture is released.
"""

from types import TracebackType
from typing import Protocol, Self

from entitlement.client.requests import Usage
from entitlement.core.units import NANO_USD_MAX, NanoUsd


class HoldSource(Protocol):
    """What a hold was taken from."""

    def end(self, hold: "LeasedHold", cost: NanoUsd | None, usage: Usage | None) -> None:
        """Take the cost, or nothing for None, and give the rest back."""
        ...

    def forget(self, hold: "LeasedHold") -> None:
        """Give back what nobody holds any more; called wherever the garbage collector runs."""
        ...


class LeasedHold:
    """Credit for one request."""

    __slots__ = ("__weakref__", "_source", "amount", "cost", "ended", "request_id")

    def __init__(self, source: HoldSource, amount: NanoUsd, request_id: str | None) -> None:
        self._source = source
        self.amount = amount
        """The most that the request may cost, nano-USD."""
        self.request_id = request_id
        """The gateway's name for the request; None lets the lease number it."""
        self.ended = False
        self.cost: NanoUsd | None = None
        """What was captured."""

    def capture(self, cost: NanoUsd, usage: Usage | None = None) -> None:
        """Take the actual cost, nano-USD, and give the rest back; may be repeated with the same cost.

        What a cost has above the hold is charged to the account all the same, if it still can pay.
        Raises `ValueError` for a hold that ended in another way, and for what is no amount.
        """
        if not 0 <= cost <= NANO_USD_MAX:
            raise ValueError(f"cost is {cost}: it must be from 0 to {NANO_USD_MAX} nano-USD")
        self._source.end(self, cost, usage)
        if self.cost != cost:
            raise ValueError(f"the hold ended before, with {self.cost} captured")

    def release(self) -> None:
        """Give everything back; may be repeated, and changes nothing after a capture."""
        self._source.end(self, None, None)

    def __enter__(self) -> Self:
        """Return the hold itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release what was not captured."""
        self.release()

    def __del__(self) -> None:
        if not self.ended:
            self._source.forget(self)
