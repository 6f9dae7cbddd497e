"""No node is named for browsers: what the page knows of the chain comes through the reader's own wallet."""

import json
import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.web.acts import connect, expect_sent, stake
from tests.web.browser import Visitor
from tests.web.stack import Person, World

pytestmark = pytest.mark.browser_long


def open_without_node(world: World, visitor: Visitor, path: str, person: Person) -> Page:
    """Open a page as it is served where ENTITLEMENT_WEB_RPC_URL is not set, on a chain that is none of ours.

    The stack's own chain tells its node. Without it in the policy, the browser itself refuses to ask it.
    """
    page = visitor.open(None, person)
    node = world.stack.chain_url

    def served(route: Route) -> None:
        answer = route.fetch()
        policy = answer.headers["content-security-policy"]
        told = answer.text()
        assert f'"rpcUrl":{json.dumps(node)}' in told
        assert f" {node}" in policy
        route.fulfill(
            response=answer,
            headers=answer.headers | {"content-security-policy": policy.replace(f" {node}", "")},
            body=told.replace(f'"rpcUrl":{json.dumps(node)}', '"rpcUrl":null'),
        )

    page.route(lambda url: url == f"{world.url}{path}", served)
    page.goto(f"{world.url}{path}")
    return page


def test_a_position_is_read_and_a_stake_is_done_through_the_wallets_own_node_and_no_other(
    world: World, visitor: Visitor
) -> None:
    alice = world.person(vvv=100)
    page = open_without_node(world, visitor, "/stake", alice)
    expect(page.get_by_text("The chain's node does not answer")).to_have_count(0)
    connect(page)
    expect(page.locator(".tile", has_text=re.compile("^VVV in wallet"))).to_contain_text("100")
    stake(page, "10").click()
    expect_sent(page, "final")
    assert world.view("StakedVVV", "balanceOf", alice.address) == 10 * 10**18
    expect(page.locator(".tile", has_text=re.compile("^VVV unlocked"))).to_contain_text("10")
    assert visitor.wallet.requests("eth_call"), "the wallet was asked"
    asked = [each for each in visitor.requested if each.split(" ", 1)[1].startswith(world.stack.chain_url)]
    assert asked == []
    page.reload()
    expect(page.locator(".tile", has_text=re.compile("^VVV unlocked"))).to_contain_text("10")


def test_before_a_wallet_is_connected_nothing_is_said_to_be_broken(world: World, visitor: Visitor) -> None:
    page = open_without_node(world, visitor, "/", world.person(staked_diem=1))
    expect(page.locator(".tile", has_text="Credit a day")).to_contain_text("$")
    # As often as a question to the chain is asked again where it fails.
    page.wait_for_timeout(8_000)
    expect(page.get_by_role("alert")).to_have_count(0)
