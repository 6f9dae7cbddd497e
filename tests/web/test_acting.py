"""A transaction on its way: signed, refused, reverted, lost, replaced, or left alone in the middle of it."""

import pytest
from playwright.sync_api import Page, expect

from entitlement.core.units import WEI_PER_TOKEN
from tests.web.acts import NO, connect, expect_sent, go, stake
from tests.web.browser import Visitor
from tests.web.stack import Person, World


@pytest.fixture
def alice(world: World) -> Person:
    return world.person(vvv=1_000)


@pytest.fixture
def page(visitor: Visitor, alice: Person) -> Page:
    """The page on which VVV is staked, connected."""
    opened = visitor.open("/stake", alice)
    connect(opened)
    return opened


def staked(world: World, person: Person) -> int:
    return int(world.view("StakedVVV", "balanceOf", person.address)) // WEI_PER_TOKEN


def test_a_stake_takes_one_permit_and_one_transaction_and_is_shown_when_it_is_final(
    world: World, visitor: Visitor, page: Page, alice: Person
) -> None:
    stake(page, "250").click()
    expect_sent(page, "final", mining=world)
    assert staked(world, alice) == 250
    assert len(visitor.wallet.requests("eth_signTypedData_v4")) == 1
    assert len(visitor.wallet.requests("eth_sendTransaction")) == 1
    permit = visitor.wallet.requests("eth_signTypedData_v4")[0].params[1]
    assert str(250 * WEI_PER_TOKEN) in permit, "for exactly what is spent"


def test_a_rejected_permit_and_a_rejected_transaction_send_nothing_and_say_so(
    world: World, visitor: Visitor, page: Page, alice: Person
) -> None:
    for method in ("eth_signTypedData_v4", "eth_sendTransaction"):
        visitor.wallet.reject_next(method)
        stake(page, "10").click()
        expect(page.get_by_text(NO).first).to_be_visible()
    assert visitor.wallet.sent == []
    assert staked(world, alice) == 0
    stake(page, "10").click()
    expect_sent(page, "final", mining=world)
    assert staked(world, alice) == 10


def test_a_transaction_that_reverts_is_told_with_the_contracts_reason(
    world: World, visitor: Visitor, page: Page, alice: Person
) -> None:
    bob = world.person()

    def spend_first() -> None:
        world.send(alice, "VVV", "transfer", bob.address, 995 * WEI_PER_TOKEN)

    # The page has tried it, the person has signed it: meanwhile the money went elsewhere.
    visitor.wallet.before_sending = spend_first
    stake(page, "10").click()
    expect_sent(page, "reverted", "The balance is too small")
    assert staked(world, alice) == 0


def test_what_is_sent_and_not_mined_survives_a_reload_and_is_found_when_it_is_mined(
    world: World, visitor: Visitor, page: Page, alice: Person
) -> None:
    with world.blocks_held():
        stake(page, "20").click()
        expect_sent(page, "pending")
        page.reload()
        expect_sent(page, "pending")
        go(page, visitor.url + "/")
        expect_sent(page, "pending")
    expect_sent(page, "final", mining=world)
    assert staked(world, alice) == 20


def test_a_transaction_that_was_signed_after_the_page_was_left_is_found_by_its_nonce(
    world: World, visitor: Visitor, page: Page, alice: Person
) -> None:
    stake(page, "30")
    visitor.wallet.hold("eth_sendTransaction")
    stake(page, "30").click()
    visitor.wait_until(lambda: visitor.wallet.is_waiting, "the wallet is asked to send")
    # The wallet's own window outlives the page that asked.
    page.reload()
    visitor.wallet.release()
    visitor.wait_until(lambda: staked(world, alice) == 30, "the transaction was mined")
    expect_sent(page, "final", mining=world)


@pytest.mark.browser_long
def test_a_transaction_of_which_the_wallet_said_nothing_is_found_all_the_same(
    world: World, visitor: Visitor, page: Page, alice: Person
) -> None:
    visitor.wallet.loses_answer = "eth_sendTransaction"
    stake(page, "25").click()
    visitor.wait_until(lambda: staked(world, alice) == 25, "the transaction was mined")
    expect_sent(page, "final", mining=world)


def test_a_fee_that_is_raised_in_the_wallet_is_followed_to_the_new_transaction(
    world: World, visitor: Visitor, page: Page, alice: Person
) -> None:
    with world.blocks_held():
        stake(page, "40").click()
        expect_sent(page, "pending")
        visitor.wallet.speed_up(visitor.wallet.sent[-1])
        world.mine()
        expect_sent(page, "final", mining=world)
    assert staked(world, alice) == 40


def test_a_transaction_that_is_cancelled_in_the_wallet_is_shown_as_replaced(
    world: World, visitor: Visitor, page: Page, alice: Person
) -> None:
    with world.blocks_held():
        stake(page, "50").click()
        expect_sent(page, "pending")
        visitor.wallet.cancel(visitor.wallet.sent[-1])
        world.mine()
        expect_sent(page, "replaced")
    assert staked(world, alice) == 0


@pytest.mark.browser_long
def test_a_transaction_that_the_node_forgot_stays_pending_and_can_be_done_again(
    world: World, visitor: Visitor, page: Page, alice: Person
) -> None:
    with world.blocks_held():
        stake(page, "60").click()
        expect_sent(page, "pending")
        world.drop(visitor.wallet.sent[-1])
        world.mine(3)
        page.wait_for_timeout(3_000)
        expect_sent(page, "pending")
    stake(page, "60").click()
    expect_sent(page, "final", mining=world)
    assert staked(world, alice) == 60


def test_an_act_that_would_be_refused_is_not_offered_and_says_why(visitor: Visitor, page: Page) -> None:
    button = stake(page, "1000.000000000000000001")
    expect(page.get_by_text("You have 1,000").first).to_be_visible()
    expect(button).to_be_disabled()
    assert not visitor.wallet.requests("eth_sendTransaction")
