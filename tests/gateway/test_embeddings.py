"""Embeddings: what the client gets, what the upstream is told, what is charged, whatever goes wrong."""

import base64
import json
import math
import socket
import struct
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from entitlement.gateway.settings import GatewaySettings, LeaseSettings
from tests.gateway.conftest import (
    UNTOUCHED,
    USD,
    CreditService,
    Gateway,
    charged,
    code_of,
    embedding_model,
    eventually,
)
from tests.gateway.faulty_way import FaultyWay
from tests.gateway.test_privacy import logged
from tests.gateway.upstreams import Upstream

__all__ = ["logged"]

Start = Callable[[GatewaySettings], Gateway]
TOKEN = 2_000
"""Nano-USD."""


@pytest.mark.parametrize(
    ("given", "vectors", "tokens"),
    [("to be or not", 1, 4), (["to be", "or not to be", "x"], 3, 7)],
)
def test_embeddings_are_charged_what_the_upstream_reports(
    media: Gateway, credit_service: CreditService, given: object, vectors: int, tokens: int
) -> None:
    key = credit_service.make_key(USD)
    answer = media.embed(key, "embedding-echo", given)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["object"], body["model"]) == ("list", "embedding-echo")
    assert [each["index"] for each in body["data"]] == list(range(vectors))
    for each in body["data"]:
        assert len(each["embedding"]) == 8
        assert math.isclose(math.hypot(*each["embedding"]), 1)
    assert body["usage"] == {"prompt_tokens": tokens, "total_tokens": tokens}
    assert body["cost"]["nano_usd"] == tokens * TOKEN
    assert body["cost"]["counted_by"] == "upstream"
    assert answer.headers["x-venice-balance-diem"] == "1.000000000"
    assert credit_service.account_state(key) == charged(tokens * TOKEN)


def test_the_same_text_has_the_same_vector_in_either_form(
    media: Gateway, credit_service: CreditService
) -> None:
    key = credit_service.make_key(USD)
    plain = media.embed(key, "embedding-echo", ["a", "b", "a"], dimensions=5).json()["data"]
    # What the openai SDK asks for by itself.
    packed = media.embed(key, "embedding-echo", ["a"], dimensions=5, encoding_format="base64").json()["data"]
    assert plain[0]["embedding"] == plain[2]["embedding"] != plain[1]["embedding"]
    unpacked = struct.unpack("<5f", base64.b64decode(packed[0]["embedding"]))
    assert unpacked == pytest.approx(plain[0]["embedding"], rel=1e-6)


def test_the_hold_has_a_token_for_every_byte_and_no_more_than_the_context_of_each_text(
    media: Gateway, credit_service: CreditService, way: FaultyWay, upstream: Upstream
) -> None:
    key = credit_service.make_key(10 * USD)
    for given in ("12345678", ["x" * 5_000, "y" * 5_000]):
        assert media.embed(key, "embedding-good", given).status_code == 200
    sent = len(json.dumps(upstream.bodies[0], separators=(",", ":")))
    assert way.holds_asked[0]["amount"] == way.holds_asked[0]["minimum"] == sent * TOKEN
    assert way.holds_asked[1]["amount"] == 2 * 1_000 * TOKEN


@pytest.mark.parametrize(
    ("kind", "tokens", "counted_by"),
    [
        ("good", 5, "upstream"),
        ("zero-usage", 0, "upstream"),
        ("no-usage", 3, "gateway"),
        ("odd-usage", 3, "gateway"),
        ("absurd-usage", 3, "gateway"),
    ],
)
def test_usage_that_is_missing_or_makes_no_sense_is_counted_instead(
    media: Gateway, credit_service: CreditService, kind: str, tokens: int, counted_by: str
) -> None:
    key = credit_service.make_key(USD)
    # 9 bytes are 3 tokens.
    body = media.embed(key, f"embedding-{kind}", ["12345", "6789"]).json()
    assert body["usage"] == {"prompt_tokens": tokens, "total_tokens": tokens}
    assert (body["cost"]["nano_usd"], body["cost"]["counted_by"]) == (tokens * TOKEN, counted_by)
    assert credit_service.account_state(key) == charged(tokens * TOKEN)


def test_no_usage_however_large_costs_more_than_the_hold(
    media: Gateway, credit_service: CreditService, way: FaultyWay
) -> None:
    key = credit_service.make_key(USD)
    body = media.embed(key, "embedding-huge-usage", "x").json()
    assert body["cost"]["nano_usd"] == way.holds_asked[0]["amount"] < 100 * TOKEN
    assert credit_service.account_state(key) == charged(body["cost"]["nano_usd"])


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("fewer", 502, "UPSTREAM_INVALID"),
        ("more", 502, "UPSTREAM_INVALID"),
        ("none", 502, "UPSTREAM_INVALID"),
        ("odd-entries", 502, "UPSTREAM_INVALID"),
        ("garbage", 502, "UPSTREAM_INVALID"),
        ("garbage-json", 502, "UPSTREAM_INVALID"),
        ("body-dies", 502, "UPSTREAM_INTERRUPTED"),
        ("unreachable", 502, "UPSTREAM_UNAVAILABLE"),
        ("fails", 502, "UPSTREAM_UNAVAILABLE"),
        ("our-key-is-wrong", 502, "UPSTREAM_UNAVAILABLE"),
        ("too-fast", 429, "RATE_LIMIT_EXCEEDED"),
        ("too-long", 400, "INVALID_REQUEST"),
    ],
)
def test_without_an_embedding_of_each_text_nothing_is_charged(
    media: Gateway, credit_service: CreditService, kind: str, status: int, code: str
) -> None:
    key = credit_service.make_key(USD)
    answer = media.embed(key, f"embedding-{kind}", ["a", "b"])
    assert code_of(answer) == (status, code)
    assert "sk-operator" not in answer.text
    assert credit_service.account_state(key) == UNTOUCHED


def test_another_upstream_is_asked_when_one_fails(
    start_gateway: Start, media_settings: GatewaySettings, credit_service: CreditService, upstream: Upstream
) -> None:
    fallbacks = [{"upstream": "odd", "upstream_model": "good"}]
    several = embedding_model("m", "odd", upstream_model="fewer", fallbacks=fallbacks)
    gateway = start_gateway(media_settings.model_copy(update={"models": (several,)}))
    key = credit_service.make_key(USD)
    assert gateway.embed(key, "m", ["a", "b"]).status_code == 200
    assert [each["model"] for each in upstream.bodies] == ["fewer", "good"]
    assert credit_service.account_state(key) == charged(5 * TOKEN)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input": None}, "input"),
        ({"input": ""}, "input"),
        ({"input": []}, "input"),
        ({"input": {"text": "a"}}, "input"),
        ({"input": ["a", ""]}, "input[1]"),
        ({"input": ["a", {"text": "b"}]}, "input[1]"),
        ({"input": [1, 2, 3]}, "input"),
        ({"input": [[1, 2], [3]]}, "input"),
        ({"input": ["a"] * 2049}, "input"),
        ({"encoding_format": "hex"}, "encoding_format"),
        ({"dimensions": 0}, "dimensions"),
        ({"dimensions": "8"}, "dimensions"),
        ({"input_type": "query"}, "input_type"),
    ],
)
def test_a_request_that_has_no_price_is_refused_saying_where(
    media: Gateway,
    credit_service: CreditService,
    upstream: Upstream,
    fields: dict[str, object],
    param: str,
) -> None:
    key = credit_service.make_key(USD)
    body = {"model": "embedding-good", "input": "a", **fields}
    headers = {"authorization": f"Bearer {key}"}
    answer = media.http.post("/api/v1/embeddings", headers=headers, json=body)
    assert code_of(answer) == (400, "INVALID_REQUEST")
    assert answer.json()["error"]["param"] == param
    assert not upstream.bodies
    assert credit_service.account_state(key) == UNTOUCHED


def test_tokens_in_place_of_texts_are_refused_in_words(media: Gateway, credit_service: CreditService) -> None:
    told = media.embed(credit_service.make_key(USD), "embedding-good", [[15, 16]]).json()["message"]
    assert told == "'input' must be text: tokens are not taken."


def test_without_credit_for_the_bound_nothing_is_sent(
    media: Gateway, credit_service: CreditService, upstream: Upstream
) -> None:
    key = credit_service.make_key(50 * TOKEN)
    answer = media.embed(key, "embedding-good", "x" * 200)
    assert code_of(answer) == (402, "INSUFFICIENT_BALANCE")
    error = answer.json()["error"]
    assert 200 * TOKEN < error["wanted"] < 300 * TOKEN
    assert error["available"] == 50 * TOKEN
    assert not upstream.bodies


def test_keys_are_looked_at_as_for_chats(
    media: Gateway, credit_service: CreditService, way: FaultyWay
) -> None:
    shy = credit_service.make_private_key(USD)
    assert media.embed(shy, "embedding-echo").status_code == 200
    assert code_of(media.embed(shy, "embedding-open")) == (403, "MODEL_NOT_ALLOWED")
    assert code_of(media.embed("ek_nobody_knows", "embedding-echo")) == (401, "AUTHENTICATION_FAILED")
    holds = way.seen["holds"]
    assert media.embed(credit_service.make_key(0), "embedding-free").json()["cost"]["nano_usd"] == 0
    assert media.embed("ek_nobody_knows", "embedding-free").status_code == 401
    assert way.seen["holds"] == holds


def test_the_upstream_does_not_learn_who_asks_and_no_log_or_row_what_is_asked(
    media: Gateway, credit_service: CreditService, upstream: Upstream, logged: Callable[[], str]
) -> None:
    marker = "the-cat-sleeps-on-thursday"
    key = credit_service.make_key(USD)
    answer = media.embed(key, "embedding-good", marker, user="alice", metadata={"who": "alice"}, dimensions=2)
    assert answer.status_code == 200, answer.text
    assert upstream.bodies == [{"model": "good", "input": marker, "dimensions": 2}]
    arrived = json.dumps([upstream.bodies, upstream.headers])
    assert "alice" not in arrived
    assert key not in arrived
    for kind in ("fails", "garbage", "too-long", "none"):
        media.embed(key, f"embedding-{kind}", marker)
    media.embed(key, "embedding-good", marker, **{marker: 1})
    text = logged()
    assert "request_id=" in text
    assert marker not in text
    stored = credit_service.everything()
    assert "'embedding-good'" in stored
    assert marker not in stored


def test_a_client_that_leaves_pays_for_what_was_sent(
    media: Gateway, credit_service: CreditService, upstream: Upstream
) -> None:
    key = credit_service.make_key(USD)
    place = urlsplit(media.url)
    body = json.dumps({"model": "embedding-slow", "input": "12345678"}).encode()
    head = (
        f"POST /api/v1/embeddings HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer {key}\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((place.hostname, place.port)) as connection:
        connection.sendall(head.encode() + body)
        time.sleep(0.25)
    # 8 bytes are 2 tokens.
    eventually(lambda: credit_service.account_state(key), charged(2 * TOKEN))
    assert len(upstream.bodies) == 1


def test_embeddings_delivered_twice_are_made_and_charged_once(
    media: Gateway, credit_service: CreditService, upstream: Upstream
) -> None:
    key = credit_service.make_key(USD)
    first, second = (media.embed(key, "embedding-good", word="word") for _ in range(2))
    assert first.content == second.content
    assert second.headers["idempotency-replayed"] == "true"
    assert code_of(media.embed(key, "embedding-good", "other", word="word"))[1] == "IDEMPOTENCY_KEY_REUSED"
    assert len(upstream.bodies) == 1
    assert credit_service.account_state(key) == charged(5 * TOKEN)


def test_embeddings_are_paid_from_a_lease(
    start_gateway: Start, media_settings: GatewaySettings, credit_service: CreditService, way: FaultyWay
) -> None:
    terms = LeaseSettings(amount=10_000_000, ttl=5)
    gateway = start_gateway(media_settings.model_copy(update={"leases": True, "lease_terms": terms}))
    key = credit_service.make_key(USD)
    assert [gateway.embed(key, "embedding-good").status_code for _ in range(4)] == [200] * 4
    assert way.seen["holds"] == way.seen["capture"] == 0
    eventually(lambda: credit_service.account_state(key)["captured"], 4 * 5 * TOKEN)
