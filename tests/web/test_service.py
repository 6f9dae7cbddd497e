"""The service goes away, comes back, forgets who was signed in, and charges what a key has spent."""

from playwright.sync_api import expect

from tests.web.acts import connect, sign_in, stake
from tests.web.browser import Visitor
from tests.web.stack import World

SILENCE = r"ERR_CONNECTION|Failed to load resource|Failed to fetch"


def test_the_page_says_that_the_service_is_away_and_recovers_by_itself(
    world: World, visitor: Visitor
) -> None:
    alice = world.person(vvv=100)
    page = visitor.open("/stake", alice)
    connect(page)
    visitor.means(SILENCE)
    with world.api_away():
        expect(page.get_by_text("The service does not answer.").first).to_be_visible()
        # The chain does: nobody is locked in.
        stake(page, "10").click()
        visitor.wait_until(lambda: world.view("StakedVVV", "balanceOf", alice.address) > 0, "staked")
    expect(page.get_by_text("The service does not answer.")).to_have_count(0)


def test_a_session_that_ended_says_so_and_a_new_one_brings_everything_back(
    world: World, visitor: Visitor
) -> None:
    page = visitor.open("/", world.person(staked_diem=1))
    connect(page)
    sign_in(page)
    visitor.means("status of 401")
    world.jump(2 * 86_400)
    expect(page.get_by_text("Your session has ended.").first).to_be_visible()
    sign_in(page)
    expect(page.get_by_text("Your session has ended.")).to_have_count(0)
