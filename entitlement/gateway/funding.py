"""What pays for a request: a hold of the service, or a part of a lease that this process keeps.

                 to begin                     to end
a hold           a call, before the work      a call, after it (settlements.py)
a lease          from memory, as a rule       in memory, at once: the pool reports it
"""

import asyncio
from dataclasses import dataclass
from typing import Protocol

from entitlement.client import (
    AsyncCreditClient,
    AsyncLeasePool,
    Balance,
    Hold,
    HoldRequest,
    LeasedHold,
    Usage,
)
from entitlement.core.units import NanoUsd
from entitlement.gateway.settlements import Settlements


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
