"""Images: what the client gets, what the upstream is told, what is charged, whatever goes wrong."""

import base64
import json
import socket
import time
import zlib
from collections.abc import Callable
from urllib.parse import urlsplit

import httpx
import pytest

from entitlement.gateway.settings import GatewaySettings, LeaseSettings
from tests.gateway.conftest import (
    UNTOUCHED,
    USD,
    CreditService,
    Gateway,
    charged,
    code_of,
    eventually,
    image_model,
)
from tests.gateway.faulty_way import FaultyWay
from tests.gateway.test_privacy import logged
from tests.gateway.upstreams import PICTURE, Upstream

__all__ = ["logged"]

Start = Callable[[GatewaySettings], Gateway]
CENTS = USD // 100


@pytest.mark.parametrize(
    ("fields", "images", "cost"),
    [
        ({}, 1, 10 * CENTS),
        ({"n": 1, "size": "auto", "quality": "auto"}, 1, 10 * CENTS),
        ({"n": 3}, 3, 30 * CENTS),
        ({"n": 2, "size": "64x64"}, 2, 20 * CENTS),
        ({"n": 2, "size": "1024x1024"}, 2, 80 * CENTS),
        ({"n": None, "size": None, "stream": False}, 1, 10 * CENTS),
    ],
)
def test_images_are_charged_by_number_and_size(
    media: Gateway, credit_service: CreditService, fields: dict[str, object], images: int, cost: int
) -> None:
    key = credit_service.make_key(USD)
    answer = media.images(key, "image-echo", **fields)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert len(body["data"]) == images
    for each in body["data"]:
        picture = base64.b64decode(each["b64_json"], validate=True)
        assert picture.startswith(b"\x89PNG\r\n\x1a\n")
        side = 16 if fields.get("size") in {None, "auto"} else int(str(fields["size"]).split("x")[0])
        assert int.from_bytes(picture[16:20]) == int.from_bytes(picture[20:24]) == side
        rows = zlib.decompress(picture[41 : picture.index(b"IEND") - 8])
        assert len(rows) == side * (1 + 3 * side)
    assert isinstance(body["created"], int)
    told = body["cost"]
    assert (told["nano_usd"], told["counted_by"]) == (cost, "gateway")
    assert told["usd"] == told["diem"] == cost / USD
    assert answer.headers["x-venice-balance-diem"] == "1.000000000"
    assert credit_service.account_state(key) == charged(cost)


def test_the_hold_is_for_all_images_and_all_or_nothing(
    media: Gateway, credit_service: CreditService, way: FaultyWay
) -> None:
    answer = media.images(credit_service.make_key(USD), "image-good", n=2, size="1024x1024")
    asked = way.holds_asked[0]
    assert asked["amount"] == asked["minimum"] == 80 * CENTS
    assert (asked["model"], asked["request_id"]) == ("image-good", answer.headers["x-request-id"])


def test_the_same_text_makes_the_same_image_on_this_machine(
    media: Gateway, credit_service: CreditService
) -> None:
    key = credit_service.make_key(USD)
    first, again = (media.images(key, "image-echo", n=2).json()["data"] for _ in range(2))
    other = media.images(key, "image-echo", "a dog", n=1).json()["data"]
    assert first == again
    assert len({each["b64_json"] for each in [*first, *other]}) == 3


@pytest.mark.parametrize(("kind", "images"), [("fewer", 2), ("more", 3), ("filtered", 2), ("good", 3)])
def test_what_is_charged_is_what_came_and_never_more_than_was_asked_for(
    media: Gateway, credit_service: CreditService, kind: str, images: int
) -> None:
    key = credit_service.make_key(USD)
    answer = media.images(key, f"image-{kind}", n=3)
    assert answer.status_code == 200, answer.text
    assert [each["b64_json"] for each in answer.json()["data"]] == [f"{PICTURE}{n}" for n in range(images)]
    assert answer.json()["cost"]["nano_usd"] == images * 10 * CENTS
    assert credit_service.account_state(key) == charged(images * 10 * CENTS)


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("none", 502, "UPSTREAM_INVALID"),
        ("all-filtered", 502, "UPSTREAM_INVALID"),
        ("addresses", 502, "UPSTREAM_INVALID"),
        ("odd-entries", 502, "UPSTREAM_INVALID"),
        ("garbage", 502, "UPSTREAM_INVALID"),
        ("garbage-json", 502, "UPSTREAM_INVALID"),
        ("no-choices", 502, "UPSTREAM_INVALID"),
        ("body-dies", 502, "UPSTREAM_INTERRUPTED"),
        ("body-hangs", 504, "UPSTREAM_TIMEOUT"),
        ("body-without-end", 502, "UPSTREAM_INVALID"),
        ("unreachable", 502, "UPSTREAM_UNAVAILABLE"),
        ("fails", 502, "UPSTREAM_UNAVAILABLE"),
        ("our-key-is-wrong", 502, "UPSTREAM_UNAVAILABLE"),
        ("too-fast", 429, "RATE_LIMIT_EXCEEDED"),
        ("too-long", 400, "INVALID_REQUEST"),
    ],
)
def test_without_an_image_nothing_is_charged(
    media: Gateway, credit_service: CreditService, kind: str, status: int, code: str
) -> None:
    key = credit_service.make_key(USD)
    answer = media.images(key, f"image-{kind}", n=2)
    assert code_of(answer) == (status, code)
    assert answer.headers["x-venice-balance-diem"] == "1.000000000"
    assert "sk-operator" not in answer.text
    assert credit_service.account_state(key) == UNTOUCHED


def test_an_upstream_that_hangs_is_left_and_nothing_charged(
    start_gateway: Start, media_settings: GatewaySettings, credit_service: CreditService
) -> None:
    time_outs = media_settings.time_outs.model_copy(update={"total_seconds": 1})
    key = credit_service.make_key(USD)
    gateway = start_gateway(media_settings.model_copy(update={"time_outs": time_outs}))
    assert code_of(gateway.images(key, "image-hangs")) == (504, "UPSTREAM_TIMEOUT")
    assert credit_service.account_state(key) == UNTOUCHED


@pytest.mark.parametrize("first", ["fails", "too-fast", "garbage", "none", "body-dies"])
def test_another_upstream_is_asked_when_one_has_no_image(
    start_gateway: Start,
    media_settings: GatewaySettings,
    credit_service: CreditService,
    upstream: Upstream,
    first: str,
) -> None:
    fallbacks = [{"upstream": "odd", "upstream_model": "fewer"}]
    several = image_model("m", "odd", upstream_model=first, fallbacks=fallbacks)
    gateway = start_gateway(media_settings.model_copy(update={"models": (several,)}))
    key = credit_service.make_key(USD)
    assert gateway.images(key, "m", n=3).status_code == 200
    assert [each["model"] for each in upstream.bodies] == [first, "fewer"]
    assert credit_service.account_state(key) == charged(20 * CENTS)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"n": 5}, "n"),
        ({"n": 0}, "n"),
        ({"n": "2"}, "n"),
        ({"n": True}, "n"),
        ({"n": 1.5}, "n"),
        ({"size": "512x512"}, "size"),
        ({"size": 64}, "size"),
        ({"size": ["64x64"]}, "size"),
        ({"model": "image-one-size", "size": "64x64"}, "size"),
        ({"prompt": ""}, "prompt"),
        ({"prompt": None}, "prompt"),
        ({"prompt": ["a cat"]}, "prompt"),
        ({"quality": "hd"}, "quality"),
        ({"quality": ["hd"]}, "quality"),
        ({"response_format": "file"}, "response_format"),
        ({"response_format": ["url"]}, "response_format"),
        ({"stream": True}, "stream"),
        ({"partial_images": 2}, "partial_images"),
        ({"service_tier": "priority"}, "service_tier"),
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
    body = {"model": "image-good", "prompt": "a cat", **fields}
    answer = media.http.post(
        "/api/v1/images/generations", headers={"authorization": f"Bearer {key}"}, json=body
    )
    assert code_of(answer) == (400, "INVALID_REQUEST")
    assert answer.json()["error"]["param"] == param
    assert not upstream.bodies
    assert credit_service.account_state(key) == UNTOUCHED


def test_a_refusal_has_the_bound_and_the_sizes(media: Gateway, credit_service: CreditService) -> None:
    key = credit_service.make_key(USD)
    number, size = media.images(key, "image-good", n=5), media.images(key, "image-good", size="8x8")
    assert number.json()["error"]["most"] == 4
    assert "from 1 to 4" in number.json()["message"]
    assert size.json()["error"]["sizes"] == ["64x64", "1024x1024"]
    assert "64x64, 1024x1024" in size.json()["message"]


def test_without_credit_for_all_images_none_is_made(
    media: Gateway, credit_service: CreditService, upstream: Upstream
) -> None:
    key = credit_service.make_key(25 * CENTS)
    answer = media.images(key, "image-good", n=3)
    assert code_of(answer) == (402, "INSUFFICIENT_BALANCE")
    error = answer.json()["error"]
    assert (error["wanted"], error["available"]) == (30 * CENTS, 25 * CENTS)
    assert "$0.3 " in error["message"]
    assert error["resets_at"] % 86_400 == 0
    assert not upstream.bodies
    assert media.images(key, "image-good", n=2).status_code == 200


def test_without_a_good_key_or_with_too_large_a_body_nothing_is_made(
    media: Gateway, credit_service: CreditService, upstream: Upstream
) -> None:
    assert code_of(media.images("ek_nobody_knows", "image-good")) == (401, "AUTHENTICATION_FAILED")
    large = media.images(credit_service.make_key(USD), "image-good", "x" * 100_000)
    assert code_of(large) == (413, "REQUEST_TOO_LARGE")
    assert not upstream.bodies


def test_a_free_model_needs_a_good_key_and_no_credit(
    media: Gateway, credit_service: CreditService, way: FaultyWay
) -> None:
    answer = media.images(credit_service.make_key(0), "image-free", n=4)
    assert answer.json()["cost"]["nano_usd"] == 0
    assert media.images("ek_nobody_knows", "image-free").status_code == 401
    assert way.seen["holds"] == 0


def test_a_key_for_private_models_makes_no_image_elsewhere(
    media: Gateway, credit_service: CreditService
) -> None:
    shy = credit_service.make_private_key(USD)
    assert media.images(shy, "image-echo").status_code == 200
    assert code_of(media.images(shy, "image-open")) == (403, "MODEL_NOT_ALLOWED")
    assert media.images(credit_service.make_key(USD), "image-open").status_code == 200


def test_the_upstream_learns_what_to_make_and_not_for_whom(
    media: Gateway, credit_service: CreditService, upstream: Upstream
) -> None:
    key = credit_service.make_key(USD)
    answer = media.http.post(
        "/api/v1/images/generations",
        headers={
            "authorization": f"Bearer {key}",
            "cookie": "who=alice",
            "x-forwarded-for": "10.1.2.3",
            "user-agent": "alice-browser",
            "openai-organization": "alice-org",
        },
        json={
            "model": "image-good",
            "prompt": "a cat",
            "user": "alice",
            "metadata": {"who": "alice"},
            "quality": "standard",
            "response_format": "url",
            "seed": 5,
        },
    )
    assert answer.status_code == 200, answer.text
    arrived = json.dumps([upstream.bodies[-1], upstream.headers[-1]])
    assert not any(each in arrived for each in ("alice", key, "10.1.2.3"))
    assert upstream.bodies[-1] == {
        "model": "good",
        "prompt": "a cat",
        "seed": 5,
        "n": 1,
        "response_format": "b64_json",
    }
    assert upstream.headers[-1]["authorization"] == "Bearer sk-operator"
    # Of the answer the images travel, and no name or account of the upstream's.
    assert set(answer.json()) == {"created", "data", "model", "cost"}
    assert answer.json()["model"] == "image-good"


@pytest.mark.parametrize("form", ["b64_json", "url"])
def test_an_image_comes_as_data_in_either_form(
    media: Gateway, credit_service: CreditService, form: str
) -> None:
    answer = media.images(credit_service.make_key(USD), "image-revised", response_format=form)
    image = PICTURE + "0"
    assert answer.json()["data"] == [
        {form: image if form == "b64_json" else f"data:image/png;base64,{image}"}
        | {"revised_prompt": "a cat, awake"}
    ]


def test_no_log_and_no_row_has_a_word_of_the_prompt(
    media: Gateway, credit_service: CreditService, logged: Callable[[], str]
) -> None:
    marker = "the-cat-sleeps-on-wednesday"
    key = credit_service.make_key(USD)
    for kind in ("good", "fails", "garbage", "too-long", "echo"):
        media.images(key, f"image-{kind}", marker)
    media.images(key, "image-good", marker, **{marker: 1})
    text = logged()
    assert "request_id=" in text
    assert marker not in text
    assert PICTURE not in text
    stored = credit_service.everything()
    assert "'image-good'" in stored
    assert marker not in stored


def test_the_usage_of_images_has_their_number_the_cost_and_the_version_of_its_price_and_no_tokens(
    start_gateway: Start, media_settings: GatewaySettings, credit_service: CreditService
) -> None:
    gateway = start_gateway(media_settings.model_copy(update={"price_version": "winter prices"}))
    key = credit_service.make_key(USD)
    gateway.images(key, "image-good", n=2)
    found: list[dict[str, object]] = []

    def look() -> int:
        headers = {"authorization": f"Bearer {key}"}
        told = httpx.get(f"{credit_service.url}/v1/wallet/usage", headers=headers).json()
        found[:] = told["requests"]
        return len(found)

    # The history tells what was charged in the running second from the next one on.
    eventually(look, 1)
    kept = {
        "model": "image-good",
        "input_tokens": 0,
        "output_tokens": 0,
        "images": 2,
        "status": 200,
        "price_version": "winter prices",
        "diem": 20 * CENTS,
    }
    assert {name: found[0][name] for name in kept} == kept


def test_the_history_counts_the_images_that_came_at_the_price_of_one(
    media: Gateway, credit_service: CreditService, logged: Callable[[], str]
) -> None:
    key = credit_service.make_admin_key(USD)
    assert media.images(key, "image-fewer", n=3).status_code == 200
    found: list[dict[str, object]] = []

    def look() -> int:
        headers = {"authorization": f"Bearer {key}"}
        told = media.http.get("/api/v1/billing/usage-history", headers=headers).json()
        found[:] = told["data"]
        return len(found)

    eventually(look, 1)
    kept = {
        "sku": "image-fewer-image-unit",
        "units": 2,
        "pricePerUnitUsd": 0.1,
        "amount": -0.2,
        "currency": "DIEM",
    }
    assert {name: found[0][name] for name in kept} == kept
    assert "images=2" in logged()


# --- clients that leave, and that ask again --------------------------------------------------------------


def leave(gateway: Gateway, key: str, model: str, word: str = "") -> bytes:
    """Ask for two images, and close the connection after a moment; returns the body that was sent."""
    place = urlsplit(gateway.url)
    body = json.dumps({"model": model, "prompt": "a cat", "n": 2}).encode()
    named = f"idempotency-key: {word}\r\n" if word else ""
    head = (
        f"POST /api/v1/images/generations HTTP/1.1\r\nhost: gateway\r\n{named}"
        f"authorization: Bearer {key}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((place.hostname, place.port)) as connection:
        connection.sendall(head.encode() + body)
        time.sleep(0.25)
    return body


def test_a_client_that_leaves_pays_for_the_images_that_its_request_made(
    media: Gateway, credit_service: CreditService, upstream: Upstream
) -> None:
    key = credit_service.make_key(USD)
    leave(media, key, "image-slow")
    eventually(lambda: credit_service.account_state(key), charged(20 * CENTS))
    # The service has booked it before its answer is here.
    eventually(lambda: media.http.get("/healthz").json()["unsettled"], 0)
    assert len(upstream.bodies) == 1


def test_the_images_of_a_client_that_may_ask_again_are_made_charged_and_found(
    media: Gateway, credit_service: CreditService, upstream: Upstream
) -> None:
    key = credit_service.make_key(USD)
    body = leave(media, key, "image-slow", "word")
    headers = {"authorization": f"Bearer {key}", "idempotency-key": "word"}
    eventually(lambda: credit_service.account_state(key), charged(20 * CENTS))
    again = media.http.post("/api/v1/images/generations", headers=headers, content=body)
    assert (again.status_code, again.headers["idempotency-replayed"]) == (200, "true")
    assert len(again.json()["data"]) == 2
    assert len(upstream.bodies) == 1
    assert credit_service.account_state(key) == charged(20 * CENTS)


def test_images_delivered_three_times_are_made_and_charged_once(
    media: Gateway, credit_service: CreditService, upstream: Upstream
) -> None:
    key = credit_service.make_key(USD)
    first, second, third = (media.images(key, "image-good", word="word", n=2) for _ in range(3))
    assert first.content == second.content == third.content
    assert "idempotency-replayed" not in first.headers
    assert third.headers["idempotency-replayed"] == "true"
    assert code_of(media.images(key, "image-good", word="word", n=3)) == (409, "IDEMPOTENCY_KEY_REUSED")
    assert len(upstream.bodies) == 1
    assert credit_service.account_state(key) == charged(20 * CENTS)


def test_a_word_of_one_route_is_another_on_the_next(media: Gateway, credit_service: CreditService) -> None:
    key = credit_service.make_key(USD)
    answers = [
        media.images(key, "image-echo", word="word"),
        media.embed(key, "embedding-echo", word="word"),
        media.http.post(
            "/api/v1/chat/completions",
            headers={"authorization": f"Bearer {key}", "idempotency-key": "word"},
            json={"model": "echo", "messages": [{"role": "user", "content": "hello"}]},
        ),
    ]
    assert [each.status_code for each in answers] == [200, 200, 200]
    assert len({each.headers["x-request-id"] for each in answers}) == 3


def test_an_answer_that_is_too_large_to_be_kept_is_told_as_charged_and_displaces_no_other(
    start_gateway: Start, media_settings: GatewaySettings, credit_service: CreditService, upstream: Upstream
) -> None:
    gateway = start_gateway(media_settings.model_copy(update={"answers_kept_bytes_max": 30_000}))
    key = credit_service.make_key(USD)
    small = gateway.images(key, "image-good", word="small")
    large = gateway.images(key, "image-large", word="large")
    assert (small.status_code, large.status_code) == (200, 200)
    assert len(large.json()["data"][0]["b64_json"]) > 40_000
    again = gateway.images(key, "image-large", word="large")
    assert code_of(again) == (409, "IDEMPOTENCY_KEY_USED")
    assert again.json()["error"]["charged"] == 10 * CENTS
    assert gateway.images(key, "image-good", word="small").content == small.content
    assert len(upstream.bodies) == 2
    assert credit_service.account_state(key) == charged(20 * CENTS)


# --- leases ----------------------------------------------------------------------------------------------


def test_images_are_paid_from_a_lease_also_where_one_costs_more_than_it(
    start_gateway: Start, media_settings: GatewaySettings, credit_service: CreditService, way: FaultyWay
) -> None:
    terms = LeaseSettings(amount=5 * CENTS, ttl=5)
    gateway = start_gateway(media_settings.model_copy(update={"leases": True, "lease_terms": terms}))
    key = credit_service.make_key(USD)
    assert gateway.images(key, "image-good", n=2).status_code == 200
    assert gateway.images(key, "image-fewer", n=2).status_code == 200
    assert code_of(gateway.images(key, "image-good", n=4, size="1024x1024")) == (402, "INSUFFICIENT_BALANCE")
    assert way.seen["holds"] == way.seen["capture"] == 0
    eventually(lambda: credit_service.account_state(key)["captured"], 30 * CENTS)
    headers = {"authorization": f"Bearer {key}"}

    def made() -> list[int]:
        told = httpx.get(f"{credit_service.url}/v1/wallet/usage", headers=headers).json()
        return sorted(each["images"] for each in told["requests"])

    eventually(made, [1, 2])
