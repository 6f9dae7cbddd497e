"""Leases, extends, charges and batches over HTTP, and the rate of an account."""

from typing import Any

from entitlement.api.hold_schemas import HoldAnswerOut, LeaseAnswerOut
from entitlement.core.tiers import RATES, Tier
from tests.api.support import assert_problem
from tests.api.world import World
from tests.support import USD


def post(world: World, path: str, **body: object) -> Any:  # noqa: ANN401 - JSON
    return world.client.post(path, json=body, headers=world.gateway)


def test_a_lease_is_opened_renewed_and_returned(world: World) -> None:
    opened = post(world, "/v1/leases", key=world.rich.secret, amount=1_000, request_id="l1", ttl=30)
    assert opened.status_code == 201
    lease = opened.json()["lease"]
    assert (lease["state"], lease["remaining"], lease["spent"]) == ("open", 1_000, 0)
    assert 28 < lease["expires_in"] <= 30
    assert lease["funded_by"] == [{"source": "diem", "amount": 1_000}]
    told = [{"number": 1, "request_id": "q", "cost": 400, "usage": {"model": "m", "status": 200}}]
    path = f"/v1/leases/{lease['id']}"
    renewed = post(world, f"{path}/renew", spent=400, amount=1_000, requests=told)
    assert renewed.status_code == 200
    assert (renewed.json()["lease"]["remaining"], renewed.json()["balance"]["spent"]) == (1_000, 400)
    assert world.client.get(path, headers=world.gateway).json()["lease"]["spent"] == 400
    returned = post(world, f"{path}/return", spent=450)
    assert returned.json()["lease"]["state"] == "returned"
    assert returned.json()["balance"]["held"] == 0
    assert returned.json()["balance"]["available"] == USD - 450


def test_what_is_answered_is_what_the_document_describes(world: World) -> None:
    hold = post(world, "/v1/holds", key=world.rich.secret, amount=9, request_id="h1")
    HoldAnswerOut.model_validate(hold.json())
    captured = world.capture(hold.json()["hold"]["id"], 3)
    HoldAnswerOut.model_validate(captured.json())
    opened = post(world, "/v1/leases", key=world.rich.secret, amount=9, request_id="l1")
    LeaseAnswerOut.model_validate(opened.json())
    path = f"/v1/leases/{opened.json()['lease']['id']}"
    for answer in (post(world, f"{path}/renew", spent=1, amount=9), post(world, f"{path}/return", spent=2)):
        LeaseAnswerOut.model_validate(answer.json())


def test_a_lease_is_no_hold_and_a_hold_no_lease(world: World) -> None:
    lease = post(world, "/v1/leases", key=world.rich.secret, amount=9, request_id="l1").json()["lease"]["id"]
    hold = world.held(5)
    for path in (f"/v1/leases/{hold}", f"/v1/holds/{lease}"):
        assert_problem(world.client.get(path, headers=world.gateway), 404, "unknown_hold")
    for path in (f"/v1/leases/{hold}/return", f"/v1/holds/{lease}/capture"):
        body = {"spent": 1} if path.endswith("return") else {"amount": 1}
        assert_problem(post(world, path, **body), 404, "unknown_hold")


def test_a_refused_renewal_says_why_and_how_the_lease_stands(world: World) -> None:
    lease = post(world, "/v1/leases", key=world.rich.secret, amount=USD, request_id="l1").json()["lease"]
    refused = post(world, f"/v1/leases/{lease['id']}/renew", spent=10, amount=USD)
    body = assert_problem(refused, 402, "insufficient_credit")
    assert body["lease"]["spent"] == 10
    assert body["lease"]["remaining"] == USD - 10
    assert body["balance"]["spent"] == 10


def test_a_renewal_with_a_key_that_was_revoked_is_a_401_like_any_other(world: World) -> None:
    lease = post(world, "/v1/leases", key=world.rich.secret, amount=USD, request_id="l1").json()["lease"]
    world.service.keys.revoke(world.rich.account_id, world.rich.key_id)
    refused = post(world, f"/v1/leases/{lease['id']}/renew", spent=10, amount=USD)
    body = assert_problem(refused, 401, "key_revoked")
    assert (body["lease"]["state"], body["lease"]["spent"]) == ("expired", 10)


def test_opening_a_lease_again_is_answered_as_the_first_time(world: World) -> None:
    body = {"key": world.rich.secret, "amount": 1_000, "request_id": "l1"}
    first, again = post(world, "/v1/leases", **body), post(world, "/v1/leases", **body)
    # The time goes on; nothing else has changed.
    same = [{**answer.json()["lease"], "expires_in": 0} for answer in (first, again)]
    assert same[0] == same[1]
    assert again.headers["idempotency-replayed"] == "true"
    assert_problem(world.hold(1_000, "l1"), 409, "idempotency_key_reused")


def test_a_hold_is_raised_to_what_there_is(world: World) -> None:
    hold_id = world.held(600)
    path = f"/v1/holds/{hold_id}/extend"
    assert post(world, path, amount=1_000).json()["hold"]["amount"] == 1_000
    assert post(world, path, amount=1_000).json()["balance"]["held"] == 1_000
    assert post(world, path, amount=900).json()["hold"]["amount"] == 1_000
    partly = post(world, path, amount=2 * USD, minimum=1_001).json()["hold"]
    assert (partly["amount"], partly["final"]) == (USD, True)
    assert_problem(post(world, path, amount=2 * USD), 402, "insufficient_credit")
    assert world.capture(hold_id, 700).json()["balance"]["available"] == USD - 700
    assert_problem(post(world, path, amount=USD), 409, "hold_already_ended")


def test_a_charge_takes_all_or_nothing_and_once(world: World) -> None:
    body = {"key": world.rich.secret, "amount": 700, "request_id": "c1", "usage": {"output_tokens": 3}}
    charged = post(world, "/v1/charges", **body)
    assert charged.status_code == 201
    assert (charged.json()["hold"]["state"], charged.json()["hold"]["captured"]) == ("captured", 700)
    again = post(world, "/v1/charges", **body)
    assert again.json() == charged.json()
    refused = post(world, "/v1/charges", **(body | {"amount": USD, "request_id": "c2"}))
    assert assert_problem(refused, 402, "insufficient_credit")["available"] == USD - 700


def test_each_call_of_a_batch_has_its_own_answer_in_its_order(world: World) -> None:
    hold_id = world.held(100)
    calls: list[object] = [
        {"op": "hold", "key": world.rich.secret, "amount": 5, "request_id": "b1"},
        {"op": "hold", "key": world.rich.secret, "amount": 5, "request_id": "b1"},
        {"op": "hold", "key": world.rich.secret, "amount": 6, "request_id": "b1"},
        {"op": "capture", "id": hold_id, "amount": 40},
        {"op": "release", "id": hold_id},
        {"op": "charge", "key": world.rich.secret, "amount": 2 * USD, "request_id": "b2"},
        {"op": "hold", "key": "ent_nobody", "amount": 5, "request_id": "b3"},
        {"op": "hold", "key": world.rich.secret, "amount": "5", "request_id": "b4"},
        {"op": "steal"},
        {"op": "capture", "amount": 5},
        "hold",
        {"op": "open_lease", "key": world.rich.secret, "amount": 9, "request_id": "b5"},
    ]
    answer = post(world, "/v1/batch", operations=calls)
    assert answer.status_code == 200
    answers = answer.json()["answers"]
    statuses = [201, 201, 409, 200, 409, 402, 401, 400, 400, 400, 400, 201]
    assert [each["status"] for each in answers] == statuses
    assert answers[0]["body"] == answers[1]["body"]
    assert answers[3]["body"]["hold"]["captured"] == 40
    assert answers[5]["body"]["code"] == "insufficient_credit"
    assert answers[7]["body"]["errors"][0]["field"] == "amount"
    assert answers[11]["body"]["lease"]["remaining"] == 9
    for bad in ([], [{}] * 1_001, "hold"):
        assert_problem(post(world, "/v1/batch", operations=bad), 400, "invalid_request")


def test_who_asks_too_fast_is_told_when_to_come_again_and_loses_nothing(world: World) -> None:
    allowed = RATES[Tier.FREE].key.requests
    calls = [
        {"op": "charge", "key": world.rich.secret, "amount": 1, "request_id": f"fast {number}"}
        for number in range(allowed + 3)
    ]
    answers = post(world, "/v1/batch", operations=calls).json()["answers"]
    assert [each["status"] for each in answers] == [201] * allowed + [429] * 3
    # Many at once: the rate goes on with the clock, and allows one more after a fifth of a second.
    at_once = world.hold_at_once([f"slow {number}" for number in range(16)])
    name, refused = next((name, each) for name, each in at_once.items() if each.status_code != 201)
    body = assert_problem(refused, 429, "rate_limited")
    assert (body["of"], body["requests"], body["seconds"]) == ("key", allowed, 60)
    assert 1 <= body["retry_after"] <= 60
    # The same request is answered as soon as the rate allows it: a refusal by rate is not kept.
    world.later(body["retry_after"])
    answer = world.hold(1, name)
    assert answer.status_code == 201
    assert answer.json()["balance"]["spent"] == allowed
