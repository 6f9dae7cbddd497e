"""The offline allowance: what a key may spend while the service cannot be reached. None, unless it is given.

Nobody knows then what the account has, so all of it is the operator's risk, and the operator sets how much:
nano-USD a key, in each gateway process. What is spent is charged when the service answers again; until it is,
it counts against the allowance.
"""

from threading import Lock
from typing import Protocol
from uuid import uuid4

from entitlement.client.leased_hold import LeasedHold
from entitlement.client.requests import Usage
from entitlement.core.units import NanoUsd


class Debtor(Protocol):
    """The key that an allowance belongs to."""

    @property
    def lock(self) -> Lock:
        """Guards the allowance and the key together."""
        ...

    @property
    def owed(self) -> int:
        """What is not charged yet, nano-USD."""
        ...

    def owe(self, amount: NanoUsd, request_id: str, usage: Usage | None) -> None:
        """Charge it when the service answers; the lock is held."""
        ...


class OfflineAllowance:
    """One key's allowance; the key's lock guards it."""

    def __init__(self, debtor: Debtor, limit: NanoUsd) -> None:
        self._debtor = debtor
        self._limit = limit
        self._reserved: dict[str, NanoUsd] = {}
        """What open holds have set aside, by the names of their requests."""

    @property
    def is_unused(self) -> bool:
        """Whether no hold is open."""
        return not self._reserved

    def take(self, amount: int, least: int, request_id: str | None) -> LeasedHold | None:
        """Set credit aside that nobody has confirmed, or return None; the lock is held."""
        room = self._limit - self._debtor.owed - sum(list(self._reserved.values()))
        if room < least:
            return None
        name = request_id or f"offline-{uuid4().hex}"
        if name in self._reserved:
            return None
        self._reserved[name] = NanoUsd(min(room, amount))
        return LeasedHold(self, self._reserved[name], name)

    def end(self, hold: LeasedHold, cost: NanoUsd | None, usage: Usage | None) -> None:
        """End a hold, once."""
        with self._debtor.lock:
            if hold.ended:
                return
            hold.ended, hold.cost = True, cost
            assert hold.request_id is not None, "named when it was taken"
            self._reserved.pop(hold.request_id, None)
            if cost:
                self._debtor.owe(cost, hold.request_id, usage)

    def forget(self, hold: LeasedHold) -> None:
        """Give back what a lost hold had set aside."""
        # One step of a dict, so it needs no lock, which this thread may have.
        assert hold.request_id is not None, "named when it was taken"
        self._reserved.pop(hold.request_id, None)
