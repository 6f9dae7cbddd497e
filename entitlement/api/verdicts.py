"""What came of a request's credential, noted by who checks it for who counts (api.addresses)."""

from collections.abc import Generator
from contextlib import contextmanager

from starlette.types import Scope

from entitlement.core.address_rates import Verdict
from entitlement.core.errors import EntitlementError

_STATE = "verdict"


@contextmanager
def judging(scope: Scope) -> Generator[None]:
    """Note whether a request's credential, which is checked within, was good."""
    state = scope.setdefault("state", {})
    try:
        yield
    except EntitlementError:
        state[_STATE] = Verdict.REFUSED
        raise
    state[_STATE] = Verdict.GOOD


def verdict(scope: Scope) -> Verdict:
    """Return what came of it."""
    return scope.get("state", {}).get(_STATE, Verdict.OPEN)
