"""Rates: a burst, then the even pace; and who is refused is told how long to wait, to the second."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entitlement.core.errors import RateLimited
from entitlement.core.rates import MICROS, Rate, count_request, remaining

RATES = st.builds(Rate, st.integers(1, 60_000_000), st.integers(1, 3_600))
SMALL = st.builds(Rate, st.integers(1, 40), st.integers(1, 60))
NOW = 1_800_000_000 * MICROS


@given(SMALL)
def test_all_of_them_may_come_at_once_and_not_one_more(rate: Rate) -> None:
    until = 0
    for left in reversed(range(rate.requests)):
        until = count_request(rate, until, NOW, of="key")
        assert remaining(rate, until, NOW) == left
    with pytest.raises(RateLimited):
        count_request(rate, until, NOW, of="key")


@given(RATES, st.integers(0, 4_000 * MICROS))
def test_who_is_refused_is_allowed_after_the_wait_and_not_a_second_before(rate: Rate, ahead: int) -> None:
    until = NOW + ahead
    try:
        count_request(rate, until, NOW, of="account")
    except RateLimited as refusal:
        wait = refusal.retry_after * MICROS
        assert count_request(rate, until, NOW + wait, of="account") > NOW + wait
        with pytest.raises(RateLimited):
            count_request(rate, until, NOW + wait - MICROS, of="account")
    else:
        assert ahead + rate.micros_each <= rate.seconds * MICROS


@given(SMALL, st.lists(st.integers(0, 5 * MICROS), min_size=1, max_size=200))
def test_in_any_stretch_no_more_come_through_than_a_burst_and_the_pace(rate: Rate, gaps: list[int]) -> None:
    until, now, allowed = 0, NOW, list[int]()
    for gap in gaps:
        now += gap
        try:
            until = count_request(rate, until, now, of="key")
        except RateLimited:
            continue
        allowed.append(now)
    for first, begun in enumerate(allowed):
        for last in range(first, len(allowed)):
            at_the_pace = (allowed[last] - begun) // rate.micros_each
            assert last - first + 1 <= rate.requests + at_the_pace + 1


def test_who_waits_long_has_no_more_than_a_burst() -> None:
    rate = Rate(3, 60)
    until = count_request(rate, 0, NOW, of="key")
    assert remaining(rate, until, NOW + 10_000 * MICROS) == 3
