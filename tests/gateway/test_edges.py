"""The edges of the gateway: keys, bodies, errors, the list of models, what is passed through."""

import http.client
import json
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from entitlement.client.errors import refusal
from entitlement.gateway.failures import explain_credit
from entitlement.gateway.settings import GatewaySettings
from tests.gateway.conftest import UNTOUCHED, USD, CreditService, Gateway
from tests.gateway.faulty_way import FaultyWay
from tests.gateway.running import free_port, running
from tests.gateway.upstreams import Upstream

HELLO = [{"role": "user", "content": "hello"}]


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (None, "missing_key"),
        ("Bearer", "malformed_key"),
        ("Bearer short", "malformed_key"),
        ("Basic YWxpY2U6c2VjcmV0", "malformed_key"),
        ("Bearer " + "x" * 300, "malformed_key"),
        ("Bearer two words of it", "malformed_key"),
        ("Bearer ek_nobody_knows_this_one", "unknown_key"),
    ],
)
def test_without_a_good_key_nothing_is_served(
    gateway: Gateway, way: FaultyWay, header: str | None, reason: str
) -> None:
    headers = {} if header is None else {"authorization": header}
    answer = gateway.http.post(
        "/api/v1/chat/completions", headers=headers, json={"model": "good", "messages": HELLO}
    )
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["reason"]) == (401, "AUTHENTICATION_FAILED", reason)
    assert way.seen["holds"] == (reason == "unknown_key")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"messages": HELLO}, "model"),
        ({"model": 5, "messages": HELLO}, "model"),
        ({"model": "good"}, "messages"),
        ({"model": "good", "messages": []}, "messages"),
        ({"model": "good", "messages": "hello"}, "messages"),
        ({"model": "good", "messages": ["hello"]}, "messages[0]"),
        ({"model": "good", "messages": [*HELLO, {"role": "king"}]}, "messages[1]"),
        ({"model": "good", "messages": [{"role": ["user"], "content": "x"}]}, "messages[0]"),
        ({"model": "good", "messages": [{"role": "user", "content": 5}]}, "messages[0]"),
        (
            {
                "model": "good",
                "messages": [
                    {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://x/y"}}]}
                ],
            },
            "messages[0]",
        ),
        ({"model": "good", "messages": [{"role": "user", "content": [{"type": ["text"]}]}]}, "messages[0]"),
        (
            {"model": "good", "messages": [{"role": "user", "content": "x", "images": ["aGk="]}]},
            "messages[0]",
        ),
        (
            {"model": "good", "messages": [*HELLO, {"role": "assistant", "audio": {"id": "audio_1"}}]},
            "messages[1]",
        ),
        (
            {
                "model": "good",
                "messages": [{"role": "user", "content": [{"type": "text", "text": "x", "image": "aGk="}]}],
            },
            "messages[0]",
        ),
        ({"model": "good", "messages": HELLO * 5000}, None),
        ({"model": "good", "messages": HELLO, "n": 2}, "n"),
        ({"model": "good", "messages": HELLO, "n": "1"}, "n"),
        ({"model": "good", "messages": HELLO, "n": True}, "n"),
        ({"model": "good", "messages": HELLO, "stream": "yes"}, "stream"),
        ({"model": "good", "messages": HELLO, "stream_options": []}, "stream_options"),
        ({"model": "good", "messages": HELLO, "max_tokens": 0}, "max_tokens"),
        ({"model": "good", "messages": HELLO, "max_tokens": -1}, "max_tokens"),
        ({"model": "good", "messages": HELLO, "max_tokens": 1.5}, "max_tokens"),
        ({"model": "good", "messages": HELLO, "max_tokens": True}, "max_tokens"),
        ({"model": "good", "messages": HELLO, "max_completion_tokens": "9"}, "max_completion_tokens"),
        ({"model": "good", "messages": HELLO, "tools": "all"}, "tools"),
        ({"model": "good", "messages": HELLO, "tools": [{"type": "web_search"}]}, "tools"),
        ({"model": "good", "messages": HELLO, "service_tier": "priority"}, "service_tier"),
        ({"model": "good", "messages": HELLO, "venice_parameters": 1}, "venice_parameters"),
        (
            {"model": "good", "messages": HELLO, "venice_parameters": {"enable_web_search": "on"}},
            "venice_parameters",
        ),
        (
            {"model": "good", "messages": HELLO, "venice_parameters": {"enable_web_search": ["off"]}},
            "venice_parameters",
        ),
    ],
)
def test_a_body_that_cannot_be_priced_is_refused_saying_where(
    gateway: Gateway, credit_service: CreditService, upstream: Upstream, body: object, param: str | None
) -> None:
    key = credit_service.make_key(USD)
    answer = gateway.http.post(
        "/api/v1/chat/completions", headers={"authorization": f"Bearer {key}"}, json=body
    )
    if param is None:
        assert answer.status_code == 413
    else:
        error = answer.json()["error"]
        assert (answer.status_code, error["code"], error["param"]) == (400, "INVALID_REQUEST", param)
    assert not upstream.bodies
    assert credit_service.account_state(key) == {"available": USD, "held": 0, "captured": 0}


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"[]", b'"hello"', b"\xff\xfe", b'{"model": NaN}', b'{"a": "\\ud800"}', b"[" * 30000],
)
def test_a_body_that_is_no_json_object_is_refused(
    gateway: Gateway, credit_service: CreditService, text: bytes
) -> None:
    answer = gateway.http.post(
        "/api/v1/chat/completions",
        headers={"authorization": f"Bearer {credit_service.make_key(USD)}"},
        content=text,
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "INVALID_REQUEST")


def test_a_body_that_is_nested_more_deeply_than_can_be_sent_on_is_refused(
    gateway: Gateway, credit_service: CreditService, upstream: Upstream
) -> None:
    key = credit_service.make_key(USD)
    asked = b'"model": "good", "messages": [{"role": "user", "content": "a"}]'
    answer = gateway.http.post(
        "/api/v1/chat/completions",
        headers={"authorization": f"Bearer {key}"},
        content=b'{%s, "stop": %s}' % (asked, b"[" * 300 + b"]" * 300),
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "INVALID_REQUEST")
    assert not upstream.bodies
    assert credit_service.account_state(key) == UNTOUCHED


def test_a_body_that_is_too_large_is_refused_naming_the_bound(
    gateway: Gateway, credit_service: CreditService
) -> None:
    answer = gateway.chat(credit_service.make_key(USD), "good", "x" * 5_000_000)
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "REQUEST_TOO_LARGE"
    assert answer.json()["error"]["largest_bytes"] == 64 * 1024


def test_an_unknown_model_is_not_found(gateway: Gateway, credit_service: CreditService) -> None:
    answer = gateway.chat(credit_service.make_key(USD), "gpt-unheard-of")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "MODEL_NOT_FOUND")
    assert gateway.http.get("/api/v1/models/gpt-unheard-of").json()["code"] == "MODEL_NOT_FOUND"


def test_the_list_of_models_has_prices_in_both_units(gateway: Gateway) -> None:
    listed = gateway.http.get("/api/v1/models").json()
    echo = next(each for each in listed["data"] if each["id"] == "echo")
    assert listed["object"] == "list"
    assert echo["object"] == "model"
    assert echo["model_spec"]["pricing"] == {
        "input": {"usd": 1, "diem": 1, "nano_usd": 10**9},
        "output": {"usd": 4, "diem": 4, "nano_usd": 4 * 10**9},
    }
    assert echo["model_spec"]["privacy"] == "private"
    assert gateway.http.get("/api/v1/models/echo").json() == echo
    assert gateway.http.get("/api/v1/models", params={"type": "image"}).json()["data"] == []


def test_a_page_that_is_named_may_read_the_models_and_nothing_else_and_no_other_page_may(
    gateway: Gateway,
) -> None:
    named, other = {"Origin": "https://page.example"}, {"Origin": "https://page.example.evil"}
    listed = gateway.http.get("/api/v1/models", headers=named)
    assert listed.headers["access-control-allow-origin"] == "https://page.example"
    assert listed.headers["vary"] == "Origin"
    assert "access-control-allow-credentials" not in listed.headers
    for path, headers in (("/api/v1/models", other), ("/api/v1/models", {}), ("/api/v1/models/echo", named)):
        answer = gateway.http.get(path, headers=headers)
        assert answer.status_code == 200
        assert "access-control-allow-origin" not in answer.headers
    asked = gateway.http.options("/api/v1/chat/completions", headers=named)
    assert "access-control-allow-origin" not in asked.headers


def test_other_addresses_and_methods_are_errors_of_the_same_shape(gateway: Gateway) -> None:
    assert gateway.http.get("/api/v1/audio/speech").json()["error"]["code"] == "NOT_FOUND"
    for route in ("chat/completions", "images/generations", "embeddings"):
        wrong = gateway.http.get(f"/api/v1/{route}")
        assert (wrong.status_code, wrong.json()["code"]) == (405, "METHOD_NOT_ALLOWED")


@pytest.mark.parametrize(
    ("limit", "code"),
    [("diem", "API_KEY_DIEM_SPEND_LIMIT_EXCEEDED"), ("usd", "API_KEY_USD_SPEND_LIMIT_EXCEEDED")],
)
def test_a_key_limit_is_told_apart_from_an_empty_account(
    gateway: Gateway, credit_service: CreditService, way: FaultyWay, limit: str, code: str
) -> None:
    figures = {"limit": limit, "period": "EPOCH", "wanted": 9, "available": 2, "resets_at": 1_790_000_000}
    problem = {"code": "key_limit_reached", "status": 402, "detail": "no", **figures}
    way.faults = [(402, json.dumps(problem).encode())]
    answer = gateway.chat(credit_service.make_key(USD), "good")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (402, code)
    assert {name: error[name] for name in figures} == figures
    assert "2026-09-21T14:13:20Z" in error["message"]


def test_a_lifetime_limit_resets_never() -> None:
    problem = {"code": "key_limit_reached", "limit": "usd", "wanted": 1, "available": 0, "resets_at": None}
    assert "resets never" in explain_credit(refusal(402, problem)).message


def test_that_the_gateway_s_own_token_is_refused_too_often_is_not_its_client_s_matter() -> None:
    figures = {"requests": 60, "seconds": 60, "retry_after": 7}
    told = explain_credit(refusal(429, {"code": "rate_limited", "of": "address", **figures}))
    assert (told.status, told.code) == (503, "CREDIT_UNAVAILABLE")
    told = explain_credit(refusal(429, {"code": "rate_limited", "of": "key", **figures}))
    assert (told.status, told.code) == (429, "RATE_LIMIT_EXCEEDED")


@pytest.mark.parametrize("code", ["key_expired", "key_revoked"])
def test_a_key_that_is_over_says_why(
    gateway: Gateway, credit_service: CreditService, way: FaultyWay, code: str
) -> None:
    way.faults = [(401, json.dumps({"code": code, "detail": "make a new one"}).encode())]
    error = gateway.chat(credit_service.make_key(USD), "good").json()["error"]
    assert error["code"] == "AUTHENTICATION_FAILED"
    assert error["reason"] == code
    assert error["message"] == "make a new one"


async def mirror(request: Request) -> Response:
    """Say what arrived."""
    arrived = {
        "method": request.method,
        "path": request.url.path,
        "query": request.url.query,
        "body": (await request.body()).decode(),
        "headers": dict(request.headers),
    }
    answer = JSONResponse(arrived, 207, headers={"x-venice-balance-usd": "1.5", "x-inner": "secret"})
    answer.set_cookie("session", "one person's")
    return answer


@pytest.fixture
def mirrored(
    start_gateway: Callable[[GatewaySettings], Gateway], settings: GatewaySettings
) -> Iterator[Gateway]:
    """A gateway whose service says what arrived there."""
    methods = ["GET", "POST", "PATCH", "DELETE"]
    with running(Starlette(routes=[Route("/{rest:path}", mirror, methods=methods)])) as url:
        yield start_gateway(settings.model_copy(update={"service_url": url}))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/api_keys"),
        ("POST", "/api/v1/api_keys"),
        ("DELETE", "/api/v1/api_keys?id=5%2F6&x=a%20b"),
        ("PATCH", "/api/v1/api_keys/abc"),
        ("GET", "/api/v1/api_keys/rate_limits/log"),
        ("GET", "/api/v1/billing/usage-history?pageSize=10&cursor=a%2Bb"),
    ],
)
def test_keys_and_billing_are_passed_through(
    mirrored: Gateway, credit_service: CreditService, method: str, path: str
) -> None:
    body = b'{"description": "mine"}' if method in {"POST", "PATCH"} else b""
    answer = mirrored.http.request(
        method,
        path,
        content=body,
        headers={"authorization": "Bearer ek_my_own", "accept": "text/csv", "cookie": "a=b", "x-other": "1"},
    )
    arrived = answer.json()
    assert answer.status_code == 207
    assert arrived["method"] == method
    assert arrived["path"] == path.partition("?")[0]
    assert arrived["query"] == path.partition("?")[2]
    assert arrived["body"] == body.decode()
    assert arrived["headers"]["authorization"] == "Bearer ek_my_own"
    assert arrived["headers"]["accept"] == "text/csv"
    assert {"cookie", "x-other"}.isdisjoint(arrived["headers"])
    assert answer.headers["x-venice-balance-usd"] == "1.5"
    assert {"x-inner", "set-cookie"}.isdisjoint(answer.headers)
    assert credit_service.service_token not in answer.text


@pytest.mark.parametrize(
    "path", ["/api/v1/api_keys/../v1/x", "/api/v1/billing/%2e%2e/%2e%2e/%2e%2e/v1/holds", "/api/v1/api_keysX"]
)
def test_nothing_else_of_the_service_can_be_reached_through_the_gateway(
    gateway: Gateway, way: FaultyWay, path: str
) -> None:
    place = urlsplit(gateway.url)
    # httpx would tidy the path before it is sent.
    connection = http.client.HTTPConnection(place.hostname or "", place.port)
    connection.request("GET", path)
    answer = connection.getresponse()
    assert answer.status == 404
    answer.read()
    connection.close()
    assert not way.seen


def test_an_address_that_is_too_long_to_be_passed_on_is_none(gateway: Gateway, way: FaultyWay) -> None:
    place = urlsplit(gateway.url)
    # httpx would not send it.
    connection = http.client.HTTPConnection(place.hostname or "", place.port)
    connection.request("GET", f"/api/v1/billing/{'x' * 65_515}")
    answer = connection.getresponse()
    assert answer.status == 404
    assert json.loads(answer.read())["code"] == "NOT_FOUND"
    connection.close()
    assert not way.seen


def test_passing_through_breaks_off_when_the_service_does(gateway: Gateway, way: FaultyWay) -> None:
    way.faults = ["drop"]
    with pytest.raises(httpx.RemoteProtocolError):
        gateway.http.get("/api/v1/billing/balance")


def test_passing_through_fails_with_a_status_when_the_service_is_gone(
    start_gateway: Callable[[GatewaySettings], Gateway], settings: GatewaySettings
) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    gateway = start_gateway(settings.model_copy(update={"service_url": nowhere}))
    answer = gateway.http.get("/api/v1/billing/balance")
    assert (answer.status_code, answer.json()["code"]) == (503, "CREDIT_UNAVAILABLE")
    assert "retry-after" in answer.headers
