"""What the page computes again by itself: the allowance from the chain, a day's proof, file and receipts.

The service is one column of a comparison. A test that forges its answer wants the page to say so.
"""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, Request, Route, expect

from entitlement.cli.service_client import ServiceClient
from entitlement.core.holds import LATE_CAPTURE_SECONDS
from tests.web import acts, axe
from tests.web.browser import Visitor
from tests.web.stack import Person, World, wait_until

Change = Callable[[dict[str, Any]], None]


def verify(visitor: Visitor, person: Person, *, signed_in: bool = False) -> Page:
    page = visitor.open("/verify", person)
    acts.connect(page)
    if signed_in:
        acts.sign_in(page)
    return page


def compute(page: Page) -> None:
    page.get_by_role("button", name="Compute it").click()


def forge(page: Page, path: str, change: Change) -> None:
    """Let the service's answer arrive otherwise than it was sent."""

    def forged(route: Route) -> None:
        answer = route.fetch()
        body = answer.json()
        change(body)
        route.fulfill(response=answer, json=body)

    page.route(path, forged)


def row(page: Page, name: str) -> list[str]:
    cells = page.locator("table.three tbody tr").filter(has_text=name).locator(".money")
    return cells.all_inner_texts()


def settle_the_day(world: World, person: Person) -> dict[str, Any]:
    """End the day, and wait for the person's proof of it with the root on the chain."""
    epoch = world.view("InferenceStake", "epoch")
    world.next_day()
    world.jump(LATE_CAPTURE_SECONDS)
    found: dict[str, Any] = {}

    def is_published() -> bool:
        with ServiceClient.sign_in(world.url, person.account) as client:
            answer = client.get(f"/v1/wallet/proofs?epoch={epoch}") if is_closed(world, epoch) else {}
        found.update(answer)
        return found.get("block") is not None

    wait_until(is_published, f"the root of day {epoch}")
    return found


def is_closed(world: World, epoch: int) -> bool:
    days = httpx.get(f"{world.url}/v1/public/proofs", timeout=30).json()["epochs"]
    return epoch in {each["epoch"] for each in days}


def test_todays_allowance_is_computed_from_the_chain_and_a_service_that_says_otherwise_is_found(
    world: World, visitor: Visitor
) -> None:
    page = verify(visitor, world.person(staked_diem=3))
    compute(page)
    expect(page.get_by_text("All three agree")).to_be_visible()
    assert row(page, "Today") == row(page, "Tomorrow") == ["$3.00", "$3.00", "$3.00"]
    axe.check(page)

    forge(page, "**/v1/public/wallets/*", lambda body: body.update(allowance_now=3_000_000_001))
    compute(page)
    expect(page.get_by_text("The service says something else than the chain gives")).to_be_visible()
    assert row(page, "Today") == ["$3.00", "$3.00", "$3.000000001"]


@pytest.mark.browser_long
def test_a_node_that_leaves_a_log_out_is_found_by_the_contracts_own_view(
    world: World, visitor: Visitor
) -> None:
    person = world.person(staked_diem=2)
    page = verify(visitor, person)

    def without_logs(route: Route) -> None:
        answer = route.fetch()
        if "eth_getLogs" not in (route.request.post_data or ""):
            route.fulfill(response=answer)
            return
        bodies: list[dict[str, Any]] = answer.json()
        for body in bodies:
            if isinstance(body.get("result"), list):
                body["result"] = []
        route.fulfill(response=answer, json=bodies)

    page.route(f"{world.stack.chain_url}/**", without_logs)
    compute(page)
    expect(page.get_by_text("The log does not give what the contract says")).to_be_visible()
    assert row(page, "Today") == ["$0.00", "$2.00", "$2.00"]


@pytest.mark.browser_long
def test_an_exit_is_seen_by_all_three_and_a_silent_service_is_only_not_compared(
    world: World, visitor: Visitor
) -> None:
    person = world.person(staked_diem=3)
    world.send(person, "InferenceStake", "requestUnstake", 10**18)
    world.settle()
    page = verify(visitor, person)
    compute(page)
    expect(page.get_by_text("All three agree")).to_be_visible()
    assert row(page, "Tomorrow") == ["$2.00"] * 3
    visitor.means("Failed to load resource")
    page.route("**/v1/public/wallets/*", lambda route: route.abort())
    compute(page)
    expect(page.get_by_text("The service did not answer")).to_be_visible()
    assert row(page, "Today") == ["$3.00", "$3.00"]


@pytest.mark.browser_long
def test_a_day_that_is_over_is_proven_here_and_what_was_spent_is_told_to_no_node(
    world: World, visitor: Visitor
) -> None:
    person = world.person(staked_diem=3)
    secret = world.key(person)
    assert world.spend(secret).is_success
    proof = settle_the_day(world, person)
    sent = list[str]()
    page = verify(visitor, person, signed_in=True)

    def note(request: Request) -> None:
        sent.append(request.post_data or "")

    page.on("request", note)
    page.get_by_role("button", name="Check my proof").click()
    expect(page.get_by_text("The chain holds it, and nobody can say otherwise")).to_be_visible()
    page.get_by_role("button", name="Check the public file").click()
    expect(page.get_by_text("The file is the one that the chain names")).to_be_visible()
    expect(page.get_by_text("Your line has the commitment of your proof")).to_be_visible()
    expect(page.locator(".checks .fails")).to_have_count(0)
    axe.check(page)
    for hidden in (proof["salt"][2:], proof["leaf"][2:], proof["spending"][2:]):
        assert not any(hidden in body for body in sent), "the opened proof left the browser"

    with page.expect_download() as downloading:
        page.get_by_role("button", name="Download the proof").click()
    kept = downloading.value.path().read_bytes()
    assert json.loads(kept) == proof

    forged = {**proof, "spent": proof["spent"] - 1}
    choose(page, "A proof file", forged)
    expect(page.get_by_text("This proof does not hold")).to_be_visible()
    expect(page.locator(".checks .fails").first).to_contain_text("Its figures make its leaf")
    choose(page, "A proof file", proof)
    expect(page.get_by_text("The chain holds it, and nobody can say otherwise")).to_be_visible()
    choose(page, "A proof file", ["nothing"])
    expect(page.get_by_text("This cannot be read")).to_be_visible()


@pytest.mark.browser_long
def test_a_public_file_with_one_changed_line_is_refused(world: World, visitor: Visitor) -> None:
    person = world.person(staked_diem=1)
    assert world.spend(world.key(person)).is_success
    settle_the_day(world, person)
    page = verify(visitor, person)

    def changed(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().replace(",1000000000,0,", ",1000000001,0,"))

    page.route("**/v1/public/proofs/*", changed)
    page.get_by_role("button", name="Check the public file").click()
    expect(page.get_by_text("This file is not what the chain says")).to_be_visible()
    failing = page.locator(".checks .fails")
    for words in ("SHA-256", "make the root", "add up"):
        expect(failing.filter(has_text=words)).to_have_count(1)


@pytest.mark.browser_long
def test_a_receipt_holds_by_the_operators_signature_and_a_changed_one_does_not(
    world: World, visitor: Visitor
) -> None:
    person = world.person(staked_diem=1)
    assert world.spend(world.key(person)).is_success
    hold = receipt_hold(person, world)
    page = verify(visitor, person, signed_in=True)
    page.get_by_label("The request's hold").fill(hold)
    page.get_by_role("button", name="Check the receipt").click()
    expect(page.get_by_text("The operator signed that this request cost")).to_be_visible()
    expect(page.locator(".checks .fails")).to_have_count(0)
    axe.check(page)

    with ServiceClient.sign_in(world.url, person.account) as client:
        receipt = client.get(f"/v1/wallet/receipts/{hold}")
    receipt["message"]["diem"] = "1"
    choose(page, "A receipt file", receipt)
    expect(page.get_by_text("This receipt does not hold")).to_be_visible()
    expect(page.locator(".checks .fails").first).to_contain_text("It was signed by whom it names")
    del receipt["types"]["Receipt"][0]
    choose(page, "A receipt file", receipt)
    expect(page.get_by_text("its types are not those of a receipt")).to_be_visible()


def receipt_hold(person: Person, world: World) -> str:
    found = list[str]()

    def is_there() -> bool:
        with ServiceClient.sign_in(world.url, person.account) as client:
            found[:] = [each["hold_id"] for each in client.get("/v1/wallet/usage")["requests"]]
            return bool(found) and has_receipt(client, found[0])

    wait_until(is_there, "the receipt of the request")
    return found[0]


def has_receipt(client: ServiceClient, hold: str) -> bool:
    return "signature" in client.get(f"/v1/wallet/receipts/{hold}")


def choose(page: Page, label: str, content: object) -> None:
    body = json.dumps(content).encode()
    page.get_by_label(label).set_input_files(
        {"name": "file.json", "mimeType": "application/json", "buffer": body}
    )
