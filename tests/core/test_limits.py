from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entitlement.core.epochs import Epoch, starts_at
from entitlement.core.limits import (
    NO_LIMIT,
    Currency,
    Headroom,
    KeyLimits,
    LimitPeriod,
    headroom,
    period_ends_at,
    period_epochs,
)
from entitlement.core.units import NanoUsd

ORIGIN = date(1970, 1, 1).toordinal()
amounts = st.integers(min_value=0, max_value=2**53).map(NanoUsd)


def epoch_of(year: int, month: int, day: int) -> Epoch:
    return Epoch(date(year, month, day).toordinal() - ORIGIN)


LEAP_DAY = epoch_of(2028, 2, 29)


@pytest.mark.parametrize(
    ("period", "first", "after_last"),
    [
        (LimitPeriod.EPOCH, LEAP_DAY, epoch_of(2028, 3, 1)),
        (LimitPeriod.MONTH, epoch_of(2028, 2, 1), epoch_of(2028, 3, 1)),
        (LimitPeriod.LIFETIME, 0, None),
    ],
)
def test_a_period_is_the_days_that_count_together(
    period: LimitPeriod, first: Epoch, after_last: Epoch | None
) -> None:
    assert period_epochs(period, LEAP_DAY) == (first, after_last)
    assert period_ends_at(period, LEAP_DAY) == (None if after_last is None else starts_at(after_last))


@pytest.mark.parametrize(
    ("limit", "used", "left"), [(None, 7, None), (10, 0, 10), (10, 7, 3), (10, 10, 0), (10, 11, 0), (0, 0, 0)]
)
def test_what_is_left_is_never_less_than_nothing(limit: int | None, used: int, left: int | None) -> None:
    ours = None if limit is None else NanoUsd(limit)
    none = NanoUsd(0)
    in_diem = headroom(KeyLimits(diem=ours), diem_used=NanoUsd(used), usd_used=none, epoch=LEAP_DAY)
    assert (in_diem.diem, in_diem.usd) == (left, None)
    in_usd = headroom(KeyLimits(usd=ours), diem_used=none, usd_used=NanoUsd(used), epoch=LEAP_DAY)
    assert (in_usd.diem, in_usd.usd) == (None, left)


@given(amounts)
def test_a_key_without_limits_may_have_anything(wanted: NanoUsd) -> None:
    for currency in Currency:
        assert NO_LIMIT.left(currency, wanted) == wanted
        assert NO_LIMIT.after(currency, wanted) == NO_LIMIT


@given(amounts, amounts, amounts)
def test_spending_in_one_currency_leaves_the_other_alone(
    diem: NanoUsd, usd: NanoUsd, wanted: NanoUsd
) -> None:
    room = Headroom(diem, usd, LimitPeriod.EPOCH, None)
    for currency, other in ((Currency.DIEM, Currency.USD), (Currency.USD, Currency.DIEM)):
        allowed = room.left(currency, wanted)
        after = room.after(currency, allowed)
        assert after.left(other, wanted) == room.left(other, wanted)
        everything = NanoUsd(2**60)
        assert allowed + after.left(currency, everything) == room.left(currency, everything)
