"""Credit kept by snipz in PostgreSQL: asyncio on uvloop, with a pool of connections."""

# pyright: reportMissingImports=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownParameterType=false, reportUnknownArgumentType=false, reportMissingTypeStubs=false
# snipz is not installed beside us.

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator
from decimal import Decimal
from time import perf_counter
from typing import TypeVar

import uvloop
from snipz import Budget, Scope
from snipz.core import BudgetExceededError

Found = TypeVar("Found")


class Snipz:
    """A budget in a database of its own. Amounts are cents."""

    def __init__(self, url: str) -> None:
        # It warns, where load is measured, that its pool is used.
        logging.getLogger("snipz").setLevel(logging.ERROR)
        self._runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
        # Its own choice is ten connections: twenty were no faster, and sixty-four slower on one account.
        self._budget = Budget(url)
        self._run(self._budget.migrate())

    def _run(self, work: Coroutine[None, None, Found]) -> Found:
        return self._runner.run(work)

    def give(self, account: str, amount: int) -> None:
        """Set an account's budget."""
        self._run(self._budget.set_limit(Scope("user", account), Decimal(amount)))

    def reserve(self, account: str, amount: int, request: str, seconds: int) -> bool:
        """Set aside what a call may cost; False where it is refused."""
        return self._run(self._reserve(account, amount, request, seconds))

    async def _reserve(self, account: str, amount: int, request: str, seconds: int) -> bool:
        try:
            scope = Scope("user", account)
            await self._budget.reserve(scope, Decimal(amount), request_id=request, ttl=seconds)
        except BudgetExceededError:
            return False
        return True

    def deliver(self, account: str, amount: int, request: str) -> None:
        """Reserve and commit, as one delivery of a request."""

        async def once() -> None:
            scope = Scope("user", account)
            reservation = await self._budget.reserve(scope, Decimal(amount), request_id=request)
            await reservation.commit(Decimal(amount))

        self._run(once())

    def sweep(self) -> None:
        """Do what is its users' to do regularly."""
        self._run(self._budget.sweep())

    def admitted(self, account: str, amount: int, at_once: int) -> int:
        """Return how many of the calls at once are let through."""

        async def all_of_them() -> int:
            calls = (self._reserve(account, amount, f"{account}-{n}", 600) for n in range(at_once))
            return sum(await asyncio.gather(*calls))

        return self._run(all_of_them())

    def pairs(
        self, next_call: Callable[[], tuple[str, str]], at_once: int, seconds: float
    ) -> Iterator[tuple[float, float]]:
        """Reserve and commit for some seconds; return of each pair the seconds of both calls."""
        found: list[tuple[float, float]] = []

        async def worker() -> None:
            end = perf_counter() + seconds
            while perf_counter() < end:
                account, request = next_call()
                begun = perf_counter()
                reservation = await self._budget.reserve(
                    Scope("user", account), Decimal(10), request_id=request, ttl=600
                )
                reserved = perf_counter()
                await reservation.commit(Decimal(5))
                found.append((reserved - begun, perf_counter() - reserved))

        async def all_of_them() -> None:
            await asyncio.gather(*(worker() for _ in range(at_once)))

        self._run(all_of_them())
        return iter(found)
