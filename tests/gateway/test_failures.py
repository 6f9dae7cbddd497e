"""A request that goes wrong: what the client is told, and that the credit is right afterwards."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest

from entitlement.gateway.settings import GatewaySettings
from entitlement.gateway.settings import Upstream as UpstreamSettings
from tests.gateway.conftest import UNTOUCHED, USD, CreditService, Gateway, charged, eventually
from tests.gateway.faulty_way import FaultyWay
from tests.gateway.upstreams import Upstream

BEFORE_THE_TOTAL = 8.0
"""Seconds: a shorter time-out than that for the whole answer must have ended it."""


def broken_off(text: str) -> tuple[list[str], dict[str, object]]:
    """Return the words of a stream and the error it ends with."""
    *events, last = [line.removeprefix("data: ") for line in text.split("\n\n") if line]
    words = [json.loads(event)["choices"][0]["delta"].get("content", "") for event in events]
    return words, json.loads(last)["error"]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("unreachable", 502, "UPSTREAM_UNAVAILABLE"),
        ("fails", 502, "UPSTREAM_UNAVAILABLE"),
        ("our-key-is-wrong", 502, "UPSTREAM_UNAVAILABLE"),
        ("hangs", 504, "UPSTREAM_TIMEOUT"),
        ("garbage", 502, "UPSTREAM_INVALID"),
        ("garbage-json", 502, "UPSTREAM_INVALID"),
        ("no-choices", 502, "UPSTREAM_INVALID"),
        ("too-fast", 429, "RATE_LIMIT_EXCEEDED"),
        ("too-fast-for-long", 429, "RATE_LIMIT_EXCEEDED"),
        ("too-long", 400, "INVALID_REQUEST"),
    ],
)
def test_an_upstream_that_fails_before_the_first_byte_costs_nothing(
    start_gateway: Callable[[GatewaySettings], Gateway],
    settings: GatewaySettings,
    credit_service: CreditService,
    kind: str,
    status: int,
    code: str,
    *,
    stream: bool,
) -> None:
    # A whole answer comes at once, so only the time-out for all of it can end the waiting.
    gateway = start_gateway(with_time_outs(settings, total_seconds=2))
    key = credit_service.make_key(USD)
    answer = gateway.chat(key, kind, stream=stream)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.headers["x-venice-balance-diem"] == "1.000000000"
    assert "sk-operator" not in answer.text
    assert credit_service.account_state(key) == UNTOUCHED


def with_time_outs(settings: GatewaySettings, **changes: float) -> GatewaySettings:
    return settings.model_copy(update={"time_outs": settings.time_outs.model_copy(update=changes)})


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("only-done", 502, "UPSTREAM_INVALID"),
        ("garbage-event", 502, "UPSTREAM_INVALID"),
        ("endless-event", 502, "UPSTREAM_INVALID"),
        ("never-begins", 504, "UPSTREAM_TIMEOUT"),
    ],
)
def test_a_stream_without_a_first_event_is_an_error_with_a_status(
    gateway: Gateway, credit_service: CreditService, kind: str, status: int, code: str
) -> None:
    key = credit_service.make_key(USD)
    answer = gateway.chat(key, kind, stream=True)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.elapsed.total_seconds() < BEFORE_THE_TOTAL
    assert credit_service.account_state(key) == UNTOUCHED


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("dies", "UPSTREAM_INTERRUPTED"),
        ("ends-early", "UPSTREAM_INTERRUPTED"),
        ("error-later", "UPSTREAM_INTERRUPTED"),
        ("garbage-later", "UPSTREAM_INVALID"),
        ("hangs-later", "UPSTREAM_TIMEOUT"),
    ],
)
def test_a_stream_that_breaks_off_is_charged_for_what_was_produced(
    gateway: Gateway, credit_service: CreditService, kind: str, code: str
) -> None:
    key = credit_service.make_key(USD)
    answer = gateway.chat(key, kind, "12345678", stream=True)
    assert answer.status_code == 200
    words, error = broken_off(answer.text)
    assert words == ["12345678", "one ", "two ", "three ", "four "]
    assert error["code"] == code
    assert "[DONE]" not in answer.text
    assert answer.elapsed.total_seconds() < BEFORE_THE_TOTAL
    assert "sk-operator" not in answer.text
    # 8 bytes in are 2 tokens; 27 bytes out are 7.
    eventually(lambda: credit_service.account_state(key), charged(2 * 1_000 + 7 * 4_000))


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("body-dies", 502, "UPSTREAM_INTERRUPTED"),
        ("body-hangs", 504, "UPSTREAM_TIMEOUT"),
        ("body-without-end", 502, "UPSTREAM_INVALID"),
    ],
)
def test_a_whole_answer_that_breaks_off_costs_nothing(
    gateway: Gateway, credit_service: CreditService, kind: str, status: int, code: str
) -> None:
    key = credit_service.make_key(USD)
    answer = gateway.chat(key, kind)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.elapsed.total_seconds() < BEFORE_THE_TOTAL
    assert credit_service.account_state(key) == UNTOUCHED


@pytest.fixture
def full_queue() -> Iterator[str]:
    """The address of a server whose queue of connections is full, so that no more are taken."""
    with socket.socket() as server, ExitStack() as waiting:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(4):
            connection = waiting.enter_context(socket.socket())
            connection.settimeout(0)
            connection.connect_ex(server.getsockname())
        yield f"http://127.0.0.1:{server.getsockname()[1]}/v1"


def test_an_upstream_that_takes_no_connection_is_a_time_out(
    start_gateway: Callable[[GatewaySettings], Gateway],
    settings: GatewaySettings,
    credit_service: CreditService,
    full_queue: str,
) -> None:
    upstreams = {**settings.upstreams, "odd": UpstreamSettings(url=full_queue)}
    changed = with_time_outs(settings, connect_seconds=0.5, first_byte_seconds=10)
    gateway = start_gateway(changed.model_copy(update={"upstreams": upstreams}))
    key = credit_service.make_key(USD)
    answer = gateway.chat(key, "good", stream=True)
    assert (answer.status_code, answer.json()["error"]["code"]) == (504, "UPSTREAM_TIMEOUT")
    assert credit_service.account_state(key) == UNTOUCHED


def test_a_client_that_leaves_while_the_upstream_is_being_called_pays_nothing(
    start_gateway: Callable[[GatewaySettings], Gateway],
    settings: GatewaySettings,
    credit_service: CreditService,
    way: FaultyWay,
    full_queue: str,
) -> None:
    upstreams = {**settings.upstreams, "odd": UpstreamSettings(url=full_queue)}
    changed = with_time_outs(settings, connect_seconds=20, first_byte_seconds=20)
    gateway = start_gateway(changed.model_copy(update={"upstreams": upstreams}))
    key = credit_service.make_key(USD)
    leave(gateway, key, "good", stream=True, after=None)
    eventually(lambda: way.seen["release"], 1)
    eventually(lambda: credit_service.account_state(key), UNTOUCHED)


def test_a_client_that_stops_reading_is_cut_off_by_the_total_time_out_and_charged(
    start_gateway: Callable[[GatewaySettings], Gateway],
    settings: GatewaySettings,
    credit_service: CreditService,
) -> None:
    gateway = start_gateway(with_time_outs(settings, total_seconds=1))
    key = credit_service.make_key(100 * USD)
    place = urlsplit(gateway.url)
    with socket.create_connection((place.hostname, place.port)) as connection:
        connection.sendall(chat_bytes(key, "endless", stream=True))
        eventually(lambda: credit_service.account_state(key)["held"] > 0, expected=True)
        eventually(lambda: credit_service.account_state(key)["held"], 0)
    # More came than was asked for; the hold, 1,000 tokens of output and the body's bytes, is all it costs.
    assert 4_000_000 < credit_service.account_state(key)["captured"] < 4_400_000


def test_the_total_time_out_ends_a_stream_that_never_stops_talking(
    start_gateway: Callable[[GatewaySettings], Gateway],
    settings: GatewaySettings,
    credit_service: CreditService,
) -> None:
    gateway = start_gateway(with_time_outs(settings, total_seconds=0.8))
    key = credit_service.make_key(USD)
    words, error = broken_off(gateway.chat(key, "slow", "1234", stream=True).text)
    assert error["code"] == "UPSTREAM_TIMEOUT"
    cost = 1_000 + 4_000 * -(-sum(map(len, words)) // 4)
    eventually(lambda: credit_service.account_state(key), charged(cost))


def chat_bytes(key: str, model: str, *, stream: bool) -> bytes:
    """Return a request as it goes over the wire."""
    messages = [{"role": "user", "content": "12345678"}]
    body = json.dumps({"model": model, "messages": messages, "stream": stream}).encode()
    head = (
        "POST /api/v1/chat/completions HTTP/1.1\r\nhost: gateway\r\n"
        f"authorization: Bearer {key}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def leave(gateway: Gateway, key: str, model: str, *, stream: bool, after: bytes | None) -> None:
    """Ask, wait until `after` has arrived (or a moment, for None), and close the connection."""
    place = urlsplit(gateway.url)
    with socket.create_connection((place.hostname, place.port)) as connection:
        connection.sendall(chat_bytes(key, model, stream=stream))
        seen = b""
        while after is not None and after not in seen:
            seen += connection.recv(65536)
        if after is None:
            time.sleep(0.5)


def test_a_client_that_leaves_a_stream_pays_for_what_was_produced(
    gateway: Gateway, credit_service: CreditService, upstream: Upstream
) -> None:
    key = credit_service.make_key(USD)
    leave(gateway, key, "slow", stream=True, after=b"one ")
    # 2 tokens in; "12345678" and "one " are 12 bytes, 3 tokens. One more word may have been on its way.
    eventually(lambda: credit_service.account_state(key)["held"], 0)
    assert credit_service.account_state(key)["captured"] in {2_000 + 3 * 4_000, 2_000 + 4 * 4_000}
    eventually(lambda: upstream.closed_early, 1)
    eventually(lambda: gateway.http.get("/healthz").json()["unsettled"], 0)


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_leaves_before_the_first_byte_pays_for_what_was_sent(
    start_gateway: Callable[[GatewaySettings], Gateway],
    settings: GatewaySettings,
    credit_service: CreditService,
    upstream: Upstream,
    *,
    stream: bool,
) -> None:
    gateway = start_gateway(with_time_outs(settings, first_byte_seconds=20, idle_seconds=20))
    key = credit_service.make_key(USD)
    leave(gateway, key, "hangs", stream=stream, after=None)
    eventually(lambda: credit_service.account_state(key), charged(2_000))
    assert len(upstream.bodies) == 1


def test_a_client_that_leaves_while_credit_is_asked_for_pays_nothing(
    gateway: Gateway, credit_service: CreditService, way: FaultyWay, upstream: Upstream
) -> None:
    key = credit_service.make_key(USD)
    way.faults = ["slow"]
    place = urlsplit(gateway.url)
    with socket.create_connection((place.hostname, place.port)) as connection:
        connection.sendall(chat_bytes(key, "good", stream=False))
        time.sleep(0.2)
    eventually(lambda: way.seen["release"], 1)
    eventually(lambda: credit_service.account_state(key), UNTOUCHED)
    assert not upstream.bodies


def test_without_the_credit_service_nobody_is_served(
    gateway: Gateway, credit_service: CreditService, way: FaultyWay, upstream: Upstream
) -> None:
    key = credit_service.make_key(USD)
    way.down_for = ""
    answer = gateway.chat(key, "good")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "CREDIT_UNAVAILABLE")
    assert int(answer.headers["retry-after"]) >= 1
    assert not upstream.bodies
    way.down_for = None
    assert gateway.chat(key, "good").status_code == 200


@pytest.mark.parametrize(
    "told",
    [
        (401, {"code": "not_authenticated", "detail": "wrong token"}),
        (200, {"hold": {"amount": -1}}),
        (201, {"hold": {"id": "h"}, "balance": {}}),
        (403, {"message": "a proxy's page"}),
        (500, {}),
    ],
)
def test_an_answer_of_the_service_that_makes_no_sense_serves_nobody(
    gateway: Gateway, credit_service: CreditService, way: FaultyWay, upstream: Upstream, told: object
) -> None:
    status, body = told
    way.faults = [(status, json.dumps(body).encode())]
    answer = gateway.chat(credit_service.make_key(USD), "good")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "CREDIT_UNAVAILABLE")
    assert not upstream.bodies


@pytest.mark.parametrize("fault", ["refuse", "drop", "lose"])
def test_a_fault_on_the_way_to_the_service_is_not_seen_by_the_client(
    gateway: Gateway, credit_service: CreditService, way: FaultyWay, fault: str
) -> None:
    key = credit_service.make_key(USD)
    way.faults = [fault, fault]
    assert gateway.chat(key, "good").status_code == 200
    way.faults = [None, fault, fault]
    assert gateway.chat(key, "good").status_code == 200
    # The upstream reports 5 tokens in and 7 out, twice.
    eventually(lambda: credit_service.account_state(key), charged(2 * 33_000))


@pytest.mark.parametrize("stream", [True, False])
def test_an_answer_is_delivered_while_captures_fail_and_captured_when_they_no_longer_do(
    gateway: Gateway, credit_service: CreditService, way: FaultyWay, *, stream: bool
) -> None:
    key = credit_service.make_key(USD)
    way.down_for = "/capture"
    answer = gateway.chat(key, "good", stream=stream)
    assert answer.status_code == 200
    assert "12" in answer.text or "[DONE]" in answer.text
    assert credit_service.account_state(key)["held"] > 0
    assert gateway.http.get("/healthz").json()["unsettled"] == 1
    way.down_for = None
    eventually(lambda: credit_service.account_state(key), charged(33_000))
    eventually(lambda: gateway.http.get("/healthz").json()["unsettled"], 0)


def test_debts_do_not_pile_up_while_captures_fail(
    start_gateway: Callable[[GatewaySettings], Gateway],
    settings: GatewaySettings,
    credit_service: CreditService,
    way: FaultyWay,
    upstream: Upstream,
) -> None:
    gateway = start_gateway(settings.model_copy(update={"unsettled_max": 2}))
    key = credit_service.make_key(USD)
    way.down_for = "/capture"
    statuses = [gateway.chat(key, "good").status_code for _ in range(3)]
    assert statuses == [200, 200, 503]
    assert len(upstream.bodies) == 2
    way.down_for = None
    eventually(lambda: credit_service.account_state(key), charged(66_000))
    assert gateway.chat(key, "good").status_code == 200


def test_a_capture_that_the_service_refuses_for_good_is_given_up(
    gateway: Gateway, credit_service: CreditService, way: FaultyWay
) -> None:
    expired = json.dumps({"code": "hold_expired", "detail": "too late"}).encode()
    way.faults = [None, (410, expired)]
    assert gateway.chat(credit_service.make_key(USD), "good").status_code == 200
    eventually(lambda: gateway.http.get("/healthz").json()["unsettled"], 0)
    assert way.seen["capture"] == 1


def test_a_capture_that_is_asked_for_too_often_is_asked_for_again(
    gateway: Gateway, credit_service: CreditService, way: FaultyWay
) -> None:
    # What a service says to a network address that has shown a token which it does not know, too often.
    refused = json.dumps({"code": "rate_limited", "detail": "too fast", "of": "address", "retry_after": 1})
    key = credit_service.make_key(USD)
    way.faults = [None, (429, refused.encode())]
    assert gateway.chat(key, "good").status_code == 200
    eventually(lambda: credit_service.account_state(key), charged(33_000))
    assert way.seen["capture"] == 2
