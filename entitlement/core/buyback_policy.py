"""Policy of buybacks: which part of what was taken in is to buy VVV, and what of that is still owed.

    owed = sum over closed days ( revenue * share + new subscriptions * sum + purchases * share ) - bought

    revenue        prepaid and membership credit that was spent that day, corrections taken off
    bought         what all runs have spent since the first policy's first day, and what one under way may

Counted from the first day always, never from the last run: what a late charge adds to a day that is long over
is owed as well, and what was bought too early is not bought again. Each day goes by its own policy.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from entitlement.core.epochs import Epoch, first_epoch_of_month
from entitlement.core.errors import InvalidRequest
from entitlement.core.units import NANO_USD_PER_USD, USDC_PER_DOLLAR, NanoUsd, Usdc, mul_div_down

TEN_THOUSAND = 10_000
NANO_USD_PER_USDC_UNIT = NANO_USD_PER_USD // USDC_PER_DOLLAR
DAYS_PER_WEEK = 7
MONDAY = 4
"""1970-01-01 was a Thursday: the first Monday was day 4."""

FREE = Usdc(0)
MINIMUM = Usdc(100 * USDC_PER_DOLLAR)
PER_SUBSCRIPTION_MAX = Usdc(10_000 * USDC_PER_DOLLAR)
MINIMUM_MAX = Usdc(10_000_000 * USDC_PER_DOLLAR)
IMPACT_MAX = 500
"""Ten-thousandths: as far from the mean as a run may ever end."""
SLIPPAGE_MAX = 500
SPACING_MAX = 30 * 86_400
VETO_MAX = 30 * 86_400


class Schedule(StrEnum):
    """When a plan is made without anybody asking for it."""

    OFF = "off"
    MONTHLY = "monthly"
    """On the first day of a month, of what was owed when it began."""
    WEEKLY = "weekly"
    """On Mondays, likewise."""
    THRESHOLD = "threshold"
    """On any day, as soon as the minimum is owed."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What holds from a day on."""

    schedule: Schedule = Schedule.OFF
    revenue_share: int = 0
    """Ten-thousandths of the credit counted in dollars that was spent."""
    per_subscription: Usdc = FREE
    """For each account whose first month of membership begins."""
    purchase_share: int = 0
    """Ten-thousandths of the prepaid credit that was bought, refunds taken off."""
    minimum: Usdc = MINIMUM
    """As long as less is owed, nothing is done."""
    impact: int = 50
    """Ten-thousandths by which a lot may make VVV dearer."""
    slippage: int = 50
    """Ten-thousandths under its quote that a lot may bring."""
    spacing: int = 4 * 3_600
    """Seconds between two lots, at least; the contract's own interval holds as well."""
    jitter: int = 2 * 3_600
    """Seconds, up to so many more: nobody can wait for a lot at a known time."""
    veto: int = 24 * 3_600
    """Seconds in which a plan that was announced can be stopped, before its first lot."""

    def check(self) -> None:
        """Raise InvalidRequest for a figure outside of what it may be."""
        limits = {
            "revenue_share": (0, TEN_THOUSAND),
            "per_subscription": (0, PER_SUBSCRIPTION_MAX),
            "purchase_share": (0, TEN_THOUSAND),
            "minimum": (USDC_PER_DOLLAR, MINIMUM_MAX),
            "impact": (1, IMPACT_MAX),
            "slippage": (0, SLIPPAGE_MAX),
            "spacing": (0, SPACING_MAX),
            "jitter": (0, SPACING_MAX),
            "veto": (0, VETO_MAX),
        }
        for name, (low, high) in limits.items():
            value: int = getattr(self, name)
            if not low <= value <= high:
                raise InvalidRequest(f"{name} is {value}: it must be from {low} to {high}", field=name)


NOTHING = Policy()
"""Where none was set."""


@dataclass(frozen=True, slots=True)
class Since:
    """A policy and its first day."""

    epoch: Epoch
    policy: Policy


@dataclass(frozen=True, slots=True)
class DayTaken:
    """What one day took in."""

    epoch: Epoch
    spent: NanoUsd
    """Prepaid and membership credit; below zero where corrections were more."""
    subscriptions: int
    """Accounts whose first month began."""
    purchased: NanoUsd
    """Prepaid credit; below zero where refunds were more."""


@dataclass(frozen=True, slots=True)
class Owed:
    """What is to be bought, and why."""

    first: Epoch | None
    """The first policy's first day; None where there is no policy."""
    through: Epoch
    """The last closed day that counts."""
    of_revenue: Usdc
    of_subscriptions: Usdc
    of_purchases: Usdc
    bought: Usdc

    @property
    def wanted(self) -> Usdc:
        """Everything that was ever owed, less what was bought; never below zero."""
        total = self.of_revenue + self.of_subscriptions + self.of_purchases
        return Usdc(max(0, total - self.bought))


def policy_on(policies: Sequence[Since], epoch: Epoch) -> Policy:
    """Return what holds on a day; of `policies`, in the order of their days."""
    held = [each.policy for each in policies if each.epoch <= epoch]
    return held[-1] if held else NOTHING


def owed(policies: Sequence[Since], days: Iterable[DayTaken], *, through: Epoch, bought: Usdc) -> Owed:
    """Return what is owed of the closed days up to `through`; each part is rounded down, once a policy."""
    first = policies[0].epoch if policies else None
    revenue, subscriptions, purchases = 0, 0, 0
    counted = [each for each in days if first is not None and first <= each.epoch <= through]
    for place, since in enumerate(policies):
        end = policies[place + 1].epoch if place + 1 < len(policies) else through + 1
        held = [each for each in counted if since.epoch <= each.epoch < end]
        policy = since.policy
        revenue += _share(sum(each.spent for each in held), policy.revenue_share)
        purchases += _share(sum(each.purchased for each in held), policy.purchase_share)
        subscriptions += policy.per_subscription * sum(each.subscriptions for each in held)
    return Owed(first, through, Usdc(revenue), Usdc(subscriptions), Usdc(purchases), bought)


def is_due(schedule: Schedule, *, today: Epoch, last: Epoch | None) -> bool:
    """Tell whether a plan is to be made today, the last one having been made on day `last`.

    A day on which nothing ran is made up for: what counts is that the period is another one.
    """
    match schedule:
        case Schedule.OFF:
            return False
        case Schedule.MONTHLY:
            return last is None or first_epoch_of_month(last) != first_epoch_of_month(today)
        case Schedule.WEEKLY:
            return last is None or _week(last) != _week(today)
        case Schedule.THRESHOLD:
            return True


def counts_through(schedule: Schedule, *, today: Epoch) -> Epoch:
    """Return the last day that counts in a plan made today: of the period that is over."""
    match schedule:
        case Schedule.MONTHLY:
            return Epoch(first_epoch_of_month(today) - 1)
        case Schedule.WEEKLY:
            return Epoch(_week(today) * DAYS_PER_WEEK + MONDAY - 1)
        case Schedule.OFF | Schedule.THRESHOLD:
            return Epoch(today - 1)


def _week(epoch: Epoch) -> int:
    return (epoch - MONDAY) // DAYS_PER_WEEK


def _share(amount: int, share: int) -> int:
    return mul_div_down(amount, share, TEN_THOUSAND * NANO_USD_PER_USDC_UNIT)
