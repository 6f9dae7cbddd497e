"""A chain whose newest blocks may still be undone: what the page says of a stake until it cannot be."""

import pytest

from entitlement.core.units import WEI_PER_TOKEN
from tests.web.acts import connect, expect_sent, stake
from tests.web.browser import Visitor
from tests.web.stack import World

pytestmark = pytest.mark.browser_long


def test_a_stake_is_confirmed_first_and_final_when_there_are_blocks_above_it(
    slow_world: World, slow_visitor: Visitor
) -> None:
    page = slow_visitor.open("/stake", slow_world.person(vvv=100))
    connect(page)
    stake(page, "10").click()
    expect_sent(page, "confirmed")
    slow_world.settle()
    expect_sent(page, "final")


def test_a_confirmed_stake_that_a_reorg_undoes_is_not_shown_as_done_and_can_be_done_again(
    slow_world: World, slow_visitor: Visitor
) -> None:
    alice = slow_world.person(vvv=100)
    page = slow_visitor.open("/stake", alice)
    connect(page)
    stake(page, "10").click()
    expect_sent(page, "confirmed")
    slow_world.reorg(1)
    assert slow_world.view("StakedVVV", "balanceOf", alice.address) == 0
    expect_sent(page, "pending", "The chain was reorganised")
    stake(page, "7").click()
    expect_sent(page, "confirmed")
    slow_world.settle()
    assert slow_world.view("StakedVVV", "balanceOf", alice.address) == 7 * WEI_PER_TOKEN


def test_a_refusal_that_a_reorg_undoes_is_followed_to_the_block_in_which_it_is_carried_out(
    slow_world: World, slow_visitor: Visitor
) -> None:
    alice, bob = slow_world.person(vvv=100), slow_world.person()
    page = slow_visitor.open("/stake", alice)
    connect(page)
    slow_visitor.wallet.before_sending = lambda: slow_world.send(
        alice, "VVV", "transfer", bob.address, 95 * WEI_PER_TOKEN
    )
    stake(page, "10").click()
    expect_sent(page, "reverted", "The balance is too small")
    signed = slow_world.node.ask("eth_getRawTransactionByHash", [slow_visitor.wallet.sent[-1]])
    slow_world.reorg(2)
    expect_sent(page, "pending", "The chain was reorganised")
    # In the chain as it is now less money went elsewhere before it.
    slow_world.send(alice, "VVV", "transfer", bob.address, WEI_PER_TOKEN)
    slow_world.node.ask("eth_sendRawTransaction", [signed])
    expect_sent(page, "confirmed")
    slow_world.settle()
    expect_sent(page, "final")
    assert slow_world.view("StakedVVV", "balanceOf", alice.address) == 10 * WEI_PER_TOKEN
