"""The operator's view: for the wallets that run the service, and for nobody else."""

import secrets
from collections.abc import Iterator
from decimal import Decimal

import pytest
from playwright.sync_api import Page, expect

from entitlement.chain.devnet import development_account
from entitlement.cli.actor import Actor
from entitlement.cli.genesis import DEPLOYER
from entitlement.core.epochs import Epoch, epoch_at
from entitlement.core.units import USDC_PER_DOLLAR, WEI_PER_TOKEN, Usdc
from entitlement.flows.govern_buybacks import GovernBuybacks
from entitlement.store import buyback_rules
from entitlement.store.buyback_rules import Announced, By
from tests.web import acts, axe, screens
from tests.web.browser import Size, Visitor
from tests.web.stack import Person, World

pytestmark = pytest.mark.browser_long
PARTS = ("Health", "Liabilities", "Buybacks", "Timelock", "Done by hand")


@pytest.fixture
def operator(world: World) -> Person:
    account = development_account(DEPLOYER)
    return Person(account, Actor(world.stack.contracts, account))


@pytest.fixture
def waiting(world: World, operator: Person) -> Iterator[str]:
    """An operation that halves the emission, scheduled on the chain; its id. Cancelled afterwards."""
    contracts = world.stack.contracts
    rate = world.view("StakedVVV", "emissionRatePerSecond")
    call = bytes.fromhex(contracts.call_data("StakedVVV", "lowerEmissionRate", rate // 2)[2:])
    operation = (contracts.address("StakedVVV"), 0, call, bytes(32), secrets.token_bytes(32))
    world.send(operator, "Timelock", "schedule", *operation, world.view("Timelock", "getMinDelay"))
    name = world.view("Timelock", "hashOperation", *operation)
    yield f"0x{name.hex()}"
    world.send(operator, "Timelock", "cancel", name)


def announce(world: World, amount: int) -> None:
    """Keep a plan as the schedule announces one: in a day it may begin."""
    now = world.now()
    plan = Announced(
        id=0,
        epoch=epoch_at(now),
        through=Epoch(epoch_at(now) - 1),
        amount=Usdc(amount * USDC_PER_DOLLAR),
        lots=3,
        seed="a seed that nobody is told",
        state="announced",
        not_before=now + 86_400,
        next_lot_at=now + 90_000,
        reason=None,
    )
    with world.stack.service.sessions.begin() as session:
        buyback_rules.announce(session, plan, now)


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


def test_an_operation_that_waits_is_told_with_what_it_changes_from_when_on_and_how_it_is_ended(
    world: World, visitor: Visitor, operator: Person, waiting: str
) -> None:
    page = signed_in(visitor, operator)
    operation = page.get_by_role("article").filter(has_text=waiting[:12])
    expect(operation.get_by_text("waits", exact=True)).to_be_visible()
    expect(operation.get_by_text("May be executed from")).to_be_visible()
    expect(operation.get_by_text("StakedVVV.lowerEmissionRate(newRate")).to_be_visible()
    halved = operation.get_by_role("row", name="emission")
    now, then = (Decimal(each.split()[0]) for each in halved.locator("td").all_inner_texts())
    assert now * WEI_PER_TOKEN == world.view("StakedVVV", "emissionRatePerSecond")
    assert then * WEI_PER_TOKEN == now * WEI_PER_TOKEN // 2
    operation.get_by_text("What can be done").click()
    expect(operation.get_by_text(f"entitlement admin cancel {waiting[:12]}")).to_be_visible()
    expect(page.get_by_text("Nothing waits.")).to_have_count(0)
    screens.take(page, "operator-timelock", "desktop", "light")
    axe.check(page)


def test_a_plan_that_was_announced_is_told_with_its_time_and_a_veto_with_who_and_why(
    world: World, visitor: Visitor, operator: Person
) -> None:
    govern = GovernBuybacks(world.stack.service.sessions)
    announce(world, 24_000)
    page = signed_in(visitor, operator)
    plan = page.get_by_role("status").filter(has_text="24,000.00 USDC are to be spent.")
    expect(plan).to_contain_text("a veto ends the plan before anything was bought")
    expect(page.get_by_text("a seed that nobody is told")).to_have_count(0)
    govern.veto(By("Ada", "the market is odd"), until=None)
    page.reload()
    expect(page.get_by_text("Stopped by Ada: the market is odd.")).to_be_visible()
    expect(page.get_by_text("No plan is announced.")).to_be_visible()
    govern.allow(By("Ada", "it is even again"))
    page.reload()
    expect(page.get_by_text("No plan is announced.")).to_be_visible()
    expect(page.get_by_text("Stopped by Ada")).to_have_count(0)
