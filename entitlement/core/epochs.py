"""Epochs: UTC days, counted as the contracts count them.

epoch = timestamp // 86400, half-open:  [epoch * 86400, (epoch + 1) * 86400)
"""

from typing import NewType

Epoch = NewType("Epoch", int)
"""Days since 1970-01-01 UTC."""

SECONDS_PER_EPOCH = 86_400
SECONDS_PER_YEAR = 365 * SECONDS_PER_EPOCH
"""As the live system counts its emissions."""
DAYS_PER_LEAP_CYCLE = 146_097
"""Days in the 400 years after which the Gregorian calendar repeats."""


def epoch_at(timestamp: int) -> Epoch:
    """Return the epoch that a Unix time in seconds lies in."""
    assert timestamp >= 0
    return Epoch(timestamp // SECONDS_PER_EPOCH)


def starts_at(epoch: Epoch) -> int:
    """Return the first second of `epoch`, a Unix time."""
    return epoch * SECONDS_PER_EPOCH


def ends_at(epoch: Epoch) -> int:
    """Return the first second after `epoch`, a Unix time: when credit of that day is gone."""
    return (epoch + 1) * SECONDS_PER_EPOCH


def first_epoch_of_month(epoch: Epoch) -> Epoch:
    """Return the first day of the calendar month (UTC) that `epoch` lies in."""
    return Epoch(epoch - _day_of_month(epoch) + 1)


def first_epoch_of_next_month(epoch: Epoch) -> Epoch:
    """Return the first day of the calendar month (UTC) after the one that `epoch` lies in."""
    # From the first of a month, 31 days on is always in the next month, and never past its fourth day.
    return first_epoch_of_month(Epoch(first_epoch_of_month(epoch) + 31))


def _day_of_month(epoch: Epoch) -> int:
    """Civil day from a day count, proleptic Gregorian; the calendar starts in March so that leap days end it.

    Source: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
    """
    day_of_cycle = (epoch + 719_468) % DAYS_PER_LEAP_CYCLE
    year_of_cycle = (
        day_of_cycle - day_of_cycle // 1_460 + day_of_cycle // 36_524 - day_of_cycle // 146_096
    ) // 365
    day_of_year = day_of_cycle - (365 * year_of_cycle + year_of_cycle // 4 - year_of_cycle // 100)
    month_from_march = (5 * day_of_year + 2) // 153
    return day_of_year - (153 * month_from_march + 2) // 5 + 1
