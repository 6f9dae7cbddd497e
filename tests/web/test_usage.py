"""Usage as its owner meets it: what was charged and when, why, and as a file."""

import csv
import io
from dataclasses import dataclass
from http import HTTPStatus

import pytest
from playwright.sync_api import Page, expect

from entitlement.cli.service_client import ServiceClient
from tests.web import axe
from tests.web.acts import connect, sign_in
from tests.web.browser import Visitor
from tests.web.stack import Person, World

pytestmark = pytest.mark.browser_long


@dataclass(frozen=True, slots=True)
class Story:
    """Three requests that were charged, and one that was refused."""

    alice: Person
    charged: str
    refused: str
    """By their ids at the gateway."""


@pytest.fixture
def story(world: World) -> Story:
    alice = world.person(staked_diem=1)
    secret = world.key(alice, "notebook")
    ids: list[str] = []
    for model in ("echo", "echo-large", "echo-large"):
        answer = world.spend(secret, "word " * 1_000, model)
        assert answer.status_code == HTTPStatus.OK
        ids.append(answer.headers["x-request-id"])
    with ServiceClient.sign_in(world.url, alice.account) as client:
        tight = client.post("/v1/keys", {"description": "tight", "limits": {"diem": 1_000}})["secret"]
    refused = world.spend(str(tight), "word " * 1_000, "echo-large")
    assert refused.status_code == HTTPStatus.PAYMENT_REQUIRED
    return Story(alice, ids[-1], refused.headers["x-request-id"])


@pytest.fixture
def page(visitor: Visitor, story: Story) -> Page:
    opened = visitor.open("/usage", story.alice)
    connect(opened)
    sign_in(opened)
    return opened


def test_what_was_charged_is_shown_by_day_model_key_and_request(page: Page) -> None:
    for title, name in (("By model", "echo-large"), ("By key", "notebook")):
        panel = page.get_by_role("region", name=title)
        expect(panel.get_by_role("rowheader", name=name)).to_be_visible()
    expect(page.get_by_role("img", name="Spending by day").first).to_be_visible()
    page.get_by_text("The same as a table").click()
    expect(page.get_by_role("row")).not_to_have_count(0)
    expect(
        page.get_by_role("region", name="Each request").get_by_role("button", name="Why").first
    ).to_be_visible()
    axe.check(page)


def test_a_request_is_explained_in_words_and_in_the_books(page: Page, story: Story) -> None:
    page.get_by_label("Request id").fill(story.charged)
    page.get_by_role("button", name="Explain it").click()
    expect(page.get_by_text("were set aside, the most that it could cost")).to_be_visible()
    page.get_by_text("Every line of the books about it").click()
    expect(page.get_by_role("cell", name="capture").first).to_be_visible()
    page.get_by_label("Request id").fill(story.refused)
    page.get_by_role("button", name="Explain it").click()
    expect(page.get_by_text("the key had $0.000001 left of its own limit on DIEM credit")).to_be_visible()


def test_the_table_is_given_as_a_file_with_each_request(page: Page) -> None:
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download as CSV").click()
    rows = list(csv.DictReader(io.StringIO(waiting.value.path().read_text())))
    assert len(rows) >= 3
    assert {row["model"] for row in rows} == {"echo", "echo-large"}
    assert all(int(row["diem"]) > 0 for row in rows)


def test_images_are_counted_in_the_table_and_in_all(world: World, visitor: Visitor) -> None:
    carol = world.person(staked_diem=1)
    secret = world.key(carol, "easel")
    assert world.spend(secret).status_code == HTTPStatus.OK
    world.jump(2)
    assert world.paint(secret, 3).status_code == HTTPStatus.OK
    world.jump(2)
    page = visitor.open("/usage", carol)
    connect(page)
    sign_in(page)
    panel = page.get_by_role("region", name="Each request").first
    names = panel.get_by_role("columnheader").all_inner_texts
    expect(panel.locator("tbody tr")).to_have_count(2)
    place = [name.lower() for name in names()].index("images")
    cells = panel.locator("tbody tr").locator(f"td:nth-child({place + 1})")
    expect(cells).to_have_text(["3", "\u2013"])
    expect(page.get_by_role("region", name="Charged").get_by_text("Images")).to_be_visible()


def test_a_long_day_is_told_from_its_newest_request_on_and_older_ones_are_fetched_when_asked_for(
    world: World, visitor: Visitor
) -> None:
    bob = world.person(staked_diem=1)
    secret = world.key(bob, "busy")
    world.charge(secret, 1_000, requests=130)
    world.jump(2)
    world.charge(secret, 2_000)
    world.jump(2)
    page = visitor.open("/usage", bob)
    connect(page)
    sign_in(page)
    panel = page.get_by_role("region", name="Each request").first
    rows, older = panel.locator("tbody tr"), panel.get_by_role("button", name="Older")
    expect(panel.get_by_text("1 to 25, newest first; there are older ones")).to_be_visible()
    expect(rows.first).to_contain_text("$0.000002")
    expect(rows.nth(1)).to_contain_text("$0.000001")
    for first in (26, 51, 76):
        older.click()
        expect(panel.get_by_text(f"{first} to {first + 24}, newest first")).to_be_visible()
    assert not any("cursor=" in each for each in visitor.requested), (
        "nothing is fetched before it is asked for"
    )
    older.click()
    expect(panel.get_by_text("101 to 125 of 131")).to_be_visible()
    older.click()
    expect(panel.get_by_text("126 to 131 of 131")).to_be_visible()
    expect(rows).to_have_count(6)
    expect(older).to_be_disabled()
    panel.get_by_role("button", name="Newer").click()
    expect(panel.get_by_text("101 to 125 of 131")).to_be_visible()
