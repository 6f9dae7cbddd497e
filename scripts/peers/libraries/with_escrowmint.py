"""Credit kept by escrowmint in Redis: its client is synchronous, so that each call at once is a thread."""

# pyright: reportMissingImports=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownParameterType=false, reportUnknownArgumentType=false, reportMissingTypeStubs=false
# escrowmint is not installed beside us.

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from time import perf_counter

from escrowmint import Client
from escrowmint.errors import InsufficientQuota, ReservationAlreadyCommitted


class EscrowMint:
    """Quotas in a Redis. Amounts are cents."""

    def __init__(self, url: str) -> None:
        self._client = Client.from_url(url)

    def give(self, account: str, amount: int) -> None:
        """Add to an account's quota."""
        self._client.top_up(account, amount)

    def reserve(self, account: str, amount: int, request: str, seconds: int) -> bool:
        """Set aside what a call may cost; False where it is refused."""
        try:
            self._client.reserve(account, amount, ttl_ms=seconds * 1_000, reservation_id=request)
        except InsufficientQuota:
            return False
        return True

    def deliver(self, account: str, amount: int, request: str) -> None:
        """Reserve and commit, as one delivery of a request: one that was committed is told by an error."""
        with suppress(ReservationAlreadyCommitted):
            self._client.reserve(account, amount, ttl_ms=600_000, reservation_id=request)
        self._client.commit(account, request)

    def sweep(self) -> None:
        """Do nothing: it looks for what has expired in every call."""

    def admitted(self, account: str, amount: int, at_once: int) -> int:
        """Return how many of the calls at once are let through."""
        with ThreadPoolExecutor(at_once) as threads:
            calls = [
                threads.submit(self.reserve, account, amount, f"{account}-{n}", 600) for n in range(at_once)
            ]
        return sum(each.result() for each in calls)

    def pairs(
        self, next_call: Callable[[], tuple[str, str]], at_once: int, seconds: float
    ) -> Iterator[tuple[float, float]]:
        """Reserve and commit for some seconds; return of each pair the seconds of both calls.

        A commit takes all that was reserved: there is none for less.
        """

        def worker(_: int) -> list[tuple[float, float]]:
            found: list[tuple[float, float]] = []
            end = perf_counter() + seconds
            while perf_counter() < end:
                account, request = next_call()
                begun = perf_counter()
                self._client.reserve(account, 10, ttl_ms=600_000, reservation_id=request)
                reserved = perf_counter()
                self._client.commit(account, request)
                found.append((reserved - begun, perf_counter() - reserved))
            return found

        with ThreadPoolExecutor(at_once) as threads:
            return iter([pair for found in threads.map(worker, range(at_once)) for pair in found])
