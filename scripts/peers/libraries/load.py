"""Ask a library for credit, in its own process: `python load.py snipz|escrowmint URL TASK`, JSON on stdin.

The answer is a line of JSON. Run by the Python of .venv-libraries, which has nothing of the project.
"""

import importlib
import itertools
import json
import statistics
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any, Protocol

RICH = 9 * 10**11
"""Cents of an account that is not to be refused."""


class Library(Protocol):
    """What a library does, in words of one kind. Amounts are cents."""

    def give(self, account: str, amount: int) -> None:
        """Let an account spend so much."""
        ...

    def reserve(self, account: str, amount: int, request: str, seconds: int) -> bool:
        """Set aside what a call may cost; False where it is refused."""
        ...

    def deliver(self, account: str, amount: int, request: str) -> None:
        """Reserve and commit, as one delivery of a request."""
        ...

    def sweep(self) -> None:
        """Do what is its users' to do regularly."""
        ...

    def admitted(self, account: str, amount: int, at_once: int) -> int:
        """Return how many of the calls at once are let through."""
        ...

    def pairs(
        self, next_call: Callable[[], tuple[str, str]], at_once: int, seconds: float
    ) -> Iterator[tuple[float, float]]:
        """Reserve and commit for some seconds; return of each pair the seconds of both calls."""
        ...


def prepare(library: Library, *, accounts: int) -> None:
    """Open accounts that can pay."""
    for number in range(accounts):
        library.give(f"rich-{number}", RICH)


def pairs(library: Library, *, accounts: int, at_once: int, seconds: float) -> dict[str, float]:
    """Return pairs a second, and the middle and the slowest hundredth of their calls, in milliseconds."""
    run, numbers = uuid.uuid4(), itertools.count()

    def next_call() -> tuple[str, str]:
        number = next(numbers)
        return f"rich-{number % accounts}", f"{run}-{number}"

    begun = time.perf_counter()
    found = list(library.pairs(next_call, at_once, seconds))
    took = time.perf_counter() - begun
    calls = [1_000 * call for pair in found for call in pair]
    p99 = statistics.quantiles(calls, n=100)[98]
    return {"per_second": len(found) / took, "p50": statistics.median(calls), "p99": p99}


def admitted(library: Library, *, budget: int, call: int, at_once: int) -> int:
    """Return how many calls at once a budget lets through."""
    account = f"poor-{uuid.uuid4()}"
    library.give(account, budget)
    return library.admitted(account, call, at_once)


def charged(library: Library, *, budget: int, call: int, deliveries: int) -> int:
    """Return for how many calls' worth a request is charged that is delivered several times."""
    account, request = f"retried-{uuid.uuid4()}", str(uuid.uuid4())
    library.give(account, budget)
    for _ in range(deliveries):
        library.deliver(account, call, request)
    left = sum(library.reserve(account, call, str(uuid.uuid4()), 600) for _ in range(budget // call))
    return budget // call - left


def reused(library: Library, *, call: int) -> dict[str, bool]:
    """Return whether a request's id is taken for another amount, and whether for another account."""
    one, other, request = (str(uuid.uuid4()) for _ in range(3))
    library.give(one, 100 * call)
    # The other has nothing, so that whoever looks refuses it.
    library.give(other, 1)

    def taken(account: str, amount: int) -> bool:
        try:
            return library.reserve(account, amount, request, 600)
        except Exception as error:  # noqa: BLE001 - each library has its own
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
            return False

    assert taken(one, call)
    return {"amount": taken(one, 50 * call), "account": taken(other, call)}


def holder(library: Library, *, account: str, budget: int, call: int, seconds: int) -> None:
    """Reserve all of an account's budget, say so, and wait to be killed."""
    library.give(account, budget)
    assert all(library.reserve(account, call, str(uuid.uuid4()), seconds) for _ in range(budget // call))
    print("reserved", flush=True)
    time.sleep(600)


def free(library: Library, *, account: str, call: int, swept: bool) -> bool:
    """Return whether an account can pay for a call, which is then its."""
    if swept:
        library.sweep()
    return library.reserve(account, call, str(uuid.uuid4()), 600)


TASKS: dict[str, Callable[..., Any]] = {
    each.__name__: each for each in (prepare, pairs, admitted, charged, reused, holder, free)
}


def main() -> None:
    """Do one task."""
    name, url, task = sys.argv[1:]
    kind = {"snipz": "Snipz", "escrowmint": "EscrowMint"}[name]
    library: Library = getattr(importlib.import_module(f"with_{name}"), kind)(url)
    print(json.dumps(TASKS[task](library, **json.load(sys.stdin))))


if __name__ == "__main__":
    main()
