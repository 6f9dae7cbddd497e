from datetime import UTC, date, datetime
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from entitlement.core.epochs import (
    DAYS_PER_LEAP_CYCLE,
    Epoch,
    ends_at,
    epoch_at,
    first_epoch_of_month,
    first_epoch_of_next_month,
    starts_at,
)

ORIGIN = date(1970, 1, 1).toordinal()
FOUR_HUNDRED_YEARS = DAYS_PER_LEAP_CYCLE
times = st.integers(min_value=0, max_value=FOUR_HUNDRED_YEARS * 86_400)
days = st.integers(min_value=0, max_value=FOUR_HUNDRED_YEARS)


def test_the_leap_cycle_is_four_hundred_years() -> None:
    assert date(2370, 1, 1).toordinal() - ORIGIN == DAYS_PER_LEAP_CYCLE


@given(times)
def test_an_epoch_is_the_utc_day(timestamp: int) -> None:
    day = datetime.fromtimestamp(timestamp, UTC).date()
    assert epoch_at(timestamp) == day.toordinal() - ORIGIN


@given(times)
def test_every_second_lies_in_exactly_one_epoch(timestamp: int) -> None:
    epoch = epoch_at(timestamp)
    assert starts_at(epoch) <= timestamp < ends_at(epoch)
    assert ends_at(epoch) == starts_at(Epoch(epoch + 1))


def test_midnight_belongs_to_the_day_that_begins() -> None:
    assert epoch_at(86_399) == 0
    assert epoch_at(86_400) == 1


@given(days)
def test_a_month_is_the_calendars_month(epoch: int) -> None:
    day = date.fromordinal(ORIGIN + epoch)
    first = day.replace(day=1)
    following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    assert first_epoch_of_month(Epoch(epoch)) == first.toordinal() - ORIGIN
    assert first_epoch_of_next_month(Epoch(epoch)) == following.toordinal() - ORIGIN


def test_every_border_between_months_of_four_hundred_years_is_the_calendars() -> None:
    months = [date(1970 + n // 12, n % 12 + 1, 1).toordinal() - ORIGIN for n in range(400 * 12 + 1)]
    for first, following in pairwise(months):
        assert first_epoch_of_month(Epoch(first)) == first
        assert first_epoch_of_month(Epoch(following - 1)) == first
        assert first_epoch_of_next_month(Epoch(first)) == following
        assert first_epoch_of_next_month(Epoch(following - 1)) == following
