"""My data: taken along as a file, and deleted by who names the wallet."""

import json
from http import HTTPStatus

import pytest
from playwright.sync_api import Page, expect

from tests.web import axe
from tests.web.acts import connect, sign_in
from tests.web.browser import Visitor
from tests.web.stack import Person, World

pytestmark = pytest.mark.browser_long


@pytest.fixture
def alice(world: World) -> Person:
    return world.person(staked_diem=1)


@pytest.fixture
def secret(world: World, alice: Person) -> str:
    made = world.key(alice, "notebook")
    assert world.spend(made).status_code == HTTPStatus.OK
    return made


@pytest.fixture
def page(visitor: Visitor, alice: Person, secret: str) -> Page:
    assert secret
    opened = visitor.open("/data", alice)
    connect(opened)
    sign_in(opened)
    return opened


def test_the_export_has_the_keys_and_requests_and_no_secret(page: Page, alice: Person, secret: str) -> None:
    axe.check(page)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download my data").click()
    text = waiting.value.path().read_text()
    told = json.loads(text)
    assert told["wallet"].lower() == alice.address.lower()
    assert [key["description"] for key in told["keys"]] == ["notebook"]
    assert secret not in text
    expect(page.get_by_text("Downloaded.")).to_be_visible()


def test_deleting_takes_the_wallets_name_ends_keys_and_sessions_and_says_what_stays(
    world: World, visitor: Visitor, page: Page, alice: Person, secret: str
) -> None:
    button = page.get_by_role("button", name="Delete my data")
    field = page.get_by_label("to confirm")
    field.fill(alice.address[:-1])
    expect(button).to_be_disabled()
    field.fill(alice.address)
    # What was asked by the session that ended meanwhile.
    visitor.means("status of 401")
    button.click()
    expect(page.get_by_role("heading", name="This was deleted")).to_be_visible()
    expect(page.get_by_text("the journal of money", exact=False).first).to_be_visible()
    expect(page.get_by_role("button", name="Sign in").first).to_be_visible()
    assert world.spend(secret).status_code == HTTPStatus.UNAUTHORIZED
