"""An answer that is expensive to find, kept for everybody: found by one at a time, told with its age.

fresh                          told at once
older                          one thread finds a newer one; who asks waits for it a little, and is told the
old one if it does not come
none, and none can be found    the reason is raised
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import structlog

from entitlement.core.errors import EntitlementError, NotReadYet
from entitlement.telemetry import where

log = structlog.get_logger()

Value = TypeVar("Value")

WAITING_MAX = 8
"""Of those who wait for one answer; each holds a thread that other routes need too."""


@dataclass(frozen=True, slots=True)
class Held(Generic[Value]):
    """An answer, and how good it still is."""

    value: Value
    age: float
    """Seconds since it was found."""
    is_stale: bool
    """Whether a newer one was wanted, and could not be found yet."""
    problem: str | None
    """Why the last attempt failed; None where it did not."""


@dataclass(frozen=True, slots=True)
class KeepingTimes:
    """Seconds."""

    fresh: float
    """An answer is told without a thought for so long."""
    patience: float
    """Whoever asks is kept waiting no longer for a newer one."""
    retry: float = 5.0
    """After a failure nobody tries again for so long."""


class KeptAnswer(Generic[Value]):
    """One answer. Thread-safe."""

    def __init__(
        self,
        find: Callable[[], Value],
        what: str,
        times: KeepingTimes,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take how it is found, and what it is called; nothing is asked yet."""
        self._find, self._what, self._times, self._clock = find, what, times, clock
        self._changed = threading.Condition()
        self._found: tuple[Value, float] | None = None
        self._failure: BaseException | None = None
        self._not_before = clock()
        self._is_finding = False
        self._waiting = 0

    def get(self) -> Held[Value]:
        """Return the answer. Raises what kept the first one from being found, or `NotReadYet`."""
        with self._changed:
            if not self._is_fresh():
                self._begin()
                self._await()
            if self._found is not None:
                value, at = self._found
                problem = None if self._failure is None else _told(self._failure)
                return Held(value, self._clock() - at, not self._is_fresh(), problem)
            if self._failure is None:
                raise NotReadYet(what=f"{self._what} is read for the first time")
            # Without where it was raised before: it would keep the frames of everybody who was told.
            raise self._failure.with_traceback(None)

    def _is_fresh(self) -> bool:
        return self._found is not None and self._clock() - self._found[1] < self._times.fresh

    def _begin(self) -> None:
        if not self._is_finding and self._clock() >= self._not_before:
            self._is_finding = True
            threading.Thread(target=self._run, name="kept-answer", daemon=True).start()

    def _await(self) -> None:
        if self._waiting >= WAITING_MAX:
            return
        self._waiting += 1
        try:
            self._changed.wait_for(lambda: not self._is_finding, self._times.patience)
        finally:
            self._waiting -= 1

    def _run(self) -> None:
        found: tuple[Value, float] | None = None
        failure: BaseException | None = None
        began = self._clock()
        try:
            found = (self._find(), began)
        except EntitlementError as error:
            failure = error
            log.warning("kept_answer_failed", what=self._what, error=str(error))
        except Exception as error:  # noqa: BLE001 - whoever asks is told, and nobody else is there to hear it
            failure = error
            log.error("kept_answer_failed", what=self._what, error=type(error).__name__, where=where(error))
        with self._changed:
            self._is_finding, self._failure = False, failure
            if found is not None:
                self._found = found
            else:
                self._not_before = self._clock() + self._times.retry
            self._changed.notify_all()


def _told(failure: BaseException) -> str:
    """Return what may be said of a failure: our own errors are for people, others may hold anything."""
    return str(failure) if isinstance(failure, EntitlementError) else "an error on our side"
