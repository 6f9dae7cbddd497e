import pytest

from entitlement.core.errors import InvalidAmount, InvalidRequest
from entitlement.core.events import LogPlace, MembershipBought
from entitlement.core.membership import MONTH_SECONDS, Month, Terms, months_paid
from entitlement.core.units import NANO_USD_MAX, NanoUsd, Usdc, Wallet, nano_usd_of

NOW = 1_000_000_000


def bought(months: int, *, at: int = NOW, start: int | None = None, tier: int = 1) -> MembershipBought:
    until = (at if start is None else start) + months * MONTH_SECONDS
    return MembershipBought(LogPlace(1, 0, "0xb", "0xt"), Wallet("0xa"), tier, until, at)


def month(number: int, *, start: int = NOW, tier: int = 1) -> Month:
    first = start + number * MONTH_SECONDS
    return Month(tier, first, first + MONTH_SECONDS)


LATER = NOW + 5 * MONTH_SECONDS + 77


@pytest.mark.parametrize(
    ("case", "purchases", "paid"),
    [
        ("a month", [bought(1)], [(month(0),)]),
        ("a year", [bought(12)], [tuple(month(number) for number in range(12))]),
        (
            "renewed in advance",
            [bought(2), bought(1, at=NOW + 9, start=NOW + 2 * MONTH_SECONDS)],
            [(month(0), month(1)), (month(2),)],
        ),
        (
            "lapsed, then again",
            [bought(2), bought(1, at=LATER)],
            [(month(0), month(1)), (month(0, start=LATER),)],
        ),
        ("two tiers at once", [bought(1), bought(1, tier=2)], [(month(0),), (month(0, tier=2),)]),
        (
            "renewed, where the first purchase is not known",
            [bought(2, at=NOW + 9, start=NOW + MONTH_SECONDS // 2)],
            [(month(0, start=NOW + MONTH_SECONDS // 2), month(1, start=NOW + MONTH_SECONDS // 2))],
        ),
        (
            "more than is sold at once, so a purchase before it is not known",
            [bought(20)],
            [tuple(month(number) for number in range(8, 20))],
        ),
        ("an end that is over", [bought(-3)], [()]),
    ],
)
def test_a_purchase_pays_for_the_months_up_to_its_end_that_no_earlier_one_paid_for(
    case: str, purchases: list[MembershipBought], paid: list[tuple[Month, ...]]
) -> None:
    assert months_paid(purchases) == paid, case


def test_terms_are_of_a_tier_that_can_be_and_within_what_an_account_may_hold() -> None:
    Terms(NanoUsd(NANO_USD_MAX), NanoUsd(0)).check(8)
    for tier in (0, 9):
        with pytest.raises(InvalidRequest):
            Terms(NanoUsd(0), NanoUsd(0)).check(tier)
    for terms in (Terms(NanoUsd(-1), NanoUsd(0)), Terms(NanoUsd(0), NanoUsd(NANO_USD_MAX + 1))):
        with pytest.raises(InvalidAmount):
            terms.check(1)


def test_a_unit_of_usdc_buys_a_thousand_nano_dollars() -> None:
    assert (nano_usd_of(Usdc(1)), nano_usd_of(Usdc(5_000_000))) == (1_000, 5_000_000_000)
