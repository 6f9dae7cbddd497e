"""A lease in memory: what of it is spent, what is set aside, and what of that the service knows.

      0         spent      spent + reserved          total
      |-----------|----------------|---- room ---------|      a hold takes from the room, a capture moves
                    open holds                                its cost from reserved to spent

The key's lock guards all of it. Amounts are nano-USD; `total`, `spent` and `known` count from its beginning.
"""

import logging
from collections import deque
from threading import Lock
from typing import Protocol

from entitlement.client.lease_answers import OPEN, Lease
from entitlement.client.leased_hold import LeasedHold
from entitlement.client.requests import LeasedRequest, Usage
from entitlement.core.units import NanoUsd

REQUESTS_TOLD_MAX = 100
"""Requests in one report; those beyond are told by a later one."""
REQUESTS_WAITING_MAX = 10_000
"""Requests kept for later reports; beyond, the last one of them stands for all."""

_log = logging.getLogger(__name__)


class LeaseOwner(Protocol):
    """The key that a lease belongs to, as the lease needs it."""

    @property
    def lock(self) -> Lock:
        """Guards the lease and the key together."""
        ...

    def owe(self, amount: NanoUsd, request_id: str, usage: Usage | None) -> None:
        """Charge what no lease can pay any more; the lock is held."""
        ...

    def note_forgotten(self) -> None:
        """Know that a hold was lost. Takes no lock: the collector runs anywhere."""
        ...

    def note_ended(self, lease: "LocalLease") -> None:
        """Know that a hold ended; the lock is held."""
        ...


class LocalLease:
    """One lease of a key."""

    __slots__ = (
        "_dropped",
        "_numbers",
        "_owner",
        "_requests",
        "closed",
        "final",
        "holds",
        "id",
        "known",
        "renew_at",
        "reserved",
        "spent",
        "total",
        "valid_until",
    )

    def __init__(self, owner: LeaseOwner, lease_id: str) -> None:
        self._owner = owner
        self.id = lease_id
        self.total = 0
        self.spent = 0
        self.reserved = 0
        self.known = 0
        """What of `spent` the service has acknowledged."""
        self.holds = 0
        """How many are open."""
        self.final = False
        self.valid_until = 0.0
        """Nothing is taken from then on; of the caller's clock."""
        self.renew_at = 0.0
        self.closed = False
        """Whether the service has ended it: what is captured now must be charged otherwise."""
        self._numbers = 0
        self._requests: deque[tuple[int, str | None, int, Usage | None]] = deque()
        """Number, request id, cost and usage: put into words when they are told, not while somebody waits."""
        self._dropped: deque[int] = deque()

    @property
    def room(self) -> int:
        """What a hold may take; below 0 when the service took some of it back."""
        return self.total - self.spent - self.reserved

    def follow(self, lease: Lease, *, reported: int, sent_at: float) -> None:
        """Take over what the service says. It is as true as when it was asked: `sent_at` begins the time."""
        self.known = max(self.known, reported)
        self.total = reported + lease.remaining
        self.final = lease.final
        self.valid_until = sent_at + lease.seconds_left if lease.state == OPEN else sent_at
        self.renew_at = sent_at + (self.valid_until - sent_at) / 2

    def take(self, amount: int, request_id: str | None) -> LeasedHold:
        """Set `amount` aside; the caller has looked at the room, with the lock held."""
        self.reserved += amount
        self.holds += 1
        return LeasedHold(self, NanoUsd(amount), request_id)

    def end(self, hold: LeasedHold, cost: NanoUsd | None, usage: Usage | None) -> None:
        """End a hold, once."""
        owner = self._owner
        with owner.lock:
            if hold.ended:
                return
            hold.ended = True
            hold.cost = cost
            self.reserved -= hold.amount
            self.holds -= 1
            if cost:
                self._spend(hold, cost, usage)
            owner.note_ended(self)

    def forget(self, hold: LeasedHold) -> None:
        """Keep a lost hold for `sweep`: the collector may run while this very thread has the lock."""
        self._dropped.append(hold.amount)
        self._owner.note_forgotten()

    def sweep(self) -> None:
        """Release the holds that were lost; the lock is held."""
        before = self.holds
        while self._dropped:
            self.reserved -= self._dropped.popleft()
            self.holds -= 1
        if self.holds < before:
            _log.warning("%s holds were forgotten and are released", before - self.holds)

    def report(self, *, everything: bool = False) -> tuple[int, tuple[LeasedRequest, ...]]:
        """Return what is spent up to the last request that is told, and the requests to tell.

        The costs of those that are new to the service make up what is newly spent, to the nano-dollar: it
        checks. They are told again until `acknowledge`. With `everything` one more stands for all the rest.
        """
        count = min(len(self._requests), REQUESTS_TOLD_MAX)
        waiting = [self._requests[index] for index in range(count)]
        rest = list(self._requests)[count:] if everything else []
        if rest:
            number, name, _, usage = rest[-1]
            waiting.append((number, name, sum(each[2] for each in rest), usage))
        told = tuple(
            LeasedRequest(number, name or f"{self.id}:{number}", NanoUsd(cost), usage)
            for number, name, cost, usage in waiting
        )
        return self.known + sum(each.cost for each in told), told

    @property
    def has_backlog(self) -> bool:
        """Whether one report cannot tell all requests."""
        return len(self._requests) > REQUESTS_TOLD_MAX

    def acknowledge(self, told: tuple[LeasedRequest, ...]) -> None:
        """Forget the requests that the service has been told of."""
        last = told[-1].number if told else 0
        while self._requests and self._requests[0][0] <= last:
            self._requests.popleft()

    def _spend(self, hold: LeasedHold, cost: NanoUsd, usage: Usage | None) -> None:
        # Beyond its own amount a hold may take what is left of the lease, and that is never below nothing.
        paid = cost
        if self.closed:
            paid = 0
        elif cost > hold.amount:
            paid = min(cost, max(hold.amount, self.room))
        self.spent += paid
        self._numbers += 1
        number = self._numbers
        if paid:
            before = self._requests.pop()[2] if len(self._requests) >= REQUESTS_WAITING_MAX else 0
            self._requests.append((number, hold.request_id, before + paid, usage))
        if paid < cost:
            # Under the request's own name where the lease pays nothing; else that name has its cost already.
            name = hold.request_id or f"{self.id}:{number}"
            self._owner.owe(NanoUsd(cost - paid), f"{name}:rest" if paid else name, usage)
