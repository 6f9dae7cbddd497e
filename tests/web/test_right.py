"""The daily right: staked, on its way out, given away and given back, through to credit that is spent."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from entitlement.core.epochs import SECONDS_PER_EPOCH
from entitlement.core.units import NANO_USD_PER_USD, WEI_PER_TOKEN
from tests.web import axe
from tests.web.acts import connect, expect_sent
from tests.web.browser import Visitor
from tests.web.stack import Person, World


def right(world: World, person: Person) -> tuple[int, int]:
    """What the chain says of today and tomorrow, in whole DIEM."""
    current, following = world.view("InferenceStake", "allowanceOf", person.address)
    return current // WEI_PER_TOKEN, following // WEI_PER_TOKEN


def credit(world: World, person: Person) -> int:
    """What the service's books grant today, in whole dollars."""
    return world.ledger(person).allowance_now // NANO_USD_PER_USD


def panel(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name, exact=True)


def tile(page: Page, name: str) -> Locator:
    return page.locator(".tile", has_text=re.compile(f"^{name}"))


@pytest.mark.browser_long
def test_diem_is_staked_by_one_permit_and_is_a_dollar_of_credit_today(world: World, visitor: Visitor) -> None:
    alice = world.person(diem=5)
    page = visitor.open("/right", alice)
    connect(page)
    page.get_by_label("DIEM to stake").fill("5")
    expect(panel(page, "Stake DIEM").get_by_role("row", name="Credit today")).to_contain_text("$5.00")
    page.get_by_role("button", name="Stake 5 DIEM").click()
    expect_sent(page, "final")
    assert len(visitor.wallet.requests("eth_signTypedData_v4")) == 1
    assert right(world, alice) == (5, 5)
    visitor.wait_until(lambda: credit(world, alice) == 5, "the service grants it")
    expect(tile(page, "Your right today")).to_contain_text("$5.00")
    assert world.spend(world.key(alice)).status_code == 200


@pytest.mark.browser_long
def test_an_exit_keeps_today_and_costs_tomorrow_can_be_taken_back_and_is_paid_after_a_day(
    world: World, visitor: Visitor
) -> None:
    alice = world.person(staked_diem=5)
    page = visitor.open("/right", alice)
    connect(page)
    page.get_by_label("DIEM to take out").fill("2")
    preview = panel(page, "Take DIEM out")
    expect(preview.get_by_role("row", name="Credit from tomorrow")).to_contain_text("$3.00 a day")
    page.get_by_role("button", name="Take 2 DIEM out").click()
    expect_sent(page, "final")
    assert right(world, alice) == (5, 3)

    page.get_by_role("button", name=re.compile("^Take back")).click()
    page.get_by_role("dialog").get_by_role("button", name="Stake 2 DIEM again").click()
    expect_sent(page, "final")
    assert right(world, alice) == (5, 5)
    expect(page.get_by_text("No exit is open.")).to_be_visible()

    page.get_by_label("DIEM to take out").fill("2")
    page.get_by_role("button", name="Take 2 DIEM out").click()
    expect_sent(page, "final")
    world.jump(SECONDS_PER_EPOCH)
    expect(page.get_by_text("Ready now")).to_be_visible()
    page.get_by_role("button", name="Claim 2 DIEM").click()
    expect_sent(page, "final")
    assert world.view("DIEM", "balanceOf", alice.address) == 2 * WEI_PER_TOKEN
    assert credit(world, alice) == 3
    expect(tile(page, "In your wallet")).to_contain_text("2")


@pytest.mark.browser_long
def test_an_exit_that_is_taken_back_on_a_later_day_gives_todays_credit_again_as_the_page_says(
    world: World, visitor: Visitor
) -> None:
    alice = world.person(staked_diem=5)
    world.send(alice, "InferenceStake", "requestUnstake", 2 * WEI_PER_TOKEN)
    world.next_day()
    page = visitor.open("/right", alice)
    connect(page)
    page.get_by_role("button", name=re.compile("^Take back")).click()
    today = page.get_by_role("dialog").get_by_role("row", name="Credit today")
    expect(today).to_contain_text("$3.00")
    expect(today).to_contain_text("$5.00")
    page.get_by_role("button", name="Stake 2 DIEM again").click()
    expect_sent(page, "final")
    assert right(world, alice) == (5, 5)


@pytest.mark.browser_long
def test_a_right_that_is_given_is_spent_by_the_receiver_and_the_giver_waits_for_the_term(
    world: World, visitor: Visitor
) -> None:
    alice, bob = world.person(staked_diem=5), world.person()
    page = visitor.open("/right", alice)
    connect(page)
    page.get_by_label("To which address").fill(bob.address)
    page.get_by_label("The right of how much DIEM").fill("2")
    page.get_by_role("button", name="7 days").click()
    preview = panel(page, "Give your daily right to somebody")
    expect(preview.get_by_role("row", name="Credit from tomorrow", exact=False).first).to_contain_text(
        "$3.00 a day"
    )
    expect(preview.get_by_role("row", name=re.compile("Credit of 0x"))).to_contain_text("$2.00 a day")
    page.get_by_role("button", name="Give the right of 2 DIEM").click()
    expect_sent(page, "final")
    assert (right(world, alice), right(world, bob)) == ((5, 3), (0, 2))
    given = panel(page, "Rights you gave")
    expect(given).to_contain_text("2 DIEM, $2.00 a day")
    expect(given.get_by_role("button", name=re.compile("^End"))).to_be_disabled()
    page.get_by_label("DIEM to take out").fill("4")
    expect(panel(page, "Take DIEM out")).to_contain_text("You have 3 DIEM.")

    world.next_day()
    assert (credit(world, alice), credit(world, bob)) == (3, 2)
    assert world.spend(world.key(bob)).status_code == 200

    world.jump(6 * SECONDS_PER_EPOCH)
    expect(given).to_contain_text("term is over")
    given.get_by_role("button", name=re.compile("^End")).click()
    page.get_by_role("dialog").get_by_role("button", name="End the delegation").click()
    expect_sent(page, "final")
    assert (right(world, alice), right(world, bob)) == ((3, 5), (2, 0))
    expect(given).to_contain_text("You have given nothing.")


@pytest.mark.browser_long
def test_a_receiver_gives_a_right_back_at_any_time(world: World, visitor: Visitor) -> None:
    alice, bob = world.person(staked_diem=5), world.person()
    until = world.view("InferenceStake", "epoch") + 100
    world.send(alice, "InferenceStake", "delegate", bob.address, 5 * WEI_PER_TOKEN, until)
    world.settle()
    page = visitor.open("/right", bob, size="phone", scheme="dark")
    connect(page)
    received = panel(page, "Rights you received")
    expect(received).to_contain_text("5 DIEM, $5.00 a day")
    expect(tile(page, "Received")).to_contain_text("5")
    axe.check(page)
    received.get_by_role("button", name=re.compile("^End")).click()
    page.get_by_role("dialog").get_by_role("button", name="End the delegation").click()
    expect_sent(page, "final")
    assert (right(world, alice), right(world, bob)) == ((5, 5), (0, 0))


@pytest.mark.browser_long
def test_a_wrong_address_or_a_term_out_of_bounds_is_told_and_not_offered(
    world: World, visitor: Visitor
) -> None:
    alice, bob = world.person(staked_diem=5), world.person()
    page = visitor.open("/right", alice)
    connect(page)
    receiver, term = page.get_by_label("To which address"), page.get_by_label("At least through")
    button = page.get_by_role("button", name="Give the right of 1 DIEM")
    page.get_by_label("The right of how much DIEM").fill("1")
    page.get_by_role("button", name="30 days").click()
    for address, problem in {
        bob.address[:-1]: "That is not an address",
        "<img src=x onerror=alert(1)>": "That is not an address",
        bob.address.swapcase().replace("0X", "0x"): "its capitals do not match",
        alice.address: "That is your own address",
    }.items():
        receiver.fill(address)
        expect(page.get_by_text(problem)).to_be_visible()
        expect(button).to_be_disabled()
    receiver.fill(bob.address)
    expect(button).to_be_enabled()
    for day in ["2020-01-01", "2999-12-31"]:
        term.fill(day)
        expect(page.get_by_text("Choose a day from")).to_be_visible()
        expect(button).to_be_disabled()
    receiver.fill(world.view("InferenceStake", "diem"))
    page.get_by_role("button", name="1 year").click()
    expect(page.get_by_text("This address cannot receive it")).to_be_visible()
    expect(button).to_be_disabled()
    assert not visitor.wallet.requests("eth_sendTransaction")
