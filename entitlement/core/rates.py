"""Rates: how many requests an account and each of its keys may make in a time.

By the generic cell rate algorithm. All that is kept is one moment, `until`: when the requests so far would
have come to their end at an even pace.

    now        until           another is allowed while used is less than the time of all
     |-----------|-----------> time
     |<- used -->|             each request moves `until` ahead by one request's worth of time

All of them may come at once, and after that they come back at the even pace: so in the long run no more than
the pace, and in any one stretch of `seconds` at most twice as many.
"""

from dataclasses import dataclass

from entitlement.core.errors import RateLimited

MICROS = 1_000_000


@dataclass(frozen=True, slots=True)
class Rate:
    """`requests` at once, and as many again in every `seconds` after that, one by one."""

    requests: int
    seconds: int

    @property
    def micros_each(self) -> int:
        """One request's worth of time; floored, so that all of them do fit in `seconds`."""
        return self.seconds * MICROS // self.requests


def count_request(rate: Rate, until: int, now: int, *, of: str, what: str = "requests") -> int:
    """Return the new `until` after a request at `now`, both in microseconds of the service's clock.

    Raises RateLimited, with the seconds after which the same request would be allowed; `of` says whose rate
    it is, `what` of what.
    """
    each = rate.micros_each
    moved = max(until, now) + each
    over = moved - now - rate.seconds * MICROS
    if over > 0:
        retry_after = -(-over // MICROS)
        raise RateLimited(
            of=of, what=what, requests=rate.requests, seconds=rate.seconds, retry_after=retry_after
        )
    return moved


def remaining(rate: Rate, until: int, now: int) -> int:
    """Return how many requests would be allowed at once at `now`."""
    used = max(0, until - now)
    return max(0, (rate.seconds * MICROS - used) // rate.micros_each)
