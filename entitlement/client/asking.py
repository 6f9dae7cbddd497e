"""One call until it has an answer: what another try may mend, and when to stop. No transport, no clock.

    begin -> send, for at most `seconds` -> `take` the answer ----------------> the answer, or a CreditError
                  ^                              | MayPass
                  `------ wait for `pause` <-----'  until the tries or the time run out: CreditUnavailable

Every try sends the same content, the request id with it, so that all of them together change credit once.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Generic, TypeVar

from entitlement.client.answers import HoldAnswer
from entitlement.client.errors import CreditRefused, CreditUnavailable
from entitlement.client.retries import RETRIED_STATUSES, RetryPolicy, read_retry_after
from entitlement.client.wire import Call, read_answer

_Answer = TypeVar("_Answer")


class MayPass(Exception):
    """A failure that another try may not meet."""

    def __init__(self, unavailable: CreditUnavailable) -> None:
        super().__init__(unavailable.reason)
        self.unavailable = unavailable


class Asking(Generic[_Answer]):
    """A call on its way. Times are seconds of a clock that only goes forward."""

    def __init__(self, call: Call[_Answer], policy: RetryPolicy, *, now: float) -> None:
        self._call = call
        self._policy = policy
        self._give_up_at = now + policy.deadline_seconds
        self._tries = 0

    def seconds(self, now: float) -> float:
        """Return how long the next try may take."""
        return min(self._policy.attempt_seconds, self._give_up_at - now)

    def take(self, status: int, headers: Mapping[str, str], content: bytes) -> _Answer:
        """Return what an answer says; raises `MayPass` where another try may help, or `CreditError`."""
        if status in RETRIED_STATUSES:
            retry_after = read_retry_after(headers.get("retry-after"))
            raise MayPass(CreditUnavailable(f"it answered {status}", retry_after=retry_after))
        # After a try whose answer was lost, an answer of before may be to that one.
        is_repeated = self._tries == 0 and headers.get("idempotency-replayed") == "true"
        try:
            answer = self._call.read(read_answer(status, headers, content))
        except CreditRefused as refused:
            refused.is_repeated = is_repeated
            raise
        return replace(answer, is_repeated=True) if is_repeated and isinstance(answer, HoldAnswer) else answer

    def pause(self, failure: MayPass, *, now: float, fraction: float) -> float:
        """Return the wait before the next try, `fraction` of the longest; raises `CreditUnavailable`."""
        unavailable = failure.unavailable
        wait = self._policy.delay(self._tries, fraction=fraction, retry_after=unavailable.retry_after)
        self._tries += 1
        if self._tries >= self._policy.attempts_max or now + wait >= self._give_up_at:
            raise unavailable
        return wait
