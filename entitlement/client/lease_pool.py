"""Leases for code that waits in threads: decisions from memory, one thread that talks to the service.

with CreditClient(url, token) as client, LeasePool(client, LeaseTerms(amount=100_000_000)) as pool:
    with pool.hold(key, 1_000_000) as hold:
        answer = ask_the_model(max_cost=hold.amount)
        hold.capture(answer.cost)
"""

import logging
import threading
import time
from types import TracebackType
from typing import Self

from entitlement.client.credit_client import CreditClient
from entitlement.client.errors import CreditError, CreditUnavailable
from entitlement.client.lease_book import LeaseBook
from entitlement.client.lease_terms import LeaseTerms
from entitlement.client.leased_hold import LeasedHold
from entitlement.client.leased_key import Errand
from entitlement.core.units import NanoUsd

CLOSE_SECONDS_DEFAULT = 10.0

_log = logging.getLogger(__name__)


class LeasePool:
    """A process's leases, safe to share between threads. Close it, or use it in `with`."""

    def __init__(self, client: CreditClient, terms: LeaseTerms) -> None:
        self._client = client
        self._terms = terms
        self._woken = threading.Event()
        self._book = LeaseBook(terms, time.monotonic, self._woken.set)
        self._ending = False
        self._force_at = float("inf")
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self.try_hold = self._book.try_hold
        """`try_hold(key, amount, minimum, request_id)`: a hold from memory or None; never waits."""

    def __enter__(self) -> Self:
        """Return the pool itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def hold(
        self,
        key: str,
        amount: NanoUsd,
        *,
        minimum: NanoUsd | None = None,
        request_id: str | None = None,
    ) -> LeasedHold:
        """Return a hold of up to `amount` nano-USD, at least `minimum` (default: all); use it in `with`.

        From memory where it fits. Else it waits for the service, at most for the terms' patience, and raises
        `CreditRefused` or `CreditUnavailable`.
        """
        at_once = self.try_hold(key, amount, minimum, request_id)
        if at_once is not None:
            return at_once
        told = threading.Event()
        self._start()
        leased, waiting = self._book.wait(key, amount, minimum, request_id, told.set)
        try:
            told.wait(self._terms.patience_seconds)
        except BaseException:
            leased.withdraw(waiting)
            raise
        if waiting.error is not None:
            raise waiting.error
        if waiting.hold is None:
            leased.withdraw(waiting)
            raise CreditUnavailable("no lease came in time")
        return waiting.hold

    def close(self, seconds: float = CLOSE_SECONDS_DEFAULT) -> None:
        """Give every lease back, waiting for open holds at most half of `seconds`, and end the thread."""
        self._book.close()
        self._force_at = time.monotonic() + seconds / 2
        give_up_at = time.monotonic() + seconds
        self._woken.set()
        with self._starting:
            thread = self._thread
        if thread is not None:
            while thread.is_alive() and not self._book.is_settled() and time.monotonic() < give_up_at:
                self._woken.set()
                thread.join(0.02)
        self._ending = True
        self._woken.set()
        if thread is not None:
            thread.join(max(give_up_at - time.monotonic(), 0.1))
        if unsettled := self._book.unsettled():
            _log.error("%s nano-USD were spent and could not be reported", unsettled)

    def unsettled(self) -> int:
        """Return the nano-USD that are spent and that the service has not acknowledged."""
        return self._book.unsettled()

    def _start(self) -> None:
        """Start the thread with the first request, so that a process may fork before."""
        if self._thread is not None:
            return
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="leases", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while not self._ending:
            self._woken.clear()
            errands = self._book.errands(force=time.monotonic() >= self._force_at)
            if errands:
                self._do(errands)
            else:
                self._woken.wait(self._book.seconds_until_due())

    def _do(self, errands: list[Errand]) -> None:
        # The time of a lease is counted from here: before the request is sent, tries that fail included.
        sent_at = time.monotonic()
        try:
            answers = self._client.batch([errand.call for errand in errands])
        except CreditError as error:
            answers = error
        except Exception as error:  # noqa: BLE001 - a thread that died would let every lease run out
            _log.error("leases could not be asked about: %s", type(error).__name__)
            answers = CreditUnavailable(type(error).__name__)
        self._book.give_answers(errands, answers, sent_at)
