"""Every key's leases of one process: finding the right one, and what is to be asked of the service next.

A thread and a task each work it in their own way (lease_pool.py, async_lease_pool.py):

    callers   try_hold -> a hold at once, from memory
              wait     -> stands in line, and is told
    worker    errands  -> one batch to the service -> each errand is given its answer
"""

from collections.abc import Callable, Sequence
from threading import Lock

from entitlement.client.errors import CreditError, CreditUnavailable
from entitlement.client.lease_terms import LeaseTerms
from entitlement.client.leased_hold import LeasedHold
from entitlement.client.leased_key import NEVER, Errand, LeasedKey, Waiting
from entitlement.client.requests import check_amounts, check_request_id
from entitlement.client.wire import BatchAnswer
from entitlement.core.units import NanoUsd

WEIGHT_MAX = 800
"""Operations of one batch and the requests that they tell, together, before one more is added: the service
takes 1,000 operations and a MiB, and a request told in full is about half a KiB."""
REQUEST_ID_CHARACTERS_MAX = 120
"""The protocol's bound, less room for a suffix of our own."""


class LeaseBook:
    """The leases of every key in use."""

    def __init__(self, terms: LeaseTerms, clock: Callable[[], float], wake: Callable[[], None]) -> None:
        self._terms = terms
        self._clock = clock
        self._wake = wake
        self._keys: dict[str, LeasedKey] = {}
        self._lock = Lock()
        """Guards which keys there are; taken before a key's own."""
        self._closing = False

    def try_hold(
        self, key: str, amount: NanoUsd, minimum: NanoUsd | None, request_id: str | None
    ) -> LeasedHold | None:
        """Return a hold out of a lease in memory, or None; raises `ValueError` for what is no request."""
        least = amount if minimum is None else minimum
        if not 1 <= least <= amount:
            check_amounts(amount, minimum)
        if request_id is not None:
            _check_name(request_id)
        leased = self._keys.get(key)
        return None if leased is None else leased.take(amount, least, request_id)

    def wait(
        self,
        key: str,
        amount: NanoUsd,
        minimum: NanoUsd | None,
        request_id: str | None,
        tell: Callable[[], None],
    ) -> tuple[LeasedKey, Waiting]:
        """Stand in line at a key; `tell` is called when there is a hold or an error."""
        check_amounts(amount, minimum)
        if request_id is not None:
            _check_name(request_id)
        with self._lock:
            if self._closing:
                raise CreditUnavailable("the pool is closed")
            leased = self._keys.get(key)
            if leased is None:
                leased = self._keys[key] = LeasedKey(key, self._terms, self._clock, self._wake)
            least = amount if minimum is None else minimum
            return leased, leased.wait(amount, least, request_id, tell)

    def close(self) -> None:
        """Give out nothing more; leases are returned as their holds end."""
        with self._lock:
            self._closing = True

    def errands(self, *, force: bool = False) -> list[Errand]:
        """Return what to ask the service now, in one batch; `force` returns leases that have open holds."""
        now = self._clock()
        found: list[Errand] = []
        weight = 0
        for key, leased in list(self._keys.items()):
            if weight >= WEIGHT_MAX:
                break
            if now < leased.due_at and not self._closing:
                if leased.due_at == NEVER:
                    self._forget_unused(key, leased, now)
                continue
            found += leased.errands(now, closing=self._closing, force=force)
            weight = sum(each.weight for each in found)
        return found

    def seconds_until_due(self) -> float:
        """Return how long the worker may sleep; at most a second."""
        now = self._clock()
        due = min((leased.due_at for leased in list(self._keys.values())), default=NEVER)
        return min(max(due - now, 0.0), 1.0)

    def give_answers(
        self, errands: Sequence[Errand], answers: Sequence[BatchAnswer] | CreditError, sent_at: float
    ) -> None:
        """Hand each errand its answer, or all of them why there is none."""
        if isinstance(answers, CreditError):
            # A refusal of the whole says nothing about any one of them.
            answers = [CreditUnavailable(str(answers))] * len(errands)
        now = self._clock()
        for errand, answer in zip(errands, answers, strict=True):
            errand.done(answer, sent_at, now)

    def is_settled(self) -> bool:
        """Tell whether nothing is lost when the process ends now."""
        now = self._clock() + NEVER
        return all(leased.is_forgettable(now) for leased in list(self._keys.values()))

    def unsettled(self) -> int:
        """Return the nano-USD that are spent and that the service has not acknowledged."""
        return sum(leased.unsettled() for leased in list(self._keys.values()))

    def _forget_unused(self, key: str, leased: LeasedKey, now: float) -> None:
        # Both locks in this order, so that nobody stands in line at a key that is being forgotten.
        with self._lock:
            if leased.is_forgettable(now):
                del self._keys[key]


def _check_name(request_id: str) -> None:
    """Raise `ValueError` for what the service would refuse, with all that its lease has to tell."""
    check_request_id(request_id)
    if len(request_id) > REQUEST_ID_CHARACTERS_MAX:
        raise ValueError(f"a leased request's id has at most {REQUEST_ID_CHARACTERS_MAX} characters")
