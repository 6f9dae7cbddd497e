"""A key's own limits: how much it may spend in a period, counted apart in DIEM credit and in dollars.

A limit caps its own currency only. A key with a DIEM limit that is used up goes on with dollars if the
account has some and the key's dollar limit allows it: set that one to zero for a key that must not.
What is held counts as spent until it is given back.
"""

from dataclasses import replace
from enum import StrEnum

from entitlement.core.epochs import Epoch, first_epoch_of_month, first_epoch_of_next_month, starts_at
from entitlement.core.record import record
from entitlement.core.units import NanoUsd


class Currency(StrEnum):
    """What a limit counts: the daily right of staked DIEM, or everything that is counted in dollars."""

    DIEM = "diem"
    USD = "usd"


class LimitPeriod(StrEnum):
    """How long a limit counts before it begins again."""

    EPOCH = "epoch"
    MONTH = "month"
    LIFETIME = "lifetime"


@record
class KeyLimits:
    """What a key may spend in each period; None for no limit of its own."""

    diem: NanoUsd | None = None
    usd: NanoUsd | None = None
    period: LimitPeriod = LimitPeriod.EPOCH


@record
class Headroom:
    """What a key has left in its period; None where it has no limit."""

    diem: NanoUsd | None
    usd: NanoUsd | None
    period: LimitPeriod
    resets_at: int | None

    def left(self, currency: Currency, wanted: NanoUsd) -> NanoUsd:
        """Return how much of `wanted` the limit in `currency` allows."""
        limit = self.diem if currency is Currency.DIEM else self.usd
        return wanted if limit is None else min(wanted, limit)

    def after(self, currency: Currency, spent: NanoUsd) -> "Headroom":
        """Return the headroom once `spent` more is used in `currency`."""
        if currency is Currency.DIEM:
            return self if self.diem is None else replace(self, diem=NanoUsd(self.diem - spent))
        return self if self.usd is None else replace(self, usd=NanoUsd(self.usd - spent))


NO_LIMIT = Headroom(diem=None, usd=None, period=LimitPeriod.EPOCH, resets_at=None)


def headroom(limits: KeyLimits, *, diem_used: NanoUsd, usd_used: NanoUsd, epoch: Epoch) -> Headroom:
    """Return what is left of `limits` in the period of `epoch`; `..._used` is spent and held in it."""
    return Headroom(
        diem=_left(limits.diem, diem_used),
        usd=_left(limits.usd, usd_used),
        period=limits.period,
        resets_at=period_ends_at(limits.period, epoch),
    )


def period_epochs(period: LimitPeriod, epoch: Epoch) -> tuple[Epoch, Epoch | None]:
    """Return the days whose spending counts together with that of `epoch`: [first, after the last)."""
    match period:
        case LimitPeriod.EPOCH:
            return epoch, Epoch(epoch + 1)
        case LimitPeriod.MONTH:
            return first_epoch_of_month(epoch), first_epoch_of_next_month(epoch)
        case LimitPeriod.LIFETIME:
            return Epoch(0), None


def period_ends_at(period: LimitPeriod, epoch: Epoch) -> int | None:
    """Return the Unix time at which a limit begins again; None for a lifetime limit."""
    after_last = period_epochs(period, epoch)[1]
    return None if after_last is None else starts_at(after_last)


def _left(limit: NanoUsd | None, used: NanoUsd) -> NanoUsd | None:
    # A limit that was lowered below what is already used leaves nothing, not less than nothing.
    return None if limit is None else NanoUsd(max(0, limit - used))
