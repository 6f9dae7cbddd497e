"""When to try again: bounded in number and in time, further apart each time, never in step with others."""

from dataclasses import dataclass

DIGITS_MAX = 9
"""A wait of more digits is longer than anybody waits, and of thousands no number at all to Python."""

RETRIED_STATUSES = frozenset({502, 503, 504})
"""Answers that say nothing about the request itself; every call of the protocol may be repeated."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long one call may go on. All times in seconds."""

    attempts_max: int = 4
    attempt_seconds: float = 5.0
    """How long one try may wait for its answer."""
    deadline_seconds: float = 15.0
    """How long the whole call may take, the waits included."""
    first_delay_seconds: float = 0.1
    """The longest wait before the second try; it doubles with each further one."""
    delay_max_seconds: float = 2.0

    def delay(self, attempt: int, *, fraction: float, retry_after: int | None) -> float:
        """Return the wait after the try number `attempt`, counted from 0.

        `fraction` is random, in [0, 1): the wait lies anywhere below the doubled delay, so that gateways
        which lost the service together do not come back together. It is never shorter than what the service
        asked for.
        """
        doubled = min(self.first_delay_seconds * 2**attempt, self.delay_max_seconds)
        return max(doubled * fraction, retry_after or 0)


def read_retry_after(header: str | None) -> int | None:
    """Return the seconds of a Retry-After header; a date, which the protocol does not use, counts as none."""
    if header is None or not (header.isascii() and header.isdigit()) or len(header) > DIGITS_MAX:
        return None
    return int(header)
