from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entitlement.core.errors import MalformedAddress
from entitlement.core.units import (
    NANO_USD_MAX,
    NANO_USD_PER_USD,
    WEI_PER_TOKEN,
    Wei,
    mul_div_down,
    mul_div_up,
    nano_usd_down,
    wallet,
)

DIGITS = "52908400098527886E0F7030069857D2E4169EE7"
amounts = st.integers(min_value=0, max_value=2**256 - 1)
denominators = st.integers(min_value=1, max_value=2**256 - 1)


@pytest.mark.parametrize("address", ["0x" + DIGITS, "0X" + DIGITS, "0x" + DIGITS.lower()])
def test_every_spelling_of_an_address_is_one_wallet(address: str) -> None:
    assert wallet(address) == "0x" + DIGITS.lower()


@pytest.mark.parametrize(
    "address",
    [
        "",
        "0x",
        DIGITS,
        "0x" + DIGITS[1:],
        "0x" + DIGITS + "0",
        "0x" + DIGITS + "\n",
        " 0x" + DIGITS,
        "0x" + "G" * 40,
        "0x" + "\u0661" * 40,  # a digit, but not one of ours
    ],
)
def test_what_is_not_0x_and_forty_hex_digits_is_no_address(address: str) -> None:
    with pytest.raises(MalformedAddress):
        wallet(address)


def test_a_long_malformed_address_is_not_repeated_in_full() -> None:
    with pytest.raises(MalformedAddress) as caught:
        wallet("x" * 10_000)
    assert len(str(caught.value)) < 200
    assert len(str(caught.value.facts()["address"])) == 80


@given(amounts, amounts, denominators)
def test_rounding_goes_the_way_that_its_name_says(value: int, numerator: int, denominator: int) -> None:
    exact = Fraction(value * numerator, denominator)
    assert 0 <= exact - mul_div_down(value, numerator, denominator) < 1
    assert 0 <= mul_div_up(value, numerator, denominator) - exact < 1


def test_one_diem_is_one_dollar() -> None:
    assert nano_usd_down(Wei(WEI_PER_TOKEN)) == NANO_USD_PER_USD
    assert nano_usd_down(Wei(WEI_PER_TOKEN - 1)) == NANO_USD_PER_USD - 1
    assert nano_usd_down(Wei(10**9 - 1)) == 0


def test_the_largest_amount_survives_a_double() -> None:
    assert int(float(NANO_USD_MAX)) == NANO_USD_MAX
    assert int(float(NANO_USD_MAX + 2)) != NANO_USD_MAX + 2


@given(amounts, amounts)
def test_turning_a_stake_into_credit_in_two_parts_never_gives_more(one: int, other: int) -> None:
    assert nano_usd_down(Wei(one)) + nano_usd_down(Wei(other)) <= nano_usd_down(Wei(one + other))
