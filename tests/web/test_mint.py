"""Minting along the curve, by keyboard, hand and figures, and burning: the chain does what the page says."""

import re
from decimal import Decimal

import pytest
from playwright.sync_api import Locator, Page, expect

from entitlement.core.units import WEI_PER_TOKEN, Wei
from tests.web import axe
from tests.web.acts import connect, expect_sent
from tests.web.browser import Visitor
from tests.web.stack import Person, World

STAKED = 5_000


@pytest.fixture
def alice(world: World) -> Person:
    person = world.person(vvv=STAKED)
    person.actor.stake_vvv(Wei(STAKED * WEI_PER_TOKEN))
    world.settle()
    return person


def field(page: Page, label: str) -> Locator:
    return page.get_by_role("textbox", name=label)


def wei(text: str) -> int:
    """Every digit of what stands in a field."""
    return int(Decimal(text) * WEI_PER_TOKEN)


def position(world: World, person: Person) -> tuple[int, int]:
    locked, minted = world.view("DiemMint", "lockedStakes", person.address)
    return locked, minted


def mint(page: Page) -> Locator:
    return page.get_by_role("button", name=re.compile(r"^Mint [\d.,]+ DIEM$"))


def tolerate(page: Page, share: str) -> None:
    page.get_by_role("radio", name=share, exact=True).check()


def test_the_handle_is_moved_by_keyboard_and_what_it_says_is_minted_to_the_wei(
    world: World, visitor: Visitor, alice: Person
) -> None:
    page = visitor.open("/mint", alice)
    connect(page)
    handle = page.get_by_role("slider", name="DIEM to mint, along the curve")
    expect(page.get_by_text("Your unlocked VVV mints up to 10.")).to_be_visible()
    handle.press("PageUp")
    handle.press("ArrowRight")
    handle.press("ArrowRight")
    handle.press("ArrowLeft")
    amount = wei(field(page, "DIEM to mint").input_value())
    lock = wei(field(page, "VVV to lock").input_value())
    assert amount == 2_020_000_000_000_000_000, "a tenth of 20 DIEM, and a thousandth"
    assert lock == world.view("DiemMint", "quoteLock", amount)
    expect(handle).to_have_attribute("aria-valuetext", re.compile(r"^2\.02 DIEM, locks 9\d\d\.\d\d VVV"))
    mint(page).click()
    expect_sent(page, "final")
    assert position(world, alice) == (lock, amount)
    expect(field(page, "DIEM to mint")).to_have_value("")
    expect(page.get_by_text("Your unlocked VVV mints up to 8.")).to_be_visible()


@pytest.mark.browser_long
def test_vvv_that_is_typed_mints_what_the_contract_answers_and_locks_no_more(
    world: World, visitor: Visitor, alice: Person
) -> None:
    page = visitor.open("/mint", alice)
    connect(page)
    wanted = 1_000 * WEI_PER_TOKEN + 7
    field(page, "VVV to lock").fill("1000.000000000000000007")
    amount = wei(field(page, "DIEM to mint").input_value())
    assert amount == world.view("DiemMint", "getDiemAmountOut", wanted)
    expect(page.get_by_text("never mints less than")).to_be_visible()
    mint(page).click()
    expect_sent(page, "final")
    locked, minted = position(world, alice)
    assert minted == amount
    assert locked <= wanted
    assert locked == world.view("StakedVVV", "balanceOf", alice.address) - world.view(
        "StakedVVV", "balanceOfUnlocked", alice.address
    )


@pytest.mark.browser_long
@pytest.mark.parametrize("view", ["My mint", "Whole curve"])
def test_the_handle_is_dragged_and_both_amounts_follow_it(
    world: World, visitor: Visitor, alice: Person, view: str
) -> None:
    page = visitor.open("/mint", alice)
    connect(page)
    expect(page.get_by_text("Your unlocked VVV mints up to 10.")).to_be_visible()
    page.get_by_role("button", name=view).click()
    page.get_by_role("slider").scroll_into_view_if_needed()
    box = page.get_by_role("slider").bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 14, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.3, middle, steps=5)
    first = wei(field(page, "DIEM to mint").input_value())
    page.mouse.move(box["x"] + box["width"] * 0.6, middle, steps=5)
    page.mouse.up()
    amount = wei(field(page, "DIEM to mint").input_value())
    assert 0 < first < amount
    assert wei(field(page, "VVV to lock").input_value()) == world.view("DiemMint", "quoteLock", amount)
    knob = page.locator(".curve .knob").bounding_box()
    assert knob is not None
    assert abs(knob["x"] + knob["width"] / 2 - (box["x"] + box["width"] * 0.6)) < 8, "it is where the hand is"


@pytest.mark.browser_long
def test_a_price_that_moves_beyond_the_tolerance_locks_nothing_and_within_it_mints(
    world: World, visitor: Visitor, alice: Person
) -> None:
    bob = world.person(vvv=STAKED)
    bob.actor.stake_vvv(Wei(STAKED * WEI_PER_TOKEN))
    world.settle()
    page = visitor.open("/mint", alice)
    connect(page)

    def bob_first() -> None:
        bob.actor.mint_diem(Wei(WEI_PER_TOKEN), Wei(STAKED * WEI_PER_TOKEN))

    tolerate(page, "0 %")
    field(page, "DIEM to mint").fill("3")
    visitor.wallet.before_sending = bob_first
    mint(page).click()
    expect_sent(page, "reverted", "The price moved")
    assert position(world, alice) == (0, 0)
    page.get_by_role("button", name="Done").click()
    tolerate(page, "0.5 %")
    field(page, "DIEM to mint").fill("3")
    visitor.wallet.before_sending = bob_first
    mint(page).click()
    expect_sent(page, "final")
    assert position(world, alice)[1] == 3 * WEI_PER_TOKEN


@pytest.mark.browser_long
def test_burning_gives_back_pro_rata_and_staked_diem_has_to_leave_first(
    world: World, visitor: Visitor, alice: Person
) -> None:
    alice.actor.mint_diem(Wei(4 * WEI_PER_TOKEN), Wei(STAKED * WEI_PER_TOKEN))
    alice.actor.stake_diem(Wei(3 * WEI_PER_TOKEN))
    world.settle()
    page = visitor.open("/mint", alice)
    connect(page)
    burning = page.get_by_role("region", name="Burn DIEM")
    expect(burning).to_contain_text("You minted 4 DIEM; 1 are in your wallet. 3 are staked")
    expect(burning.get_by_role("link", name="Daily right")).to_have_attribute("href", "/right")
    field(page, "DIEM to burn").fill("2")
    expect(burning.get_by_text("You have 1 DIEM.")).to_be_visible()
    expect(burning.get_by_role("button", name="Burn", exact=True)).to_be_disabled()
    field(page, "DIEM to burn").fill("0.5")
    locked, _ = position(world, alice)
    back = world.view("DiemMint", "quoteUnlock", alice.address, WEI_PER_TOKEN // 2)
    burning.get_by_role("button", name="Burn 0.5 DIEM").click()
    expect_sent(page, "final")
    assert position(world, alice) == (locked - back, 3 * WEI_PER_TOKEN + WEI_PER_TOKEN // 2)
    unlocked = world.view("StakedVVV", "balanceOfUnlocked", alice.address)
    assert unlocked == STAKED * WEI_PER_TOKEN - locked + back


@pytest.mark.browser_long
def test_more_than_the_cap_or_the_stake_is_not_offered_and_anybody_may_calculate(
    world: World, visitor: Visitor, alice: Person
) -> None:
    page = visitor.open("/mint", alice)
    field(page, "DIEM to mint").fill("100")
    quote = world.view("DiemMint", "quoteLock", 100 * WEI_PER_TOKEN)
    expect(field(page, "VVV to lock")).to_have_value(re.compile(rf"^{quote // WEI_PER_TOKEN}\."))
    connect(page)
    expect(page.get_by_text("You have 5,000 VVV.")).to_be_visible()
    expect(mint(page)).to_be_disabled()
    field(page, "DIEM to mint").fill("25000")
    expect(page.get_by_text("the cap is reached then")).to_be_visible()
    for hostile in ["1e400", "0x10", "-1", "9" * 80, "<img src=x onerror=alert(1)>"]:
        field(page, "DIEM to mint").fill(hostile)
        expect(page.get_by_role("button", name="Mint", exact=True)).to_be_disabled()
    axe.check(page)
    assert not visitor.wallet.requests("eth_sendTransaction")
