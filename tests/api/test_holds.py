"""The gateway's routes: hold, capture, release, read, introspect; and who may touch what."""

from typing import Any

import httpx
import pytest

from entitlement.core.keys import NewKey
from tests.api.support import assert_problem, bearer
from tests.api.world import World
from tests.support import USD, assert_books_close, holder

HOLD_FIELDS = {
    "id": str,
    "request_id": str,
    "state": str,
    "amount": int,
    "final": bool,
    "epoch": int,
    "created_at": int,
    "expires_at": int,
    "captured": int,
    "shortfall": int,
    "funded_by": list,
}
BALANCE_FIELDS = {"available", "held", "diem", "pro_rata", "usd", "epoch", "resets_at", "granted", "spent"}


def types_of(body: dict[str, Any]) -> dict[str, type]:
    return {name: type(value) for name, value in body.items()}


def test_a_hold_a_capture_and_the_rest_given_back(world: World) -> None:
    before = world.service.clock.now()
    answer = world.hold(1_000, ttl=60, model="echo")
    assert answer.status_code == 201
    hold, balance = answer.json()["hold"], answer.json()["balance"]
    assert types_of(hold) == HOLD_FIELDS
    assert balance.keys() == BALANCE_FIELDS
    assert hold["request_id"] == "r1"
    assert hold["state"] == "open"
    assert hold["funded_by"] == [{"source": "diem", "amount": 1_000}]
    assert before <= hold["created_at"] == hold["expires_at"] - 60
    assert (balance["available"], balance["held"], balance["spent"]) == (USD - 1_000, 1_000, 0)
    assert "Idempotency-Replayed" not in answer.headers

    usage = {"model": "echo", "input_tokens": 5, "output_tokens": 7, "latency_ms": 9, "status": 200}
    captured = world.capture(hold["id"], 400, usage=usage)
    assert captured.status_code == 200
    assert captured.json()["hold"] == hold | {"state": "captured", "captured": 400}
    balance = captured.json()["balance"]
    assert (balance["available"], balance["held"], balance["spent"]) == (USD - 400, 0, 400)
    assert_books_close(world.sessions)


def test_a_repeated_call_gets_the_first_answer_and_says_so(world: World) -> None:
    first = world.hold(USD)
    again = world.hold(USD)
    assert again.status_code == 201
    assert again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    hold_id = first.json()["hold"]["id"]
    for _ in range(2):
        captured = world.capture(hold_id, 7)
        assert captured.status_code == 200
        assert captured.json()["hold"]["captured"] == 7
    assert captured.headers["Idempotency-Replayed"] == "true"
    assert_problem(world.capture(hold_id, 8), 409, "hold_already_ended")


def test_a_refused_request_stays_refused_when_credit_has_come_back(world: World) -> None:
    everything = world.held(USD, "first")
    refused = assert_problem(world.hold(1, "second"), 402, "insufficient_credit")
    assert world.release(everything).status_code == 200
    assert assert_problem(world.hold(1, "second"), 402, "insufficient_credit") == refused
    assert world.hold(1, "third").status_code == 201


def test_a_hold_may_get_less_than_it_wants_and_then_says_that_it_is_the_last(world: World) -> None:
    hold = world.hold(3 * USD, minimum=1).json()["hold"]
    assert (hold["amount"], hold["final"]) == (USD, True)


def test_a_release_gives_everything_back_and_may_be_repeated(world: World) -> None:
    hold_id = world.held()
    for _ in range(2):
        released = world.release(hold_id)
        assert released.status_code == 200
        assert released.json()["hold"]["state"] == "released"
        assert released.json()["balance"]["available"] == USD
    assert_problem(world.capture(hold_id, 1), 409, "hold_already_ended")


def test_what_a_capture_costs_beyond_all_credit_is_told_as_a_shortfall(world: World) -> None:
    hold_id = world.held(USD)
    hold = world.capture(hold_id, USD + 5).json()["hold"]
    assert (hold["captured"], hold["shortfall"]) == (USD, 5)
    assert_books_close(world.sessions)


def test_a_hold_that_ran_out_is_read_as_expired_and_still_charged_within_the_hour(world: World) -> None:
    hold_id = world.held(100, ttl=1)
    world.later(1)
    read = world.client.get(f"/v1/holds/{hold_id}", headers=world.gateway)
    assert read.status_code == 200
    assert read.json()["hold"]["state"] == "expired"
    assert read.json()["balance"]["available"] == USD
    assert world.capture(hold_id, 60).json()["hold"]["captured"] == 60


def test_introspection_shows_a_usable_key_and_its_balance_but_no_secret(world: World) -> None:
    headers = world.gateway | {"X-Api-Key": world.rich.secret}
    answer = world.client.get("/v1/keys/introspect", headers=headers)
    assert answer.status_code == 200
    assert answer.json()["key"]["id"] == world.rich.key_id
    assert answer.json()["key"]["last_six"] == world.rich.secret[-6:]
    assert answer.json()["balance"]["available"] == USD
    assert world.rich.secret not in answer.text
    unknown = world.client.get("/v1/keys/introspect", headers=world.gateway | {"X-Api-Key": "ent_none"})
    assert_problem(unknown, 401, "unknown_key")
    world.service.keys.revoke(world.rich.account_id, world.rich.key_id)
    assert_problem(world.client.get("/v1/keys/introspect", headers=headers), 401, "key_revoked")


# --- who may touch what -----------------------------------------------------------------------------------


def every_call(client: httpx.Client, hold_id: str, key: str, headers: dict[str, str]) -> list[httpx.Response]:
    asked = {"key": key, "amount": 1, "request_id": "theirs"}
    return [
        client.post("/v1/holds", json=asked, headers=headers),
        client.get(f"/v1/holds/{hold_id}", headers=headers),
        client.post(f"/v1/holds/{hold_id}/capture", json={"amount": 1}, headers=headers),
        client.post(f"/v1/holds/{hold_id}/release", headers=headers),
        client.get("/v1/keys/introspect", headers=headers | {"X-Api-Key": key}),
    ]


def test_only_a_gateway_may_hold_and_charge(world: World) -> None:
    hold_id = world.held()
    revoked = world.service.gateways.issue_token("another")
    world.service.gateways.revoke("another")
    admin = world.service.keys.create(world.rich.account_id, NewKey("mine"))
    credentials = [{}, world.signed_in, bearer(world.rich.secret), bearer(admin.secret), bearer(revoked)]
    for headers in credentials:
        for answer in every_call(world.client, hold_id, world.rich.secret, headers):
            assert_problem(answer, 401, "not_authenticated")
    assert world.capture(hold_id, 1).status_code == 200


def test_the_token_that_a_gateway_had_ends_with_its_next_one(world: World) -> None:
    assert world.hold().status_code == 201
    newer = bearer(world.service.gateways.issue_token("the gateway"))
    assert_problem(world.hold(), 401, "not_authenticated")
    body = {"key": world.rich.secret, "amount": 1_000, "request_id": "r1"}
    again = world.client.post("/v1/holds", json=body, headers=newer)
    assert again.headers["Idempotency-Replayed"] == "true"


def test_a_gateway_neither_sees_nor_ends_the_hold_of_another(world: World) -> None:
    hold_id = world.held()
    other = bearer(world.service.gateways.issue_token("another"))
    answers = every_call(world.client, hold_id, world.rich.secret, other)
    for answer in answers[1:4]:
        assert_problem(answer, 404, "unknown_hold")
    assert world.client.get(f"/v1/holds/{hold_id}", headers=world.gateway).json()["hold"]["state"] == "open"


def test_two_gateways_may_use_the_same_request_id(world: World) -> None:
    mine = world.held(1_000, "same")
    other = bearer(world.service.gateways.issue_token("another"))
    body = {"key": world.rich.secret, "amount": 2_000, "request_id": "same"}
    theirs = world.client.post("/v1/holds", json=body, headers=other)
    assert theirs.status_code == 201
    assert theirs.json()["hold"]["id"] != mine


@pytest.mark.parametrize("order", ["expired", "revoked"])
def test_a_hold_outlives_the_key_that_it_was_made_with(order: str, world: World) -> None:
    wish = NewKey("short-lived", expires_at=world.service.clock.now() + 30)
    key = world.service.keys.create(world.rich.account_id, wish)
    hold_id = world.held(key=key.secret)
    if order == "expired":
        world.later(30)
    else:
        world.service.keys.revoke(world.rich.account_id, key.key.id)
    assert world.capture(hold_id, 500).json()["hold"]["captured"] == 500


def test_an_account_s_credit_is_not_another_s(world: World) -> None:
    poor = holder(world.sessions, number=2)
    assert_problem(world.hold(key=poor.secret), 402, "insufficient_credit")
    assert world.hold(USD, "all of mine").status_code == 201
