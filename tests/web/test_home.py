"""The first page: what a wallet has, earns and may spend, as contracts and ledger say at that moment."""

import re

import httpx
import pytest
from playwright.sync_api import Page, expect

from entitlement.core.units import WEI_PER_TOKEN, Wei
from entitlement.report.words import dollars
from tests.web import axe
from tests.web.browser import Visitor
from tests.web.screens import WAYS
from tests.web.stack import World

REWARDS = re.compile(r"([0-9]+)\.([0-9]{8}) VVV")
LOOKS = 4


def connect(page: Page) -> None:
    page.get_by_role("button", name="Connect a wallet").first.click()
    page.get_by_role("button", name="Test Wallet").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")


def sign_in(page: Page) -> None:
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("link", name="Use your credit")).to_be_visible()


def line(page: Page, name: str) -> str:
    """Return the figure beside a name."""
    found = page.locator(f"xpath=//dl/div[dt/text()='{name}']/dd")
    # What is waited for has digits too, to keep its place.
    expect(found).not_to_contain_text("Loading")
    expect(found).to_have_text(re.compile("[0-9]"))
    return found.inner_text()


def test_a_wallet_sees_its_right_before_it_signs_in_and_what_is_left_of_it_after(
    world: World, visitor: Visitor
) -> None:
    alice = world.person(staked_diem=2)
    assert world.spend(world.key(alice)).is_success
    balance = world.ledger(alice).balance
    assert 0 < balance.diem < balance.granted
    page = visitor.open("/", alice)
    connect(page)
    expect(page.get_by_role("img", name="Today's credit: $2.00. for today")).to_be_visible()
    expect(page.get_by_text("Spent today")).to_have_count(0)
    sign_in(page)
    left = f"Credit left today: {dollars(balance.diem)}. left of $2.00"
    expect(page.get_by_role("img", name=left)).to_be_visible()
    assert line(page, "Tomorrow").startswith("$2.00")
    assert line(page, "Staked") == "2"
    expect(page.get_by_role("list", name="The newest events")).to_contain_text("Staked 2 DIEM")


@pytest.mark.browser_long
def test_rewards_grow_each_second_and_are_never_more_than_the_contract_pays(
    world: World, visitor: Visitor
) -> None:
    bob = world.person(vvv=5_000)
    bob.actor.stake_vvv(Wei(5_000 * WEI_PER_TOKEN))
    # The emission begins a minute after the deployment.
    world.jump(120)
    page = visitor.open("/", bob)
    connect(page)
    shown = page.locator(".rewards .value")
    expect(shown).to_have_text(REWARDS)
    before = 0
    for _ in range(LOOKS):
        page.wait_for_timeout(2_500)
        found = REWARDS.search(shown.inner_text())
        assert found is not None
        # The next block is of a moment after the look.
        world.mine()
        cut = int(found[1]) * WEI_PER_TOKEN + int(found[2]) * 10**10
        assert before < cut <= world.view("StakedVVV", "pendingRewards", bob.address)
        before = cut


@pytest.mark.browser_long
def test_an_exit_that_can_be_claimed_is_told_with_the_way_to_it(world: World, visitor: Visitor) -> None:
    carol = world.person(staked_diem=3)
    world.send(carol, "InferenceStake", "requestUnstake", 2 * WEI_PER_TOKEN)
    world.settle()
    page = visitor.open("/", carol)
    connect(page)
    leaving = page.locator(".line", has_text="can be claimed from")
    expect(leaving.locator("dd")).to_have_text("2")
    expect(page.locator(".line", has_text="Tomorrow")).to_contain_text("$2.00 less than today")
    expect(page.get_by_text("An exit is ready")).to_have_count(0)
    world.jump(24 * 3_600 + 60)
    notice = page.get_by_role("status").filter(has_text="An exit is ready: 2 DIEM can be claimed.")
    expect(notice).to_be_visible()
    notice.get_by_role("link", name="Claim it").click()
    expect(page).to_have_url(re.compile("/right$"))


@pytest.mark.browser_long
def test_what_is_not_final_yet_is_told_until_it_is(slow_world: World, slow_visitor: Visitor) -> None:
    dora = slow_world.person(vvv=7)
    page = slow_visitor.open("/", dora)
    connect(page)
    dora.actor.stake_vvv(Wei(7 * WEI_PER_TOKEN))
    expect(page.get_by_text("7 more VVV staked and free")).to_be_visible()
    expect(page.get_by_role("list", name="The newest events")).to_contain_text("not final yet")
    slow_world.settle()
    expect(page.get_by_text("7 more VVV staked and free")).to_have_count(0)


@pytest.mark.browser_long
def test_a_keys_name_is_text_and_its_end_is_told(world: World, visitor: Visitor) -> None:
    erin = world.person(staked_diem=1)
    hostile = "<img src=x onerror=alert(1)>"
    page = visitor.open("/", erin)
    connect(page)
    sign_in(page)
    token = page.evaluate("JSON.parse(sessionStorage.getItem('entitlement.session')).token")
    made = httpx.post(
        f"{world.url}/v1/keys",
        json={"description": hostile, "expires_at": world.now() + 3 * 86_400},
        headers={"Authorization": f"Bearer {token}"},
    )
    assert made.is_success, made.text
    page.reload()
    expect(page.get_by_role("status").filter(has_text=hostile)).to_contain_text("expires")


@pytest.mark.browser_long
def test_credit_that_is_four_fifths_spent_is_told_with_what_is_left_and_that_nothing_is(
    world: World, visitor: Visitor
) -> None:
    gail = world.person(staked_diem=1)
    secret = world.key(gail)
    world.charge(secret, 799_000_000)
    page = visitor.open("/", gail)
    connect(page)
    sign_in(page)
    attention = page.get_by_role("region", name="Needs attention")
    expect(page.get_by_role("img", name="Credit left today: $0.20. left of $1.00")).to_be_visible()
    expect(attention).to_have_count(0)
    world.charge(secret, 1_000_000)
    expect(attention.get_by_text("$0.20 is left of today's $1.00.")).to_be_visible()
    world.charge(secret, 200_000_000)
    notice = attention.get_by_role("status").filter(has_text="Today's $1.00 is spent.")
    notice.get_by_role("link", name="Buy credit").click()
    expect(page).to_have_url(re.compile("/credit$"))


@pytest.mark.browser_long
def test_a_delegation_whose_term_ends_in_three_days_is_told_to_who_gave_it_and_to_who_has_it(
    world: World, visitor: Visitor
) -> None:
    hana, ivo = world.person(staked_diem=3), world.person()
    until = world.view("InferenceStake", "epoch") + 4
    world.send(hana, "InferenceStake", "delegate", ivo.address, 2 * WEI_PER_TOKEN, until)
    world.settle()
    page = visitor.open("/", hana)
    connect(page)
    assert line(page, "of it given to others") == "2"
    attention = page.get_by_role("region", name="Needs attention")
    expect(attention).to_have_count(0)
    world.next_day()
    expect(attention.get_by_text("The term of 2 DIEM that you gave ends")).to_be_visible()
    visitor.wallet.use(ivo.account)
    expect(attention.get_by_text("The term of 2 DIEM that you receive ends")).to_be_visible()
    attention.get_by_role("link", name="See delegations").click()
    expect(page).to_have_url(re.compile("/right$"))


@pytest.mark.browser_long
def test_who_comes_without_a_wallet_sees_the_public_figures(world: World, visitor: Visitor) -> None:
    page = visitor.open("/", has_wallet=False)
    staked = int(httpx.get(f"{world.url}/v1/public/diem", timeout=30).json()["staked"]["amount"])
    tile = page.locator(".tile", has_text="Credit a day")
    expect(tile).to_contain_text(dollars(staked // 10**9))
    expect(page.get_by_role("heading", name="Mint DIEM")).to_be_visible()
    page.get_by_role("link", name="All public figures").click()
    expect(page.get_by_role("heading", name="Supply of VVV")).to_be_visible()
    page.get_by_role("link", name="Dashboard").click()
    expect(page.get_by_role("heading", name="How it works")).to_be_visible()


@pytest.mark.browser_long
@pytest.mark.parametrize(("size", "scheme"), WAYS)
def test_nothing_keeps_anybody_out_of_the_first_page(
    world: World, visitor: Visitor, size: str, scheme: str
) -> None:
    frank = world.person(vvv=50, staked_diem=1)
    page = visitor.open("/", frank, size=size, scheme=scheme)  # type: ignore[arg-type]
    expect(page.locator(".tile .skeleton")).to_have_count(0)
    axe.check(page)
    connect(page)
    sign_in(page)
    axe.check(page)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
