"""A circuit breaker: a node that fails is left alone, then tried once, and trusted again when that succeeds.

    closed --2 failures in a row, or one that takes long--> open --time is over--> half-open
       ^------------------------- the trial succeeds -------------------------------- |
                                   open, for twice as long <-- the trial fails -------'

It only says which node to choose. A question is never left unasked because every breaker is open.
"""

import random
from enum import IntEnum

FAILURES_TO_OPEN = 2
"""One dropped connection is no outage, and another node may be some blocks behind or ahead."""

FIRST_REST_SECONDS = 5.0
LONGEST_REST_SECONDS = 300.0


class BreakerState(IntEnum):
    """The numbers that the metric shows."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


class Breaker:
    """The breaker of one node. Not thread-safe: whoever has several nodes has one lock for all."""

    def __init__(self) -> None:
        self.state = BreakerState.CLOSED
        self._failures = 0
        self._openings = 0
        self._until = 0.0
        self._closed_at = 0.0

    def is_due(self, now: float) -> bool:
        """Tell whether it is open and its rest is over, and take the one trial that is then allowed.

        A trial whose end was never told counts as failed after another rest.
        """
        if self.state is BreakerState.CLOSED or now < self._until:
            return False
        self.state = BreakerState.HALF_OPEN
        self._until = now + self._rest()
        return True

    def succeeded(self, now: float) -> None:
        """Count an answer."""
        self._failures = 0
        if self.state is not BreakerState.CLOSED:
            self.state, self._closed_at = BreakerState.CLOSED, now

    def failed(self, now: float, *, at_once: bool = False, at_least: float = 0.0) -> None:
        """Count a failure; open where there were enough, or `at_once`, for `at_least` so many seconds."""
        self._failures += 1
        if self.state is BreakerState.CLOSED:
            if self._failures < FAILURES_TO_OPEN and not at_once:
                return
            if now - self._closed_at > LONGEST_REST_SECONDS:
                # It was well for long: what it did before counts no more.
                self._openings = 0
        self.state = BreakerState.OPEN
        self._until = now + max(at_least, self._rest())
        self._openings += 1

    def _rest(self) -> float:
        bound = min(LONGEST_REST_SECONDS, FIRST_REST_SECONDS * 2.0**self._openings)
        return random.uniform(bound / 2, bound)  # noqa: S311  spreads the callers, guards nothing
