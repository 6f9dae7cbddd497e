"""How often a node is asked, and how long is waited before it is asked again."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock


@dataclass(frozen=True, slots=True)
class Clock:
    """Time as the callers of a node see it; a test may give its own."""

    now: Callable[[], float] = time.monotonic
    """Seconds since any moment; never goes back."""
    sleep: Callable[[float], None] = time.sleep


def full_jitter(attempt: int, *, first: float, longest: float) -> float:
    """Return the seconds to wait before try `attempt + 1`: anything from none to a bound that doubles.

    Callers who failed together must not come back together: of all ways to spread them, a wait that may
    also be zero makes the fewest calls for the same time.
    """
    return random.uniform(0, min(longest, first * 2**attempt))  # noqa: S311  spreads callers, guards nothing


class TokenBucket:
    """A cap on requests a second, with as many saved up as fit into one. Thread-safe."""

    def __init__(self, per_second: int, now: float) -> None:
        assert per_second > 0
        self.per_second = per_second
        self._tokens, self._at = float(per_second), now
        self._lock = Lock()

    def take(self, count: int, now: float) -> float:
        """Take the tokens of `count` requests, and return for how many seconds they must wait.

        What is not there yet is owed, so that those who come later wait longer: first come, first served.
        """
        with self._lock:
            earned = max(0.0, now - self._at) * self.per_second
            self._tokens, self._at = min(float(self.per_second), self._tokens + earned) - count, now
            return max(0.0, -self._tokens) / self.per_second
