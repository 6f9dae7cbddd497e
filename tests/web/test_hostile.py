"""Names, amounts and answers that mean harm: shown as they are, refused, or left out; never carried out."""

import json
from typing import Any, cast

import pytest
from playwright.sync_api import Page, Route, expect

from tests.web.acts import connect, go, is_connected, sign_in, stake
from tests.web.browser import Visitor
from tests.web.stack import World

HARM = (
    """<img src=x onerror="window.harmed=1"><script>window.harmed=1</script>"""
    """"' javascript:alert(1) \u202e${1}"""
)
FREE_TEXTS = {
    "description",
    "detail",
    "title",
    "model",
    "name",
    "reason",
    "why",
    "label",
    "reasons",
    "version",
}
"""Members of answers that may hold any text, since people or other systems choose them."""
PATHS = ("/", "/stake", "/mint", "/right", "/credit", "/keys", "/usage", "/data", "/verify")


def unharmed(page: Page) -> None:
    assert page.evaluate("window.harmed") is None
    assert page.locator("img[src='x']").count() == 0
    assert page.evaluate(
        "[...document.querySelectorAll('a[href]')].every((a) => /^(https?:|data:|blob:)/.test(a.href))"
    )


def poisoned(value: Any, name: str = "") -> Any:  # noqa: ANN401 - JSON
    """Return an answer with harm in each text that is free."""
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        return {key: poisoned(member, key) for key, member in members.items()}
    if isinstance(value, list):
        return [poisoned(member, name) for member in cast("list[Any]", value)]
    return HARM if isinstance(value, str) and name in FREE_TEXTS else value


def poison(route: Route) -> None:
    answer = route.fetch()
    try:
        body = poisoned(answer.json())
    except ValueError:
        route.fulfill(response=answer)
        return
    route.fulfill(response=answer, json=body)


def test_texts_of_answers_are_shown_and_never_run(world: World, visitor: Visitor) -> None:
    alice = world.person(vvv=100, staked_diem=2)
    world.spend(world.key(alice, HARM[:40]))
    page = visitor.open("/", alice)
    page.route("**/v1/**", poison)
    page.route("**/health/**", poison)
    connect(page)
    sign_in(page)
    go(page, visitor.url + "/keys")
    expect(page.get_by_role("main")).to_contain_text("<img src=x onerror=")
    unharmed(page)
    for path in PATHS:
        go(page, visitor.url + path)
        page.wait_for_load_state("networkidle")
        unharmed(page)


def test_a_refusal_of_the_service_is_shown_as_text(world: World, visitor: Visitor) -> None:
    page = visitor.open("/keys", world.person())
    connect(page)
    problem = json.dumps({"type": "about:blank", "status": 403, "code": HARM, "title": HARM, "detail": HARM})
    page.route(
        "**/v1/sign-in",
        lambda route: route.fulfill(status=403, content_type="application/problem+json", body=problem),
    )
    visitor.means("status of 403")
    page.get_by_role("button", name="Sign in").first.click()
    expect(page.get_by_role("main")).to_contain_text("<img src=x onerror=")
    unharmed(page)


@pytest.mark.browser_long
@pytest.mark.parametrize("body", ["", "null", "[]", "<html>", '{"balance": {"available": 1e400}}', "{}"])
def test_an_answer_that_is_none_leaves_every_page_its_heading_and_the_way_to_the_others(
    world: World, visitor: Visitor, body: str
) -> None:
    alice = world.person(vvv=100, staked_diem=2)
    page = visitor.open("/", alice)
    connect(page)
    sign_in(page)
    page.route("**/v1/**", lambda route: route.fulfill(content_type="application/json", body=body))
    # React tells on the console what a page's boundary has caught.
    visitor.means("console: ")
    for path in PATHS:
        go(page, visitor.url + path)
        page.wait_for_load_state("networkidle")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(page.get_by_role("navigation")).to_be_visible()
        is_connected(page, alice.address)


NO_AMOUNTS = (
    "1e400", "1e3", "0x10", "-5", "+5", "1" + "0" * 80, "9" * 200, "1,5,", "1.2.3", "\u0661\u0662", "\uff11",
    "\u221e", "NaN", HARM, "0", ".", "0.0000000000000000001",
)  # fmt: skip


def test_what_is_plainly_no_amount_is_refused_with_the_reason(world: World, visitor: Visitor) -> None:
    page = visitor.open("/stake", world.person(vvv=100))
    connect(page)
    for typed in NO_AMOUNTS:
        expect(stake(page, "1")).to_be_enabled()
        button = stake(page, typed)
        expect(button, typed).to_be_disabled()
        expect(page.get_by_role("main").get_by_role("alert").first, typed).to_be_visible()
        unharmed(page)
    assert not visitor.wallet.requests("eth_sendTransaction")
    assert not visitor.wallet.requests("eth_signTypedData_v4")


def test_a_wallet_with_a_hostile_name_and_picture_is_shown_as_text(visitor: Visitor) -> None:
    page = visitor.open("/")
    page.evaluate(
        """(name) => {
          const announce = () => window.dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail: {
            info: { uuid: "00000000-0000-4000-8000-000000000000", name, rdns: "x.x",
                    icon: "https://elsewhere.example/pixel.png" },
            provider: { request: async () => [], on() {}, removeListener() {} } } }));
          window.addEventListener("eip6963:requestProvider", announce);
          announce();
        }""",
        HARM,
    )
    page.get_by_role("button", name="Connect a wallet").first.click()
    expect(page.get_by_role("dialog")).to_contain_text("<img src=x onerror=")
    unharmed(page)
