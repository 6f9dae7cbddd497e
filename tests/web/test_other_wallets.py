"""Wallets that are not in the browser: offered where the operator says so, and asked when they are chosen.

There is no internet here: whatever is asked for fails, and who asked is seen.
"""

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from tests.web import axe, screens
from tests.web.acts import connect
from tests.web.browser import Visitor
from tests.web.stack import World

pytestmark = pytest.mark.browser_long
PROJECT_ID = "ab" * 16
RELAY = re.compile(r"^wss://relay\.walletconnect\.(org|com)/")
NAMED = re.compile(r"https://([a-z-]+\.)*walletconnect\.(com|org)/|https://keys\.coinbase\.com/")
"""Whom the policy names."""
NO_LINE = r"ERR_NAME_NOT_RESOLVED|ERR_BLOCKED_BY_RESPONSE|request: [A-Z]+ " + NAMED.pattern


@pytest.fixture(scope="module", autouse=True)
def offered(world: World) -> Iterator[None]:
    """The API as an operator starts it who offers both."""
    told = {
        "ENTITLEMENT_WEB_WALLETCONNECT_PROJECT_ID": PROJECT_ID,
        "ENTITLEMENT_WEB_COINBASE": "true",
    }
    with world.api_told(**told):
        yield


def choose(page: Page, name: str) -> None:
    page.get_by_role("button", name="Connect a wallet").first.click()
    page.get_by_role("dialog").get_by_role("button", name=name).click()


def elsewhere(world: World, visitor: Visitor) -> list[str]:
    """Return what was asked of others than the service and its chain."""
    asked = [each.split(" ", 1)[1] for each in visitor.requested]
    return [
        each for each in asked if not each.startswith((world.url, world.stack.chain_url, "data:", "blob:"))
    ]


def test_who_chooses_neither_loads_nothing_of_them_and_tells_them_nothing(
    world: World, visitor: Visitor
) -> None:
    page = visitor.open("/", world.person())
    expect(page.get_by_role("heading", name="How it works")).to_be_visible()
    # What the wallets' code would do by itself it does in the first moments.
    page.wait_for_timeout(3_000)
    before = [each for each in visitor.requested if "/assets/" in each]
    connect(page)
    page.reload()
    expect(page.get_by_role("banner").get_by_role("button", name="Your wallet")).to_be_visible()
    assert elsewhere(world, visitor) == []
    bodies = [page.request.get(each.split(" ", 1)[1]).text() for each in set(before)]
    assert bodies
    assert not any("relay.walletconnect" in body or "keys.coinbase.com/connect" in body for body in bodies)


def test_a_relay_that_cannot_be_reached_is_told_in_a_sentence_and_another_wallet_can_be_chosen(
    world: World, visitor: Visitor
) -> None:
    visitor.means(NO_LINE)
    page = visitor.open("/", world.person())
    choose(page, "WalletConnect")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("Connecting by WalletConnect")).to_be_visible()
    expect(dialog.get_by_role("alert")).to_contain_text("WalletConnect's relay cannot be reached")
    expect(dialog.get_by_role("alert")).to_contain_text("try again, or use a wallet in this browser")
    expect(dialog.get_by_text("The wallet is asking you")).to_have_count(0)
    assert all(NAMED.match(each) for each in elsewhere(world, visitor))
    axe.check(page)
    dialog.get_by_role("button", name="Test Wallet").click()
    expect(page.get_by_role("banner").get_by_role("button", name="Your wallet")).to_be_visible()


def test_a_relay_that_answers_gives_a_code_to_scan_which_can_be_copied_and_left_again(
    world: World, visitor: Visitor
) -> None:
    visitor.means(NO_LINE)
    page = visitor.open(None, world.person())

    def relay(line: WebSocketRoute) -> None:
        """Say yes to all: subscribed, published."""

        def answer(message: str | bytes) -> None:
            asked = json.loads(message)
            if "method" in asked:
                result = "00" * 32 if "ubscribe" in asked["method"] else True
                line.send(json.dumps({"id": asked["id"], "jsonrpc": "2.0", "result": result}))

        line.on_message(answer)

    page.route_web_socket(RELAY, relay)
    page.goto(world.url)
    choose(page, "WalletConnect")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("img", name="The code that connects your other device")).to_be_visible()
    dialog.get_by_role("button", name="Copy the code").click()
    code = page.evaluate("navigator.clipboard.readText()")
    assert re.match(r"wc:[0-9a-f]{64}@2\?", code)
    link = dialog.get_by_role("link", name="Open a wallet on this device")
    assert link.get_attribute("href") == code
    axe.check(page)
    screens.take(page, "pairing", "desktop", "light")
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog.get_by_role("button", name="Test Wallet")).to_be_visible()


def test_coinbases_window_opens_and_one_that_never_answers_is_told_with_the_way_back(
    world: World, visitor: Visitor
) -> None:
    visitor.means(NO_LINE)
    page = visitor.open("/", world.person())
    page.get_by_role("button", name="Connect a wallet").first.click()
    with page.expect_popup() as opened:
        page.get_by_role("dialog").get_by_role("button", name="Coinbase Wallet").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("Nothing has come back from Coinbase Wallet yet.")).to_be_visible()
    assert any(each.startswith("https://keys.coinbase.com/connect?") for each in elsewhere(world, visitor))
    assert all(NAMED.match(each) for each in elsewhere(world, visitor))
    opened.value.close()
    dialog.get_by_role("button", name="Cancel").click()
    dialog.get_by_role("button", name="Test Wallet").click()
    expect(page.get_by_role("banner").get_by_role("button", name="Your wallet")).to_be_visible()
