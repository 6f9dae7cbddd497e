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
