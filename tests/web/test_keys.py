"""API keys as their owner meets them: made, spent with, limited, paused, given another secret, ended."""

from http import HTTPStatus

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.web import axe
from tests.web.acts import connect, sign_in
from tests.web.browser import Visitor
from tests.web.stack import World


@pytest.fixture
def page(world: World, visitor: Visitor) -> Page:
    """The page of keys of somebody with five dollars a day."""
    opened = visitor.open("/keys", world.person(staked_diem=5))
    connect(opened)
    sign_in(opened)
    return opened


def make(page: Page, name: str, *, diem: str = "") -> str:
    """Make a key as a person does, and return the secret that is shown."""
    page.get_by_role("button", name="Make a key").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill(name)
    dialog.get_by_label("DIEM credit").fill(diem)
    dialog.get_by_role("button", name="Make a key").click()
    return take_secret(page, "Your new key")


def take_secret(page: Page, title: str) -> str:
    dialog = page.get_by_role("dialog", name=title)
    secret = dialog.get_by_label("Secret").input_value()
    dialog.get_by_role("button", name="Copy the secret").click()
    assert page.evaluate("navigator.clipboard.readText()") == secret
    dialog.get_by_role("button", name="I have saved it").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    return secret


def item(page: Page, name: str) -> Locator:
    return page.get_by_role("listitem").filter(has=page.get_by_role("heading", name=name))


def last_six_typed(page: Page, secret: str, act: str) -> None:
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name=act)).to_be_disabled()
    dialog.get_by_role("textbox").fill(secret[-6:])
    dialog.get_by_role("button", name=act).click()


def test_a_key_is_made_spent_with_paused_and_goes_on(world: World, page: Page) -> None:
    secret = make(page, "notebook", diem="1")
    assert page.get_by_text(secret).count() == 0, "the secret is shown once"
    expect(item(page, "notebook")).to_contain_text("$0.00 of $1.00")
    assert world.spend(secret, "word " * 1_000, "echo-large").status_code == HTTPStatus.OK
    expect(item(page, "notebook")).to_contain_text("$0.01 of $1.00")
    expect(item(page, "notebook")).to_contain_text("used just now")

    page.get_by_role("button", name="Pause notebook").click()
    expect(item(page, "notebook")).to_have_attribute("data-state", "paused")
    refused = world.spend(secret)
    assert refused.status_code == HTTPStatus.UNAUTHORIZED
    assert "paused" in refused.text
    page.get_by_role("button", name="Let it go on notebook").click()
    expect(item(page, "notebook")).to_have_attribute("data-state", "active")
    assert world.spend(secret).status_code == HTTPStatus.OK


@pytest.mark.browser_long
def test_a_limit_that_is_reached_refuses_and_raising_it_helps_at_once(world: World, page: Page) -> None:
    secret = make(page, "small", diem="0.001")
    assert world.spend(secret, "word " * 1_000, "echo-large").status_code == HTTPStatus.PAYMENT_REQUIRED
    page.get_by_role("button", name="Change small").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Save the changes")).to_be_disabled()
    for wrong in ("1e3", "-1", "0.0000000001", "9007200"):
        dialog.get_by_label("DIEM credit").fill(wrong)
        expect(dialog.get_by_role("alert")).to_be_visible()
        expect(dialog.get_by_role("button", name="Save the changes")).to_be_disabled()
    dialog.get_by_label("DIEM credit").fill("2.5")
    dialog.get_by_role("button", name="Save the changes").click()
    expect(item(page, "small")).to_contain_text("of $2.50")
    assert world.spend(secret, "word " * 1_000, "echo-large").status_code == HTTPStatus.OK


@pytest.mark.browser_long
def test_a_new_secret_ends_the_old_one_and_a_revoked_key_is_gone(world: World, page: Page) -> None:
    old = make(page, "service")
    page.get_by_role("button", name="New secret service").click()
    last_six_typed(page, old, "Make a new secret")
    new = take_secret(page, "The new secret")
    assert world.spend(old).status_code == HTTPStatus.UNAUTHORIZED
    assert world.spend(new).status_code == HTTPStatus.OK

    page.get_by_role("button", name="Revoke service").click()
    last_six_typed(page, new, "Revoke it for ever")
    expect(page.get_by_text("You have no key yet")).to_be_visible()
    assert world.spend(new).status_code == HTTPStatus.UNAUTHORIZED


@pytest.mark.browser_long
def test_the_code_that_is_shown_has_the_gateway_and_is_reached_by_keyboard(world: World, page: Page) -> None:
    make(page, "first")
    tabs = page.get_by_role("tablist")
    code = page.get_by_role("tabpanel")
    expect(code).to_contain_text(f"{world.stack.gateway_url}/api/v1/chat/completions")
    tabs.get_by_role("tab", name="curl").focus()
    for language, word in (("Python", "httpx"), ("OpenAI SDK", "OpenAI("), ("LiteLLM", "litellm")):
        page.keyboard.press("ArrowRight")
        expect(tabs.get_by_role("tab", name=language)).to_be_focused()
        expect(code).to_contain_text(word)
    axe.check(page)
    page.get_by_role("button", name="Make a key").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    axe.check(page)


@pytest.mark.browser_long
def test_a_webhook_is_set_with_its_secret_once_and_removed(visitor: Visitor, page: Page) -> None:
    page.get_by_label("Address (https)").fill("ftp://example.com")
    visitor.means("status of 400")
    page.get_by_role("button", name="Set the address").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("Address (https)").fill("http://127.0.0.1:9/credit")
    page.get_by_role("button", name="Set the address").click()
    dialog = page.get_by_role("dialog", name="The webhook's secret")
    assert dialog.get_by_label("Secret").input_value().startswith("whsec_")
    dialog.get_by_role("button", name="I have saved it").click()
    expect(page.get_by_text("Calls http://127.0.0.1:9/credit")).to_be_visible()
    page.get_by_role("button", name="Tell no more").click()
    expect(page.get_by_text("Calls http://127.0.0.1:9/credit")).to_have_count(0)


@pytest.mark.browser_long
def test_the_models_of_the_gateway_are_offered_for_the_snippets_where_both_sides_allow_it(
    world: World, visitor: Visitor
) -> None:
    origins = {"ENTITLEMENT_GATEWAY_PAGE_ORIGINS": world.url}
    with world.gateway_told(**origins), world.api_told(ENTITLEMENT_WEB_LIST_MODELS="true"):
        visitor.origins = {*visitor.origins, world.stack.gateway_url}
        page = visitor.open("/keys", world.person())
        connect(page)
        sign_in(page)
        offered = page.locator("datalist option")
        expect(offered).to_have_count(3)
        assert {each.get_attribute("value") for each in offered.all()} == {"echo", "echo-large", "echo-free"}
        asked = [
            each for each in visitor.requested if each.split(" ", 1)[1].startswith(world.stack.gateway_url)
        ]
        assert {each.split(" ", 1)[1] for each in asked} == {f"{world.stack.gateway_url}/api/v1/models"}
        # Before the API is started anew, which an open page would notice.
        page.close()
