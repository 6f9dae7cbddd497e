"""What pays for a request: a hold of the service, or a part of a lease that this process keeps.

                 to begin                     to end
a hold           a call, before the work      a call, after it (settlements.py)
a lease          from memory, as a rule       in memory, at once: the pool reports it

A request that may be delivered again (idempotency.py) is always paid by a hold: the service keeps its request
id and says what became of it, whatever became of this process. A lease is told of single requests later.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Protocol

from entitlement.client import (
    AsyncCreditClient,
    AsyncLeasePool,
    Balance,
    CreditError,
    CreditRefused,
    Hold,
    HoldRequest,
    LeasedHold,
    Usage,
)
from entitlement.core.units import NanoUsd
from entitlement.gateway.failures import key_in_progress, key_reused, key_used
from entitlement.gateway.settlements import Settlements

UNANSWERED_MAX = 10_000
"""Beyond, what was not answered is not remembered: its requests are in progress until their holds run out."""


class Funds(Protocol):
    """Credit that is set aside for one request; it ends once."""

    @property
    def amount(self) -> NanoUsd:
        """The most that the request may cost."""
        ...

    @property
    def name(self) -> str:
        """What logs call it."""
        ...

    def capture(self, cost: NanoUsd, usage: Usage) -> asyncio.Task[None] | None:
        """Take the cost; the task ends when the service has acknowledged it, None where nobody waits."""
        ...

    def release(self) -> asyncio.Task[None] | None:
        """Give everything back."""
        ...


@dataclass(frozen=True, slots=True)
class Funded:
    """Credit for a request, and the balance that it left where the service told one."""

    funds: Funds
    hold: Hold | None
    balance: Balance | None


class Funding(Protocol):
    """Where credit for requests comes from."""

    async def fund(self, wanted: HoldRequest) -> Funded:
        """Set credit aside; raises `CreditError`."""
        ...


@dataclass(frozen=True, slots=True)
class HoldFunding:
    """A hold for each request."""

    credit: AsyncCreditClient
    settlements: Settlements

    async def fund(self, wanted: HoldRequest) -> Funded:
        """Set credit aside; raises `CreditError`."""
        answer = await self.credit.place_hold(wanted)
        return Funded(_HeldFunds(answer.hold, self.settlements), answer.hold, answer.balance)


class TriedBefore(Exception):
    """What had this request id has ended, and nothing was charged: another try needs another one."""


@dataclass(frozen=True, slots=True)
class OnceFunding:
    """A hold for a request that may have been asked for before, perhaps of another process."""

    credit: AsyncCreditClient
    settlements: Settlements
    unanswered: set[str] = field(default_factory=set[str])
    """Request ids that this process asked about and got no answer: a hold that is open may be its own."""

    async def fund(self, wanted: HoldRequest) -> Funded:
        """Set credit aside, if this request id has none yet.

        Raises `TriedBefore`, `CreditError`, and `GatewayError` 409 where it was charged, is in work, or was
        of another content.
        """
        try:
            answer = await self.credit.place_hold(wanted)
        except CreditRefused as refused:
            if refused.is_repeated:
                raise TriedBefore from None
            if refused.code == "idempotency_key_reused":
                raise key_reused() from None
            raise
        except CreditError:
            if len(self.unanswered) < UNANSWERED_MAX:
                self.unanswered.add(wanted.request_id)
            raise
        was_unanswered = wanted.request_id in self.unanswered
        self.unanswered.discard(wanted.request_id)
        if answer.hold.state == "released":
            raise TriedBefore
        if answer.hold.state != "open":
            # One that ran out may still be charged for an hour, by a process that could not tell its cost.
            raise key_used(answer.hold)
        if answer.is_repeated and not was_unanswered:
            raise key_in_progress(answer.hold)
        return Funded(_HeldFunds(answer.hold, self.settlements), answer.hold, answer.balance)


@dataclass(frozen=True, slots=True)
class LeaseFunding:
    """A part of a lease for each request."""

    pool: AsyncLeasePool
    settlements: Settlements

    async def fund(self, wanted: HoldRequest) -> Funded:
        """Set credit aside; raises `CreditError`."""
        hold = await self.pool.hold(
            wanted.key, wanted.amount, minimum=wanted.minimum, request_id=wanted.request_id
        )
        return Funded(_LeasedFunds(hold, wanted.request_id, self.settlements), None, None)


@dataclass(frozen=True, slots=True)
class _HeldFunds:
    hold: Hold
    settlements: Settlements

    @property
    def amount(self) -> NanoUsd:
        return self.hold.amount

    @property
    def name(self) -> str:
        return self.hold.id

    def capture(self, cost: NanoUsd, usage: Usage) -> asyncio.Task[None] | None:
        return self.settlements.capture(self.hold, cost, usage)

    def release(self) -> asyncio.Task[None] | None:
        return self.settlements.release(self.hold)


@dataclass(frozen=True, slots=True)
class _LeasedFunds:
    hold: LeasedHold
    request_id: str
    settlements: Settlements

    @property
    def amount(self) -> NanoUsd:
        return self.hold.amount

    @property
    def name(self) -> str:
        return f"leased for {self.request_id}"

    def capture(self, cost: NanoUsd, usage: Usage) -> asyncio.Task[None] | None:
        self.hold.capture(cost, usage)
        self.settlements.dismiss(self.request_id)
        return None

    def release(self) -> asyncio.Task[None] | None:
        self.hold.release()
        self.settlements.dismiss(self.request_id)
        return None
