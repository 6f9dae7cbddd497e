"""Rates by network address, where requests come in: for whoever shows no credential, or not a good one.

The rule is core.address_rates; here is who counts as what. Counts are of this process, in memory alone, and
no address leaves it: not to the database, not to a log, not to a metric.

    the door of gateways            a token that it knows is not even looked up here
    every other route               a credential that was good is known by its hash; of any other the route's
                                    own check says what came of it
    health, the dashboard's files   not counted
"""

import time
from collections.abc import Callable

from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from entitlement.api import problems
from entitlement.api.dashboard import FILES, PAGES
from entitlement.api.verdicts import verdict
from entitlement.core.address_rates import (
    AddressRate,
    AddressRates,
    Guess,
    Guesses,
    Verdict,
    counted_as,
)
from entitlement.core.errors import RateLimited
from entitlement.core.keys import hash_secret
from entitlement.metrics import REFUSED_BY_ADDRESS

NANOS_PER_MICRO = 1_000
UNCOUNTED = frozenset(PAGES)
UNCOUNTED_PREFIXES = ("/health/", *FILES)
_ANONYMOUS, _REFUSALS = (REFUSED_BY_ADDRESS.labels(rate) for rate in ("anonymous", "refusals"))


class Addresses:
    """What each address has used of its rates. For the event loop's thread alone."""

    def __init__(self, rates: AddressRates, clock: Callable[[], int] = time.monotonic_ns) -> None:
        """Take the rates, and a clock in nanoseconds."""
        self._clock = clock
        self._anonymous = (
            None if rates.anonymous is None else AddressRate(rates.anonymous, "requests without a credential")
        )
        self._guesses = None if rates.guesses is None else Guesses(rates.guesses)

    def count_anonymous(self, scope: Scope) -> None:
        """Count a request without a credential. Raises RateLimited."""
        if self._anonymous is None:
            return
        try:
            self._anonymous.count(_address(scope), self._now())
        except RateLimited:
            _ANONYMOUS.inc()
            raise

    def begin(self, scope: Scope, credential: bytes) -> Guess | None:
        """Let a credential be looked at, by its hash; None where nothing is counted. Raises RateLimited."""
        if self._guesses is None:
            return None
        try:
            return self._guesses.begin(_address(scope), credential, self._now())
        except RateLimited:
            _REFUSALS.inc()
            raise

    def end(self, guess: Guess | None, verdict: Verdict) -> None:
        """Take note of what came of a credential."""
        if self._guesses is not None and guess is not None:
            self._guesses.end(guess, verdict, self._now())

    def forget(self, credential: bytes) -> None:
        """Count a credential again, when it is shown: it is no longer good."""
        if self._guesses is not None:
            self._guesses.forget(credential)

    def _now(self) -> int:
        return self._clock() // NANOS_PER_MICRO


class LimitAddresses:
    """Refuse, before a route is looked for, who has used up the rate of his address."""

    def __init__(self, app: ASGIApp, addresses: Addresses) -> None:
        self._app, self._addresses = app, addresses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count, pass on, and take note of what came of the credential."""
        if scope["type"] != "http" or _is_uncounted(scope["path"]):
            await self._app(scope, receive, send)
            return
        secret, guess = bearer_of(scope), None
        try:
            if secret is None:
                self._addresses.count_anonymous(scope)
            else:
                guess = self._addresses.begin(scope, hash_secret(secret))
        except RateLimited as error:
            await problems.answer_to(Request(scope), error)(scope, receive, send)
            return
        try:
            await self._app(scope, receive, send)
        finally:
            self._addresses.end(guess, verdict(scope))


def bearer_of(scope: Scope) -> str | None:
    """Return the bearer's secret that a request carries, as api.auth and the door read it."""
    return secret_in(next((value for name, value in scope["headers"] if name == b"authorization"), b""))


def secret_in(authorization: bytes) -> str | None:
    """Return the bearer's secret in an Authorization header."""
    scheme, _, secret = authorization.partition(b" ")
    if scheme.lower() != b"bearer":
        return None
    return secret.strip().decode("latin-1") or None


def _is_uncounted(path: str) -> bool:
    return path in UNCOUNTED or path.startswith(UNCOUNTED_PREFIXES)


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return counted_as(client[0] if client else None)
