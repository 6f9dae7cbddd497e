"""One chat, delivered several times under one Idempotency-Key, is served once and charged once."""

import asyncio
import json
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from entitlement.gateway.failures import GatewayError
from entitlement.gateway.idempotency import TRIES_MAX, Delivery
from entitlement.gateway.kept_answers import ENTRY_BYTES, KeptAnswers, Recording
from entitlement.gateway.settings import GatewaySettings
from tests.gateway import upstreams
from tests.gateway.conftest import USD, CreditService, Gateway, code_of, eventually
from tests.gateway.faulty_way import FaultyWay
from tests.gateway.running import Stand
from tests.gateway.test_chat import events, text_of
from tests.gateway.test_failures import chat_bytes
from tests.gateway.test_privacy import MARKER, logged
from tests.gateway.test_running import GATEWAY, PRICES, program
from tests.gateway.upstreams import Upstream

__all__ = ["logged"]

COST = 33_000
"""Of a chat with the model "good": 5 tokens in at 1,000 nano-USD, 7 out at 4,000."""
CHARGED_ONCE = {"available": USD - COST, "held": 0, "captured": COST}


def deliver(
    gateway: Gateway, key: str, word: str, model: str = "good", text: str = "hello", **fields: object
) -> httpx.Response:
    return gateway.http.post(
        "/api/v1/chat/completions",
        headers={"authorization": f"Bearer {key}", "idempotency-key": word},
        json={"model": model, "messages": [{"role": "user", "content": text}], **fields},
    )


def is_replayed(answer: httpx.Response) -> bool:
    return answer.headers.get("idempotency-replayed") == "true"


# --- one after the other ---------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [True, False])
def test_three_deliveries_one_after_the_other_are_one_chat_and_one_charge(
    gateway: Gateway, credit_service: CreditService, upstream: Upstream, way: FaultyWay, *, stream: bool
) -> None:
    key = credit_service.make_key(USD)
    first, second, third = (deliver(gateway, key, "word", stream=stream) for _ in range(3))
    assert first.status_code == 200, first.text
    assert not is_replayed(first)
    for again in (second, third):
        assert is_replayed(again)
        assert (again.status_code, again.content) == (200, first.content)
        for name in ("content-type", "x-request-id", "x-venice-balance-diem"):
            assert again.headers[name] == first.headers[name]
    if stream:
        assert text_of(third) == "helloone two three four "
        assert events(third)[-1] == "[DONE]"
    assert credit_service.account_state(key) == CHARGED_ONCE
    assert len(upstream.bodies) == way.seen["holds"] == way.seen["capture"] == 1


def test_without_the_header_each_delivery_is_a_chat_of_its_own(
    gateway: Gateway, credit_service: CreditService, upstream: Upstream
) -> None:
    key = credit_service.make_key(USD)
    assert not is_replayed(gateway.chat(key, "good"))
    assert not is_replayed(gateway.chat(key, "good"))
    assert len(upstream.bodies) == 2


def test_a_model_that_costs_nothing_is_asked_once_too(
    gateway: Gateway, credit_service: CreditService
) -> None:
    key = credit_service.make_key(0)
    first, second = (deliver(gateway, key, "word", "free", "a b c") for _ in range(2))
    assert (is_replayed(first), is_replayed(second)) == (False, True)
    assert first.content == second.content


def test_the_same_word_of_another_key_is_another_chat(
    gateway: Gateway, credit_service: CreditService, upstream: Upstream
) -> None:
    for _ in range(2):
        key = credit_service.make_key(USD)
        assert not is_replayed(deliver(gateway, key, "word"))
        assert credit_service.account_state(key) == CHARGED_ONCE
    assert len(upstream.bodies) == 2


@pytest.mark.parametrize("change", [{"text": "other"}, {"model": "slow"}, {"stream": True}, {"seed": 1}])
def test_the_same_word_with_another_body_is_refused(
    gateway: Gateway, credit_service: CreditService, upstream: Upstream, change: dict[str, object]
) -> None:
    key = credit_service.make_key(USD)
    deliver(gateway, key, "word")
    other = deliver(gateway, key, "word", **change)
    assert code_of(other) == (409, "IDEMPOTENCY_KEY_REUSED")
    assert other.json()["error"]["type"] == "invalid_request_error"
    assert is_replayed(deliver(gateway, key, "word"))
    assert credit_service.account_state(key) == CHARGED_ONCE
    assert len(upstream.bodies) == 1


@pytest.mark.parametrize("word", ["", "two words", "x" * 256, "Ångström".encode(), b"tab\there"])
def test_what_is_no_name_is_refused_with_the_reason(
    gateway: Gateway, credit_service: CreditService, upstream: Upstream, word: str | bytes
) -> None:
    key = credit_service.make_key(USD)
    answer = deliver(gateway, key, word)
    assert code_of(answer) == (400, "INVALID_REQUEST")
    assert "1 to 255 visible" in answer.json()["message"]
    assert answer.json()["error"]["param"] == "Idempotency-Key"
    assert not upstream.bodies


def test_two_names_are_none_and_the_longest_one_is_good(
    gateway: Gateway, credit_service: CreditService
) -> None:
    key = credit_service.make_key(USD)
    headers = [("authorization", f"Bearer {key}"), ("idempotency-key", "a"), ("idempotency-key", "b")]
    body = {"model": "good", "messages": [{"role": "user", "content": "hello"}]}
    answer = gateway.http.post("/api/v1/chat/completions", headers=headers, json=body)
    assert code_of(answer) == (400, "INVALID_REQUEST")
    assert "2 of them" in answer.json()["message"]
    assert deliver(gateway, key, "x" * 255).status_code == 200


# --- at once ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("processes", [1, 2])
def test_many_at_once_are_one_chat_and_the_others_are_told_to_wait(
    start_gateway: Callable[[GatewaySettings], Gateway],
    settings: GatewaySettings,
    credit_service: CreditService,
    upstream: Upstream,
    way: FaultyWay,
    processes: int,
    *,
    stream: bool,
) -> None:
    gateways = [start_gateway(settings) for _ in range(processes)]
    key = credit_service.make_key(USD)
    way.faults = ["slow"] * processes
    answers: list[httpx.Response] = []
    barrier = threading.Barrier(3 * processes)

    def ask(gateway: Gateway) -> None:
        with httpx.Client(base_url=gateway.url, timeout=15) as http:
            barrier.wait()
            answers.append(deliver(Gateway(gateway.url, http), key, "word", stream=stream))

    threads = [threading.Thread(target=ask, args=(gateways[n % processes],)) for n in range(3 * processes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    served = [each for each in answers if each.status_code == 200]
    others = [each for each in answers if each.status_code != 200]
    assert len(served) == 1
    for each in others:
        assert code_of(each) in {(409, "IDEMPOTENCY_KEY_IN_PROGRESS"), (409, "IDEMPOTENCY_KEY_USED")}
        assert ("retry-after" in each.headers) is (each.json()["code"] == "IDEMPOTENCY_KEY_IN_PROGRESS")
    assert [code_of(each)[1] for each in others].count("IDEMPOTENCY_KEY_IN_PROGRESS") >= 2
    assert credit_service.account_state(key) == CHARGED_ONCE
    assert len(upstream.bodies) == 1
    later = [deliver(gateway, key, "word", stream=stream) for gateway in gateways]
    assert [each.content for each in later if is_replayed(each)] == [served[0].content]
    assert [code_of(each)[1] for each in later if not is_replayed(each)] == ["IDEMPOTENCY_KEY_USED"] * (
        processes - 1
    )
    assert credit_service.account_state(key) == CHARGED_ONCE


def test_another_body_is_told_so_while_the_first_is_in_work(
    gateway: Gateway, credit_service: CreditService
) -> None:
    key = credit_service.make_key(USD)
    body = {"model": "slow", "messages": [{"role": "user", "content": "hello"}], "stream": True}
    headers = {"authorization": f"Bearer {key}", "idempotency-key": "word"}
    with gateway.http.stream("POST", "/api/v1/chat/completions", headers=headers, json=body) as first:
        # Without a name for it the iterator ends at once, and closes the connection.
        pieces = first.iter_text()
        assert "hello" in next(pieces)
        with httpx.Client(base_url=gateway.url, timeout=15) as http:
            beside = Gateway(gateway.url, http)
            assert code_of(deliver(beside, key, "word")) == (409, "IDEMPOTENCY_KEY_REUSED")
            same = deliver(beside, key, "word", "slow", stream=True)
            assert code_of(same) == (409, "IDEMPOTENCY_KEY_IN_PROGRESS")
            assert int(same.headers["retry-after"]) >= 1


# --- what came to nothing is tried anew ------------------------------------------------------------------


def test_a_refusal_is_not_kept(
    gateway: Gateway, credit_service: CreditService, upstream: Upstream, way: FaultyWay
) -> None:
    key = credit_service.make_key(USD)
    with httpx.Client(base_url=credit_service.url, timeout=30) as service:
        service.headers["authorization"] = f"Bearer {credit_service.service_token}"
        taken = service.post("/v1/holds", json={"key": key, "amount": USD, "request_id": uuid4().hex})
        for _ in range(3):
            assert code_of(deliver(gateway, key, "word")) == (402, "INSUFFICIENT_BALANCE")
        service.post(f"/v1/holds/{taken.json()['hold']['id']}/release")
    answer = deliver(gateway, key, "word")
    assert answer.status_code == 200, answer.text
    assert not is_replayed(answer)
    assert is_replayed(deliver(gateway, key, "word"))
    assert credit_service.account_state(key) == CHARGED_ONCE
    assert len(upstream.bodies) == 1
    # The tries have names of their own, and no other text than that of the client's word in a hash.
    assert len({each["request_id"] for each in way.holds_asked}) == 4
    assert answer.headers["x-request-id"] == way.holds_asked[-1]["request_id"]


def test_tries_that_come_to_nothing_have_an_end(gateway: Gateway, credit_service: CreditService) -> None:
    key = credit_service.make_key(1)
    for _ in range(TRIES_MAX):
        assert code_of(deliver(gateway, key, "word")) == (402, "INSUFFICIENT_BALANCE")
    last = deliver(gateway, key, "word")
    assert code_of(last) == (409, "IDEMPOTENCY_KEY_USED")
    assert last.json()["error"]["tries"] == TRIES_MAX


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("kind", ["fails", "too-fast", "too-long"])
def test_a_failure_of_the_upstream_is_not_kept(
    gateway: Gateway,
    credit_service: CreditService,
    upstream: Upstream,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    *,
    stream: bool,
) -> None:
    key = credit_service.make_key(USD)
    with monkeypatch.context() as failing:
        failing.setitem(upstreams.FIXED, "good", upstreams.FIXED[kind])
        for _ in range(2):
            assert deliver(gateway, key, "word", stream=stream).status_code in {400, 429, 502}
    assert deliver(gateway, key, "word", stream=stream).status_code == 200
    assert is_replayed(deliver(gateway, key, "word", stream=stream))
    assert credit_service.account_state(key) == CHARGED_ONCE
    assert len(upstream.bodies) == 3


@pytest.mark.parametrize("fault", ["refuse", "drop", "lose"])
def test_a_hold_whose_answer_was_lost_is_found_again(
    gateway: Gateway, credit_service: CreditService, way: FaultyWay, fault: str
) -> None:
    key = credit_service.make_key(USD)
    way.faults = [fault] * 3
    assert code_of(deliver(gateway, key, "word")) == (503, "CREDIT_UNAVAILABLE")
    # Nothing tells this one from a hold of another process, but that this one asked for it.
    assert deliver(gateway, key, "word").status_code == 200
    assert is_replayed(deliver(gateway, key, "word"))
    assert credit_service.account_state(key) == CHARGED_ONCE
    assert len({each["request_id"] for each in way.holds_asked}) == 1


# --- what was charged and is not there to be given -------------------------------------------------------


def used(answer: httpx.Response) -> int:
    """Return what an answer says was charged before."""
    assert code_of(answer) == (409, "IDEMPOTENCY_KEY_USED")
    error = answer.json()["error"]
    assert error["request_id"] == answer.headers["x-request-id"]
    assert "new charge" in error["message"]
    return error["charged"]


@pytest.mark.parametrize("kind", ["dies", "ends-early", "garbage-later"])
def test_a_stream_that_broke_off_is_not_charged_again_without_a_word(
    gateway: Gateway, credit_service: CreditService, upstream: Upstream, kind: str
) -> None:
    key = credit_service.make_key(USD)
    assert "[DONE]" not in deliver(gateway, key, "word", kind, "12345678", stream=True).text
    cost = 2 * 1_000 + 7 * 4_000
    expected = {"available": USD - cost, "held": 0, "captured": cost}
    eventually(lambda: credit_service.account_state(key), expected)
    assert used(deliver(gateway, key, "word", kind, "12345678", stream=True)) == cost
    assert credit_service.account_state(key) == expected
    assert len(upstream.bodies) == 1


def leave(gateway: Gateway, key: str, model: str, *, stream: bool, after: bytes) -> bytes:
    """Deliver a chat under the key "word" and close the connection; returns the body that was sent."""
    place = urlsplit(gateway.url)
    request = chat_bytes(key, model, stream=stream).replace(b"\r\n", b"\r\nIdempotency-Key: word\r\n", 1)
    head, _, body = request.partition(b"\r\n\r\n")
    with socket.create_connection((place.hostname, place.port)) as connection:
        connection.sendall(head + b"\r\n\r\n" + body)
        seen = b""
        while after not in seen:
            seen += connection.recv(65536)
        time.sleep(0.1)
    return body


def again(gateway: Gateway, key: str, body: bytes) -> httpx.Response:
    headers = {"authorization": f"Bearer {key}", "idempotency-key": "word"}
    return gateway.http.post("/api/v1/chat/completions", headers=headers, content=body)


def test_a_stream_that_its_client_left_is_not_charged_again_without_a_word(
    gateway: Gateway, credit_service: CreditService, upstream: Upstream
) -> None:
    key = credit_service.make_key(USD)
    body = leave(gateway, key, "slow", stream=True, after=b"one ")
    eventually(lambda: credit_service.account_state(key)["held"], 0)
    captured = credit_service.account_state(key)["captured"]
    assert captured > 0
    assert used(again(gateway, key, body)) == captured
    assert credit_service.account_state(key)["captured"] == captured
    assert len(upstream.bodies) == 1


def test_a_whole_answer_is_there_for_a_client_that_lost_its_connection(
    gateway: Gateway, credit_service: CreditService, upstream: Upstream, way: FaultyWay
) -> None:
    key = credit_service.make_key(USD)
    way.faults = ["slow"]
    body = leave(gateway, key, "good", stream=False, after=b"")
    assert code_of(again(gateway, key, body)) == (409, "IDEMPOTENCY_KEY_IN_PROGRESS")
    eventually(lambda: credit_service.account_state(key), CHARGED_ONCE)
    eventually(lambda: again(gateway, key, body).status_code, 200)
    answer = again(gateway, key, body)
    assert is_replayed(answer)
    assert answer.json()["choices"][0]["message"]["content"] == "12345678"
    assert credit_service.account_state(key) == CHARGED_ONCE
    assert len(upstream.bodies) == 1


@pytest.mark.parametrize(
    "change",
    [{"answers_kept_bytes_max": 2_000}, {"answers_kept_bytes_max": 0}, {"answers_kept_seconds": 0.2}],
)
@pytest.mark.parametrize("stream", [True, False])
def test_a_forgotten_answer_is_told_as_charged_and_not_charged_again(
    start_gateway: Callable[[GatewaySettings], Gateway],
    settings: GatewaySettings,
    credit_service: CreditService,
    upstream: Upstream,
    change: dict[str, float],
    *,
    stream: bool,
) -> None:
    gateway = start_gateway(settings.model_copy(update=change))
    key, other = credit_service.make_key(USD), credit_service.make_key(USD)
    assert deliver(gateway, key, "word", stream=stream).status_code == 200
    # Where there is room for one answer only, this one takes it.
    assert deliver(gateway, other, "word").status_code == 200
    time.sleep(0.3)
    for _ in range(2):
        assert used(deliver(gateway, key, "word", stream=stream)) == COST
    assert credit_service.account_state(key) == CHARGED_ONCE
    assert len(upstream.bodies) == 2


# --- other processes -------------------------------------------------------------------------------------


@pytest.fixture
def start(
    credit_service: CreditService,
    way_url: str,
    upstream_stand: tuple[Stand, str],
    upstream: Upstream,
    tmp_path: Path,
) -> Iterator[Callable[[dict[str, str]], tuple[subprocess.Popen[str], Gateway]]]:
    """Start gateways as programs, as many as one likes."""
    del upstream
    prices = tmp_path / "models.toml"
    prices.write_text("".join(PRICES.format(name=name) for name in ("good", "hangs-later")))
    environment = {
        "ENTITLEMENT_GATEWAY_SERVICE_URL": way_url,
        "ENTITLEMENT_GATEWAY_SERVICE_TOKEN": credit_service.service_token,
        "ENTITLEMENT_GATEWAY_UPSTREAMS": json.dumps({"odd": {"url": upstream_stand[1]}}),
        "ENTITLEMENT_GATEWAY_PRICE_LIST": str(prices),
    }
    with ExitStack() as stack:

        def begin(more: dict[str, str]) -> tuple[subprocess.Popen[str], Gateway]:
            running: AbstractContextManager[tuple[subprocess.Popen[str], str]]
            running = program(GATEWAY, environment | more)
            process, url = stack.enter_context(running)
            return process, Gateway(url, stack.enter_context(httpx.Client(base_url=url, timeout=20)))

        yield begin


Start = Callable[[dict[str, str]], tuple[subprocess.Popen[str], Gateway]]


@pytest.mark.parametrize("leases", ["0", "1"])
def test_after_a_kill_and_a_start_it_is_still_one_charge(
    start: Start, credit_service: CreditService, upstream: Upstream, leases: str
) -> None:
    process, gateway = start({"ENTITLEMENT_GATEWAY_LEASES": leases})
    key = credit_service.make_key(USD)
    first = deliver(gateway, key, "word")
    assert first.status_code == 200, first.text
    process.send_signal(signal.SIGKILL)
    process.wait()
    _, gateway = start({"ENTITLEMENT_GATEWAY_LEASES": leases})
    for _ in range(2):
        answer = deliver(gateway, key, "word")
        assert used(answer) == COST
        assert answer.headers["x-request-id"] == first.headers["x-request-id"]
    assert code_of(deliver(gateway, key, "word", text="a longer one")) == (409, "IDEMPOTENCY_KEY_REUSED")
    assert credit_service.account_state(key) == CHARGED_ONCE
    assert len(upstream.bodies) == 1


def test_a_chat_that_was_killed_is_not_begun_again_while_its_hold_is_open(
    start: Start, credit_service: CreditService, upstream: Upstream
) -> None:
    process, gateway = start({})
    key = credit_service.make_key(USD)
    fields = {"model": "hangs-later", "messages": [{"role": "user", "content": "hello"}], "stream": True}
    body = json.dumps(fields).encode()
    headers = {"authorization": f"Bearer {key}", "idempotency-key": "word"}
    asked = gateway.http.build_request("POST", "/api/v1/chat/completions", headers=headers, content=body)
    pieces = gateway.http.send(asked, stream=True).iter_text()
    assert "hello" in next(pieces)
    process.send_signal(signal.SIGKILL)
    process.wait()
    _, gateway = start({})
    answer = again(gateway, key, body)
    assert code_of(answer) == (409, "IDEMPOTENCY_KEY_IN_PROGRESS")
    assert answer.json()["error"]["request_id"] == answer.headers["x-request-id"]
    state = credit_service.account_state(key)
    assert (state["held"] > 0, state["captured"]) == (True, 0)
    assert len(upstream.bodies) == 1


def test_only_chats_with_the_header_leave_the_leases(
    start_gateway: Callable[[GatewaySettings], Gateway],
    settings: GatewaySettings,
    credit_service: CreditService,
    way: FaultyWay,
) -> None:
    gateway = start_gateway(settings.model_copy(update={"leases": True}))
    key = credit_service.make_key(USD)
    for _ in range(3):
        assert gateway.chat(key, "good").status_code == 200
    assert way.seen["holds"] == 0
    assert [is_replayed(deliver(gateway, key, "word")) for _ in range(3)] == [False, True, True]
    assert way.seen["holds"] == 1


# --- privacy, and memory ---------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [True, False])
def test_what_is_kept_is_in_no_log_and_no_row(
    gateway: Gateway, credit_service: CreditService, logged: Callable[[], str], *, stream: bool
) -> None:
    key = credit_service.make_key(USD)
    for _ in range(2):
        assert MARKER in deliver(gateway, key, "the-word-of-a-client", text=MARKER, stream=stream).text
    written = logged() + credit_service.everything()
    assert "replayed" in written
    for secret in (MARKER, "the-word-of-a-client", key):
        assert secret not in written


def delivery(number: int) -> Delivery:
    return Delivery(bytes([number]), b"body")


@given(
    bytes_max=st.integers(0, 8 * ENTRY_BYTES),
    steps=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3 * ENTRY_BYTES), st.booleans())),
)
def test_what_is_kept_never_exceeds_its_bound_and_is_whole(
    bytes_max: int, steps: list[tuple[int, int, bool]]
) -> None:
    async def play() -> None:
        answers = KeptAnswers(seconds=60, bytes_max=bytes_max)
        in_work: dict[int, Recording] = {}
        given: dict[int, bytes] = {}
        for number, size, ends in steps:
            if number in in_work:
                with pytest.raises(GatewayError, match="IN_PROGRESS"):
                    answers.begin(delivery(number))
                in_work[number].add(bytes([number]) * size)
                given[number] += bytes([number]) * size
                if ends:
                    recording = in_work.pop(number)
                    recording.is_whole = True
                    answers.finish(recording)
            else:
                found = answers.begin(delivery(number))
                if found.is_whole:
                    assert bytes(found.body) == given[number]
                else:
                    in_work[number], given[number] = found, b""
            assert answers.bytes_kept <= bytes_max
        for recording in in_work.values():
            answers.finish(recording)
        assert answers.bytes_kept <= bytes_max

    asyncio.run(play())


def test_an_answer_is_gone_after_its_time_although_nobody_asks() -> None:
    async def play() -> None:
        answers = KeptAnswers(seconds=0.05, bytes_max=2**20)
        recording = answers.begin(delivery(1))
        recording.add(b"what was said")
        recording.is_whole = True
        answers.finish(recording)
        assert answers.bytes_kept > 0
        await asyncio.sleep(0.15)
        assert answers.bytes_kept == 0
        assert not recording.body

    asyncio.run(play())
