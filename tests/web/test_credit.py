"""Buying credit: a top-up and a membership, signed once for the permit and once for the transaction."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from entitlement.chain.deployment.order import DEV_DOLLAR
from entitlement.core.membership import NO_TERMS, Terms
from entitlement.core.units import USDC_PER_DOLLAR, NanoUsd
from tests.web import axe
from tests.web.acts import connect, expect_sent, sign_in
from tests.web.browser import Visitor
from tests.web.stack import Person, World

pytestmark = pytest.mark.browser_long
NANO_USD = 10**9


@pytest.fixture
def alice(world: World) -> Person:
    return world.person(usdc=100)


@pytest.fixture
def terms(world: World) -> Iterator[None]:
    """A month of the first tier bundles credit; afterwards none does."""
    setting = world.stack.service.terms
    setting.set(1, Terms(NanoUsd(10 * NANO_USD), NanoUsd(5 * NANO_USD)))
    yield
    setting.set(1, NO_TERMS)


@pytest.fixture
def page(visitor: Visitor, alice: Person) -> Page:
    opened = visitor.open("/credit", alice)
    connect(opened)
    sign_in(opened)
    return opened


def test_a_top_up_becomes_credit_to_the_dollar(
    world: World, visitor: Visitor, page: Page, alice: Person
) -> None:
    amount = page.get_by_label("USDC to pay")
    amount.fill("4.99")
    expect(page.get_by_text("The smallest top-up is 5.00 USDC")).to_be_visible()
    amount.fill("12.345678")
    axe.check(page)
    page.get_by_role("button", name="Pay 12.345678 USDC").click()
    expect_sent(page, "final")
    assert len(visitor.wallet.requests("eth_signTypedData_v4")) == 1
    world.settle()
    expect(page.get_by_role("main")).to_contain_text("$12.34")
    assert world.ledger(alice).balance.usd == 12_345_678 * NANO_USD // USDC_PER_DOLLAR


def test_months_of_pro_cost_what_is_shown_and_end_on_the_day_that_is_shown(
    world: World, page: Page, alice: Person
) -> None:
    page.get_by_label("Months").select_option("2")
    price = int(world.view("CreditSales", "priceOf", 1))
    page.get_by_role("button", name="Join for").click()
    expect_sent(page, "final")
    assert int(world.view(DEV_DOLLAR, "balanceOf", alice.address)) == 100 * USDC_PER_DOLLAR - 2 * price
    assert int(world.view("CreditSales", "memberUntil", alice.address, 1)) > world.now() + 59 * 86_400
    world.settle()
    expect(page.get_by_text("Pro", exact=True).first).to_be_visible()
    page.get_by_role("main").get_by_role("button", name="Done").click()
    expect(page.get_by_role("button", name="Renew for")).to_be_visible()


@pytest.mark.usefixtures("terms")
def test_what_a_month_bundles_is_told_before_it_is_bought_and_stands_beside_what_is_prepaid(
    world: World, page: Page
) -> None:
    expect(page.get_by_text("With each month comes $10.00 of credit")).to_be_visible()
    expect(page.get_by_text("With an account's first month come $5.00 more, which stay.")).to_be_visible()
    expect(page.locator(".tile", has_text="bundled with Pro")).to_have_count(0)
    page.get_by_role("button", name="Join for").click()
    expect_sent(page, "final")
    world.settle()
    bundled = page.locator(".tile", has_text="Of it, bundled with Pro")
    expect(bundled).to_contain_text("$10.00")
    expect(bundled).to_contain_text("gone 20")
    prepaid = page.locator(".tile", has_text="Of it, prepaid")
    expect(prepaid).to_contain_text("$5.00")
    expect(prepaid).to_contain_text("lasts until it is spent")
    page.get_by_role("link", name="Overview").click()
    line = page.locator(".line", has_text="Bundled with your membership")
    expect(line).to_contain_text("$10.00")
    expect(page.locator(".line", has_text="Paid for in advance")).to_contain_text("$5.00")
