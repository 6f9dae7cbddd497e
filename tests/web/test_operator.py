"""The operator's view: for the wallets that run the service, and for nobody else."""

import pytest
from playwright.sync_api import Page, expect

from entitlement.chain.devnet import development_account
from entitlement.cli.actor import Actor
from entitlement.cli.genesis import DEPLOYER
from tests.web import acts, axe, screens
from tests.web.browser import Size, Visitor
from tests.web.stack import Person, World

pytestmark = pytest.mark.browser_long
PARTS = ("Health", "Liabilities", "Buybacks", "Timelock", "Done by hand")


@pytest.fixture
def operator(world: World) -> Person:
    account = development_account(DEPLOYER)
    return Person(account, Actor(world.stack.contracts, account))


def signed_in(visitor: Visitor, person: Person, size: Size = "desktop") -> Page:
    page = visitor.open("/operator", person, size=size)
    acts.connect(page)
    acts.sign_in(page)
    return page


def test_another_wallet_sees_no_figure_of_it_no_entry_in_the_menu_and_asks_for_none(
    world: World, visitor: Visitor
) -> None:
    page = signed_in(visitor, world.person())
    expect(page.get_by_text("This wallet is none of the operator's")).to_be_visible()
    expect(page.get_by_role("navigation").get_by_role("link", name="Operator")).to_have_count(0)
    expect(page.get_by_role("heading", level=2)).to_have_count(0)
    assert not any("/v1/admin" in request for request in visitor.requested)


def test_the_operator_sees_every_part_with_the_chains_figures_and_can_change_nothing(
    world: World, visitor: Visitor, operator: Person
) -> None:
    world.person(staked_diem=2)
    page = signed_in(visitor, operator)
    for title in PARTS:
        expect(page.get_by_role("heading", name=title, exact=True)).to_be_visible()
    expect(page.get_by_role("navigation").get_by_role("link", name="Operator")).to_be_visible()
    expect(page.get_by_text("The service can be relied on.")).to_be_visible()
    expect(page.get_by_text("Nothing waits.")).to_be_visible()
    staked = world.view("InferenceStake", "totalStaked") // 10**18
    expect(page.get_by_text(f"{staked:,}", exact=True)).to_be_visible()
    screens.take(page, "operator", "desktop", "light")
    page.get_by_text("What can be done").first.click()
    page.get_by_role("button", name="Copy").first.click()
    assert page.evaluate("navigator.clipboard.readText()") == "entitlement verify"
    axe.check(page)
    assert not any(
        request.startswith(("POST", "PATCH", "DELETE")) and "/v1/sign-in" not in request
        for request in visitor.requested
        if request.split(" ", 1)[1].startswith(world.url)
    )


def test_on_a_phone_nothing_of_it_is_wider_than_the_screen(
    world: World, visitor: Visitor, operator: Person
) -> None:
    page = signed_in(visitor, operator, "phone")
    expect(page.get_by_role("heading", name=PARTS[-1])).to_be_visible()
    expect(page.get_by_text("The service can be relied on.")).to_be_visible()
    screens.take(page, "operator", "phone", "light")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    axe.check(page)
    assert world.url in page.url


def test_a_figure_that_could_not_be_read_is_said_so_beside_what_is_known(
    visitor: Visitor, operator: Person
) -> None:
    visitor.means("503")
    page = visitor.open("/operator", operator)
    page.route(
        "**/v1/admin/timelock",
        lambda route: route.fulfill(
            status=503, json={"code": "node_away", "detail": "<b>The node</b> is away"}
        ),
    )
    acts.connect(page)
    acts.sign_in(page)
    expect(page.get_by_text("<b>The node</b> is away")).to_be_visible()
    expect(page.get_by_text("The service can be relied on.")).to_be_visible()
