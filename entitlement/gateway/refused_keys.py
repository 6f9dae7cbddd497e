"""Whoever shows keys that are refused is turned away by his network address before the service is asked.

The rule is the service's own (core.address_rates), kept in memory by each process. A key that was good here
passes, whatever else comes from its address.
"""

import hashlib
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http import HTTPStatus

from starlette.types import Scope

from entitlement.core.address_rates import Guesses, Verdict, address_rates, counted_as
from entitlement.core.errors import RateLimited
from entitlement.gateway.failures import GatewayError, too_many_requests
from entitlement.gateway.funding import TriedBefore

NANOS_PER_MICRO = 1_000
KNOWN_ALL_THE_SAME = (HTTPStatus.PAYMENT_REQUIRED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS)
"""No credit, a model that it may not call, its own rate: the service knows the key."""


class RefusedKeys:
    """What each address has used of its rate."""

    def __init__(self, per_minute: int, clock: Callable[[], int] = time.monotonic_ns) -> None:
        """Take how many keys a minute an address may show that are not known to be good; 0 for any number."""
        rate = address_rates(0, per_minute).guesses
        self._guesses = None if rate is None else Guesses(rate)
        self._clock = clock

    @contextmanager
    def asking(self, scope: Scope, key: str) -> Generator[None]:
        """Count a key unless what is asked within finds it good. Raises `GatewayError` 429 at once."""
        if self._guesses is None:
            yield
            return
        client = scope.get("client")
        hashed = hashlib.sha256(key.encode()).digest()
        try:
            guess = self._guesses.begin(counted_as(client[0] if client else None), hashed, self._now())
        except RateLimited as refusal:
            raise too_many_requests(refusal.facts(), refusal.retry_after) from None
        # Also where the client leaves: otherwise he could leave each time before the answer.
        verdict = Verdict.OPEN
        try:
            yield
            verdict = Verdict.GOOD
        except Exception as error:
            verdict = _verdict(error)
            raise
        finally:
            self._guesses.end(guess, verdict, self._now())

    def _now(self) -> int:
        return self._clock() // NANOS_PER_MICRO


def _verdict(error: Exception) -> Verdict:
    if isinstance(error, TriedBefore):
        # The service had this key's request before.
        return Verdict.GOOD
    status = error.status if isinstance(error, GatewayError) else None
    if status == HTTPStatus.UNAUTHORIZED:
        return Verdict.REFUSED
    return Verdict.GOOD if status in KNOWN_ALL_THE_SAME else Verdict.OPEN
