"""Connecting: which wallet, which account, which chain, and every no on the way."""

import pytest
from playwright.sync_api import expect

from entitlement.cli.service_client import ServiceClient
from entitlement.core.errors import EntitlementError
from tests.web.acts import NO, connect, is_connected, sign_in
from tests.web.browser import Visitor
from tests.web.stack import World
from tests.web.wallet import CHAIN, ELSEWHERE


def test_a_wallet_connects_and_stays_connected_over_a_reload(world: World, visitor: Visitor) -> None:
    alice = world.person()
    page = visitor.open("/", alice)
    connect(page)
    is_connected(page, alice.address)
    page.reload()
    is_connected(page, alice.address)
    assert not visitor.wallet.requests("personal_sign"), "connecting asks for no signature"
    assert not visitor.wallet.requests("eth_sendTransaction")


def test_a_person_who_says_no_to_connecting_is_told_so_and_may_try_again(
    world: World, visitor: Visitor
) -> None:
    alice = world.person()
    page = visitor.open("/", alice)
    visitor.wallet.reject_next()
    page.get_by_role("button", name="Connect a wallet").first.click()
    page.get_by_role("button", name="Test Wallet").click()
    expect(page.get_by_text(NO)).to_be_visible()
    page.get_by_role("button", name="Test Wallet").click()
    is_connected(page, alice.address)


def test_a_browser_without_a_wallet_is_told_what_to_do(visitor: Visitor) -> None:
    page = visitor.open("/", has_wallet=False)
    page.get_by_role("button", name="Connect a wallet").first.click()
    expect(page.get_by_text("No wallet was found in this browser.")).to_be_visible()


def test_another_account_of_the_wallet_is_shown_at_once(world: World, visitor: Visitor) -> None:
    alice, bob = world.person(), world.person()
    page = visitor.open("/", alice)
    connect(page)
    visitor.wallet.use(bob.account)
    is_connected(page, bob.address)
    visitor.wallet.disconnect()
    expect(page.get_by_role("button", name="Connect a wallet").first).to_be_visible()


def test_a_wallet_on_another_chain_is_asked_to_switch_and_our_chain_is_added_to_one_that_does_not_know_it(
    world: World, visitor: Visitor
) -> None:
    page = visitor.open("/", world.person())
    visitor.wallet.chain_id, visitor.wallet.knows_chain = ELSEWHERE, False
    connect(page)
    expect(page.get_by_text("Your wallet is on another network.")).to_be_visible()
    visitor.wallet.reject_next("wallet_switchEthereumChain")
    page.get_by_role("button", name="Switch to").click()
    expect(page.get_by_text("Your wallet is on another network.")).to_be_visible()
    assert visitor.wallet.chain_id == ELSEWHERE
    page.get_by_role("button", name="Switch to").click()
    expect(page.get_by_text("Your wallet is on another network.")).to_have_count(0)
    assert visitor.wallet.chain_id == CHAIN
    (added,) = visitor.wallet.requests("wallet_addEthereumChain")
    assert added.params[0]["chainId"] == hex(CHAIN)
    visitor.wallet.switch_to(ELSEWHERE)
    expect(page.get_by_text("Your wallet is on another network.")).to_be_visible()


def test_a_rejected_signature_opens_no_session_and_may_be_given_later(world: World, visitor: Visitor) -> None:
    page = visitor.open("/keys", world.person())
    connect(page)
    visitor.wallet.reject_next("personal_sign")
    page.get_by_role("button", name="Sign in").first.click()
    expect(page.get_by_text(NO)).to_be_visible()
    sign_in(page)
    asked = visitor.wallet.requests("personal_sign")
    assert [("error" in each.answer) for each in asked] == [True, False]
    text = bytes.fromhex(asked[1].params[0].removeprefix("0x")).decode()
    assert text.startswith(f"{visitor.url.removeprefix('http://')} wants you to sign in")
    assert f"Chain ID: {CHAIN}" in text


def test_a_session_of_one_account_is_not_used_for_another(world: World, visitor: Visitor) -> None:
    page = visitor.open("/keys", world.person())
    connect(page)
    sign_in(page)
    visitor.wallet.use(world.person().account)
    expect(page.get_by_role("button", name="Sign in").first).to_be_visible()


@pytest.mark.browser_long
def test_signing_out_everywhere_ends_sessions_that_were_opened_elsewhere_and_no_key(
    world: World, visitor: Visitor
) -> None:
    alice = world.person(staked_diem=1)
    secret = world.key(alice, "a program's")
    with ServiceClient.sign_in(world.url, alice.account) as elsewhere:
        page = visitor.open("/keys", alice)
        connect(page)
        sign_in(page)
        expect(page.get_by_text("a program's").first).to_be_visible()
        page.get_by_role("button", name="Your wallet").click()
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_text("Ends every session of this wallet")).to_be_visible()
        # What was asked by the session that ended meanwhile.
        visitor.means("status of 401")
        dialog.get_by_role("button", name="Sign out everywhere").click()
        expect(dialog.get_by_text("sessions of this wallet ended. API keys go on.")).to_be_visible()
        expect(dialog.get_by_role("button", name="Sign out")).to_have_count(0)
        dialog.get_by_role("button", name="Close").click()
        expect(page.get_by_role("main").get_by_role("button", name="Sign in")).to_be_visible()
        expect(page.get_by_text("a program's")).to_have_count(0)
        with pytest.raises(EntitlementError, match="sign in"):
            elsewhere.get("/v1/keys")
    assert world.spend(secret).is_success
