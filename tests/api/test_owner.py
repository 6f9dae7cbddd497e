"""What an account's owner sees: each request, its sums, why it was refused; and a key sees its own alone."""

import csv
import io

import httpx
import pytest

from entitlement.core.epochs import epoch_at
from entitlement.core.keys import NewKey
from entitlement.core.units import NanoUsd
from entitlement.core.webhooks import CreditEvent
from entitlement.store import outbox
from entitlement.store.outbox import NewEvent
from entitlement.store.raw import cursor_of
from tests.api.support import assert_problem, bearer
from tests.api.world import World
from tests.gateway.running import free_port
from tests.support import USD, holder

USAGE = "/v1/wallet/usage"
ANALYTICS = "/v1/wallet/usage/analytics"
REQUESTS = "/v1/wallet/requests"


@pytest.fixture
def mine(world: World) -> dict[str, str]:
    return bearer(world.rich.secret)


def charge(world: World, request_id: str, cost: int, secret: str | None = None) -> None:
    held = world.held(cost, request_id, **({} if secret is None else {"key": secret}))
    told = {"model": "m", "input_tokens": 3, "output_tokens": 1, "status": 200}
    assert world.capture(held, cost, usage=told).status_code == 200


def get(world: World, path: str, headers: dict[str, str], **query: object) -> dict[str, object]:
    answer = world.client.get(path, headers=headers, params=query)  # type: ignore[arg-type]
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_the_history_has_each_request_once_with_what_it_cost_and_walks_by_cursors(
    world: World, mine: dict[str, str]
) -> None:
    for number in range(23):
        charge(world, f"r{number}", 100 + number)
    world.later(1)
    told: list[dict[str, object]] = []
    body = get(world, USAGE, mine, page_size=10)
    while True:  # ends: each page goes on after the one before
        requests = body["requests"]
        assert isinstance(requests, list)
        told += requests
        if body["next_cursor"] is None:
            break
        assert len(requests) == 10
        body = get(world, USAGE, mine, cursor=body["next_cursor"])
    assert sorted((str(each["request_id"]), each["diem"]) for each in told) == sorted(
        (f"r{number}", 100 + number) for number in range(23)
    )
    assert {
        key: told[0][key] for key in ("model", "input_tokens", "output_tokens", "status", "usd", "number")
    } == {
        "model": "m",
        "input_tokens": 3,
        "output_tokens": 1,
        "status": 200,
        "usd": 0,
        "number": 1,
    }
    first = world.client.get(USAGE, headers={"accept": "text/csv", **mine}, params={"page_size": 20})
    second = world.client.get(
        USAGE, headers={"accept": "text/csv", **mine}, params={"cursor": first.headers["next-cursor"]}
    )
    rows = [row for answer in (first, second) for row in csv.DictReader(io.StringIO(answer.text))]
    assert [row["hold_id"] for row in rows] == [each["hold_id"] for each in told]
    assert [int(row["diem"]) for row in rows] == [each["diem"] for each in told]


def test_images_are_told_by_the_history_its_table_the_sums_and_the_explanation(
    world: World, mine: dict[str, str]
) -> None:
    for name, told in (("paint", {"images": 4}), ("none", {"images": 0}), ("chat", {"input_tokens": 3})):
        assert world.capture(world.held(100, name), 100, usage={"model": "m", **told}).status_code == 200
    body = {"key": world.rich.secret, "amount": 100, "request_id": "charged", "usage": {"images": 2}}
    charged = world.client.post("/v1/charges", json=body, headers=world.gateway)
    assert charged.status_code == 201
    assert world.client.post("/v1/charges", json=body, headers=world.gateway).json() == charged.json()
    other = body | {"usage": {"images": 3}}
    assert_problem(
        world.client.post("/v1/charges", json=other, headers=world.gateway), 409, "idempotency_key_reused"
    )
    lease_for(world, "leased", 100, images=7)
    world.later(1)
    made = {"paint": 4, "none": 0, "chat": None, "charged": 2, "leased": 7}
    requests = get(world, USAGE, mine)["requests"]
    assert isinstance(requests, list)
    assert {each["request_id"]: each["images"] for each in requests} == made
    table = world.client.get(USAGE, headers={"accept": "text/csv", **mine}).text
    rows = csv.DictReader(io.StringIO(table))
    assert {row["request_id"]: row["images"] for row in rows} == {
        name: "" if images is None else str(images) for name, images in made.items()
    }
    sums = get(world, ANALYTICS, mine)
    for way in ("by_day", "by_key"):
        (found,) = sums[way]  # type: ignore[misc]
        assert found["images"] == 4 + 2 + 7
    for name, images in made.items():
        (found,) = get(world, f"{REQUESTS}/{name}", mine)["found"]  # type: ignore[misc]
        assert [each["images"] for each in found["usage"]] == [images]


@pytest.mark.parametrize("wrong", [-1, 2**53, 1.5, "4", True, [4]])
def test_what_is_no_number_of_images_is_refused_and_the_hold_is_as_it_was(
    world: World, wrong: object
) -> None:
    held = world.held(100, "r1")
    problem = assert_problem(world.capture(held, 60, usage={"images": wrong}), 400, "invalid_request")
    assert "images" in str(problem["errors"])
    assert world.capture(held, 60, usage={"images": 2**53 - 1}).status_code == 200


def lease_for(world: World, request_id: str, cost: int, **told: object) -> None:
    """Pay a request from a lease of its own."""
    body = {"key": world.rich.secret, "amount": cost, "request_id": f"lease of {request_id}"}
    lease = world.client.post("/v1/leases", json=body, headers=world.gateway).json()["lease"]["id"]
    request = {"number": 1, "request_id": request_id, "cost": cost, "usage": told}
    returned = world.client.post(
        f"/v1/leases/{lease}/return", json={"spent": cost, "requests": [request]}, headers=world.gateway
    )
    assert returned.status_code == 200, returned.text


def test_the_history_is_told_newest_first_where_that_is_asked_for_and_its_cursor_goes_on_so(
    world: World, mine: dict[str, str]
) -> None:
    for number in range(12):
        charge(world, f"r{number}", 100)
        world.later(1)
    body = get(world, USAGE, mine, page_size=10, order="newest")
    rest = get(world, USAGE, mine, cursor=body["next_cursor"])
    assert rest["next_cursor"] is None
    told = [*body["requests"], *rest["requests"]]  # type: ignore[misc]
    assert [each["request_id"] for each in told] == [f"r{number}" for number in reversed(range(12))]
    oldest = get(world, USAGE, mine, order="oldest")["requests"]
    assert oldest == get(world, USAGE, mine)["requests"] == told[::-1]


def test_a_key_sees_its_own_requests_alone_and_its_owner_all_of_them(
    world: World, mine: dict[str, str]
) -> None:
    other = world.service.keys.create(world.rich.account_id, NewKey("other"))
    charge(world, "by the first", 100)
    charge(world, "by the other", 50, other.secret)
    world.later(1)
    for headers, name, cost in ((mine, "by the first", 100), (bearer(other.secret), "by the other", 50)):
        requests = get(world, USAGE, headers)["requests"]
        assert isinstance(requests, list)
        assert [each["request_id"] for each in requests] == [name]
        days = get(world, ANALYTICS, headers)["by_day"]
        assert isinstance(days, list)
        assert [each["diem"] for each in days] == [cost]
        assert get(world, f"{REQUESTS}/{name}", headers)["request_id"] == name
    assert_problem(world.client.get(f"{REQUESTS}/by the other", headers=mine), 404, "unknown_request")
    analytics = world.service.usage.analytics(world.rich.account_id)
    assert sum(each.diem for each in analytics.by_key.values()) == 150
    stranger = bearer(holder(world.sessions, number=9).secret)
    for headers in (stranger, world.signed_in):
        assert get(world, USAGE, headers)["requests"] == []
        assert get(world, ANALYTICS, headers)["by_key"] == []
        assert_problem(world.client.get(f"{REQUESTS}/by the first", headers=headers), 404, "unknown_request")


@pytest.mark.parametrize(
    "wrong",
    [
        {"page_size": 9},
        {"start": -1},
        {"start": 2, "end": 1},
        {"currency": "eur"},
        {"cursor": "x", "start": 1},
        {"cursor": "x", "order": "newest"},
        {"order": "sideways"},
    ],
)
def test_what_no_page_can_answer_is_a_400(wrong: dict[str, str], shared_world: World) -> None:
    answer = shared_world.client.get(USAGE, params=wrong, headers=shared_world.signed_in)
    assert_problem(answer, 400, "invalid_request")


def explained(world: World, request_id: str, headers: dict[str, str]) -> dict[str, object]:
    (found,) = get(world, f"{REQUESTS}/{httpx.URL(request_id).path}", headers)["found"]  # type: ignore[misc]
    return dict(found)


def test_a_charged_request_is_explained_by_its_hold_its_journal_and_its_usage(
    world: World, mine: dict[str, str]
) -> None:
    held = world.held(1_000, "a/b c")
    world.capture(held, 600, usage={"model": "m"})
    found = explained(world, "a/b c", mine)
    hold = found["hold"]
    assert isinstance(hold, dict)
    assert (hold["hold_id"], hold["state"], hold["captured"]) == (held, "captured", 600)
    assert hold["funded_by"] == [{"source": "diem", "amount": 1_000}]
    journal = found["journal"]
    assert isinstance(journal, list)
    assert [(line["kind"], line["source"], line["target"], line["amount"]) for line in journal] == [
        ("hold", "available", "held", 1_000),
        ("capture", "held", "consumed", 600),
        ("capture", "held", "available", 400),
    ]
    (usage,) = found["usage"]  # type: ignore[misc]
    assert (usage["diem"], usage["model"]) == (600, "m")


def test_a_refused_request_is_explained_by_its_reason_and_the_figures_of_then(
    world: World, mine: dict[str, str]
) -> None:
    assert_problem(world.hold(USD + 1, "too much"), 402, "insufficient_credit")
    charge(world, "r", 10)
    found = explained(world, "too much", mine)
    hold = found["hold"]
    assert isinstance(hold, dict)
    assert hold["state"] == "refused"
    refusal = hold["refusal"]
    assert isinstance(refusal, dict)
    assert (refusal["error"], refusal["wanted"], refusal["available"]) == ("InsufficientCredit", USD + 1, USD)
    assert (found["journal"], found["usage"]) == ([], [])


@pytest.mark.parametrize("name", ["none", "%00", "x" * 129, "%F0%9F%92%A9", "..%2f"])
def test_a_request_that_nobody_knows_is_a_404(name: str, shared_world: World) -> None:
    url = httpx.URL(shared_world.client.base_url, raw_path=f"{REQUESTS}/{name}".encode())
    assert_problem(shared_world.client.get(url, headers=shared_world.signed_in), 404, "unknown_request")


# --- webhooks -----------------------------------------------------------------------------------------------

WEBHOOK = "/v1/wallet/webhook"


def test_a_webhook_is_set_seen_and_deleted_and_its_secret_is_shown_once(world: World) -> None:
    assert get(world, WEBHOOK, world.signed_in) == {"webhook": None, "deliveries": []}
    made = world.client.put(WEBHOOK, json={"url": "http://127.0.0.1:9/hook"}, headers=world.signed_in)
    assert made.status_code == 200, made.text
    secret = made.json()["secret"]
    assert secret.startswith("whsec_")
    seen = world.client.get(WEBHOOK, headers=world.signed_in)
    assert seen.json() == {"webhook": made.json()["webhook"], "deliveries": []}
    assert seen.json()["webhook"]["url"] == "http://127.0.0.1:9/hook"
    assert secret not in seen.text
    again = world.client.put(WEBHOOK, json={"url": "http://127.0.0.1:9/hook"}, headers=world.signed_in)
    assert again.json()["secret"] != secret
    for _ in range(2):
        assert world.client.delete(WEBHOOK, headers=world.signed_in).status_code == 204
    assert get(world, WEBHOOK, world.signed_in)["webhook"] is None


def test_an_owner_sees_what_came_of_a_delivery(world: World) -> None:
    account_id = world.service.sign_in.authenticate(world.signed_in["Authorization"][7:]).account_id
    url = f"http://127.0.0.1:{free_port()}/"
    assert world.client.put(WEBHOOK, json={"url": url}, headers=world.signed_in).status_code == 200
    with world.sessions.begin() as session, cursor_of(session) as cursor:
        now = world.service.clock.now()
        event = NewEvent(account_id, CreditEvent.LOW, epoch_at(now), NanoUsd(1), NanoUsd(9), now)
        outbox.add(cursor, [event])
    assert world.service.deliveries.deliver() == 0
    (delivery,) = get(world, WEBHOOK, world.signed_in)["deliveries"]  # type: ignore[misc]
    assert {name: delivery[name] for name in ("type", "state", "tries", "outcome")} == {
        "type": "credit.low",
        "state": "pending",
        "tries": 1,
        "outcome": "no answer: ConnectError",
    }
    assert delivery["next_try_at"] > delivery["last_try_at"]


@pytest.mark.parametrize(
    "url", ["", "ftp://example.com", "https://user:pw@example.com", "x" * 501, "https://"]
)
def test_what_is_no_address_is_no_webhook(url: str, shared_world: World) -> None:
    answer = shared_world.client.put(WEBHOOK, json={"url": url}, headers=shared_world.signed_in)
    assert_problem(answer, 400, "invalid_request")
    assert get(shared_world, WEBHOOK, shared_world.signed_in)["webhook"] is None


def test_a_key_that_only_spends_neither_sees_nor_sets_a_webhook(world: World, mine: dict[str, str]) -> None:
    for method in ("GET", "DELETE"):
        assert_problem(world.client.request(method, WEBHOOK, headers=mine), 403, "not_allowed")
    refused = world.client.put(WEBHOOK, json={"url": "http://127.0.0.1:9/"}, headers=mine)
    assert_problem(refused, 403, "not_allowed")
