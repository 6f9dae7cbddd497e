"""What holds on every address of the page: nobody else is asked, nobody is kept out, little is loaded."""

import httpx
import pytest
from playwright.sync_api import expect

from entitlement.api.dashboard import PAGES
from entitlement.core.units import WEI_PER_TOKEN, Wei
from tests.web import axe, screens, weight
from tests.web.acts import connect, go, sign_in
from tests.web.browser import Scheme, Size, Visitor
from tests.web.stack import Person, World

SCRIPT_BYTES_MOST = 250_000
LOOK = """() => {
  const looks = {};
  for (const element of document.querySelectorAll("main *")) {
    const names = [];
    for (let each = element; each.tagName !== "MAIN"; each = each.parentElement) {
      names.push(`${each.tagName}.${each.getAttribute("class") ?? ""}`);
    }
    const style = getComputedStyle(element);
    looks[names.reverse().join(" ")] = [
      "display", "position", "margin", "padding", "gap", "flex", "gridAutoFlow", "fontSize", "fontWeight",
      "lineHeight", "color", "backgroundColor", "borderStyle", "borderRadius", "textAlign",
    ].map((name) => `${name}: ${style[name]}`).join("; ");
  }
  return looks;
}"""
"""How every element of the page looks, by its way down from the top; of alike ones the last."""
SHIFT_MOST = 0.1


def test_each_page_has_a_heading_and_keeps_nobody_out_before_a_wallet_is_connected(visitor: Visitor) -> None:
    page = visitor.open(None)
    for path in PAGES:
        go(page, visitor.url + path)
        expect(page.get_by_role("main")).to_be_visible()
        axe.check(page)


def test_the_policy_lets_no_inline_script_and_no_other_origin_in(world: World) -> None:
    policy = httpx.get(world.url, timeout=30).headers["content-security-policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == "'self'"
    assert set(rules["connect-src"].split()) <= {"'self'", world.stack.chain_url}
    assert "unsafe" not in policy
    assert "*" not in policy


def test_the_first_load_is_light_and_nothing_moves(visitor: Visitor) -> None:
    page = visitor.open(None)
    loading = weight.watched(page, visitor.url)
    weight.report("home", loading)
    assert loading.script_bytes < SCRIPT_BYTES_MOST
    assert loading.shift < SHIFT_MOST


@pytest.mark.browser_long
@pytest.mark.parametrize("size", ["phone", "desktop"])
@pytest.mark.parametrize("path", PAGES)
def test_nothing_moves_on_a_connected_wallets_page(
    world: World, visitor: Visitor, path: str, size: Size
) -> None:
    page = visitor.open("/", world.person(vvv=1_000, usdc=100, staked_diem=3), size=size)
    connect(page)
    loading = weight.watched(page, visitor.url + path)
    weight.report(f"{path.strip('/') or 'home'}-connected-{size}", loading)
    assert loading.shift < SHIFT_MOST


@pytest.mark.browser_long
def test_a_page_looks_as_it_does_whatever_was_seen_before_it(world: World, visitor: Visitor) -> None:
    page = visitor.open("/keys", busy(world))
    connect(page)
    sign_in(page)
    direct: dict[str, dict[str, str]] = {}
    seen = [path for path in PAGES if path != "/operator"]
    for path in seen:
        page.goto(visitor.url + path)
        page.wait_for_load_state("networkidle")
        direct[path] = page.evaluate(LOOK)
    # By the page's own links no document is loaded anew: what the others brought along is still there.
    for path in (*seen, *seen):
        page.get_by_role("navigation").locator(f"a[href='{path}']").click()
        page.wait_for_load_state("networkidle")
        page.mouse.move(0, 0)
    for path in seen:
        page.get_by_role("navigation").locator(f"a[href='{path}']").click()
        page.wait_for_load_state("networkidle")
        now = page.evaluate(LOOK)
        both = now.keys() & direct[path].keys()
        assert len(both) > len(now) // 2, path
        assert {way: now[way] for way in both} == {way: direct[path][way] for way in both}, path


def busy(world: World) -> Person:
    """Return somebody of whom every page has something to show."""
    made = world.person(vvv=10_000, usdc=100)
    made.actor.stake_vvv(Wei(8_000 * WEI_PER_TOKEN))
    made.actor.mint_diem(Wei(5 * WEI_PER_TOKEN), Wei(4_000 * WEI_PER_TOKEN))
    made.actor.stake_diem(Wei(3 * WEI_PER_TOKEN))
    world.send(made, "StakedVVV", "requestUnstake", 500 * WEI_PER_TOKEN)
    world.settle()
    for name in ("notebook", "nightly batch"):
        assert world.spend(world.key(made, name), "word " * 2_000, "echo-large").is_success
    return made


@pytest.mark.parametrize(("size", "scheme"), screens.WAYS)
def test_every_page_is_pictured_with_a_wallet_and_keeps_nobody_out(
    world: World, visitor: Visitor, size: Size, scheme: Scheme
) -> None:
    page = visitor.open("/keys", busy(world), size=size, scheme=scheme)
    connect(page)
    sign_in(page)
    for path in PAGES:
        page.goto(visitor.url + path)
        page.wait_for_load_state("networkidle")
        # Whom the operator's view is for, its own tests know.
        if path != "/operator":
            screens.take(page, path.strip("/") or "home", size, scheme)
        axe.check(page)
        wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, f"{path} is {wide} pixels wider than a {size}"


def test_the_public_figures_need_no_script_and_the_page_says_where_they_are(
    world: World, visitor: Visitor
) -> None:
    page = visitor.open("/", script=False)
    page.get_by_role("link", name="public figures").click()
    expect(page).to_have_url(f"{visitor.url}/public")
    supply = int(world.view("DIEM", "totalSupply")) // 10**18
    expect(page.locator("body")).to_contain_text(f"{supply:,}")
