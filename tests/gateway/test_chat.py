"""A request that goes well: what the client gets, what the upstream is told, what is charged."""

import json
import threading
import time
from collections.abc import Callable

import httpx
import pytest
from pydantic import ValidationError

from entitlement.gateway.settings import GatewaySettings
from tests.gateway.conftest import USD, CreditService, Gateway, eventually, model
from tests.gateway.faulty_way import FaultyWay
from tests.gateway.upstreams import Upstream


def events(answer: httpx.Response) -> list[str]:
    return [line.removeprefix("data: ") for line in answer.text.split("\n\n") if line]


def chunks(answer: httpx.Response) -> list[dict[str, object]]:
    return [json.loads(event) for event in events(answer) if event != "[DONE]"]


def text_of(answer: httpx.Response) -> str:
    return "".join(
        choice["delta"].get("content", "") for chunk in chunks(answer) for choice in chunk["choices"]
    )


def test_an_answer_is_charged_what_the_upstream_reports(
    gateway: Gateway, credit_service: CreditService
) -> None:
    key = credit_service.make_key(USD)
    answer = gateway.chat(key, "echo", "to be or not")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["choices"][0]["message"]["content"] == "to be or not"
    assert body["model"] == "echo"
    assert body["usage"] == {"prompt_tokens": 4, "completion_tokens": 4, "total_tokens": 8}
    # 4 tokens at 1 dollar for a million, 4 at 4 dollars: 20 millionths of a dollar.
    assert body["cost"] == {"usd": 0.00002, "diem": 0.00002, "nano_usd": 20_000, "counted_by": "upstream"}
    assert credit_service.account_state(key) == {"available": USD - 20_000, "held": 0, "captured": 20_000}


def test_the_balance_before_the_request_is_in_the_headers(
    gateway: Gateway, credit_service: CreditService
) -> None:
    key = credit_service.make_key(USD)
    first, second = gateway.chat(key, "echo", "a b c d"), gateway.chat(key, "echo", "a b c d")
    assert first.headers["x-venice-balance-diem"] == "1.000000000"
    assert first.headers["x-venice-balance-usd"] == "0.000000000"
    assert second.headers["x-venice-balance-diem"] == "0.999980000"
    assert first.headers["x-request-id"] != second.headers["x-request-id"]


def test_a_stream_is_the_same_text_and_the_same_charge(
    gateway: Gateway, credit_service: CreditService
) -> None:
    key = credit_service.make_key(USD)
    answer = gateway.chat(key, "echo", "to be or not", stream=True, stream_options={"include_usage": True})
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert text_of(answer) == "to be or not"
    assert events(answer)[-1] == "[DONE]"
    last = chunks(answer)[-1]
    assert last["choices"] == []
    assert last["usage"] == {"prompt_tokens": 4, "completion_tokens": 4, "total_tokens": 8}
    assert last["cost"]["nano_usd"] == 20_000
    assert {chunk["model"] for chunk in chunks(answer)} == {"echo"}
    assert credit_service.account_state(key)["captured"] == 20_000


def test_a_client_that_did_not_ask_for_usage_gets_no_chunk_without_choices(
    gateway: Gateway, credit_service: CreditService
) -> None:
    answer = gateway.chat(credit_service.make_key(USD), "echo", stream=True)
    assert all(chunk["choices"] for chunk in chunks(answer))
    assert events(answer)[-1] == "[DONE]"


def test_the_first_words_arrive_long_before_the_last(gateway: Gateway, credit_service: CreditService) -> None:
    key = credit_service.make_key(USD)
    began = time.monotonic()
    arrivals: list[float] = []
    with gateway.http.stream(
        "POST",
        "/api/v1/chat/completions",
        headers={"authorization": f"Bearer {key}"},
        json={"model": "slow", "messages": [{"role": "user", "content": "x"}], "stream": True},
    ) as answer:
        arrivals.extend(time.monotonic() - began for line in answer.iter_lines() if "content" in line)
    assert len(arrivals) == 5
    # An answer that was kept until its end would arrive all at once.
    assert arrivals[-1] - arrivals[0] > 0.8


def test_the_capture_is_there_when_the_answer_ends(gateway: Gateway, credit_service: CreditService) -> None:
    key = credit_service.make_key(USD)
    for stream in (True, False):
        before = credit_service.account_state(key)["captured"]
        gateway.chat(key, "echo", "a b", stream=stream)
        assert credit_service.account_state(key) == {
            "available": USD - before - 10_000,
            "held": 0,
            "captured": before + 10_000,
        }


def test_output_is_clamped_to_what_the_hold_pays(
    gateway: Gateway, credit_service: CreditService, upstream: Upstream
) -> None:
    # 64 tokens of output cost 256,000 nano-USD; the body's bytes at most 250 * 1,000.
    credit = 600_000
    key = credit_service.make_key(credit)
    answer = gateway.chat(key, "good", "x")
    assert answer.status_code == 200, answer.text
    sent = upstream.bodies[-1]
    bound = len(json.dumps({**sent, "max_tokens": 1000}, separators=(",", ":"))) * 1_000
    assert sent["max_tokens"] == (credit - bound) // 4_000
    assert answer.headers["x-entitlement-max-output-tokens"] == str(sent["max_tokens"])


def test_a_hold_outlives_its_request_by_little(
    gateway: Gateway, credit_service: CreditService, settings: GatewaySettings, way: FaultyWay
) -> None:
    answer = gateway.chat(credit_service.make_key(USD), "good")
    asked = way.holds_asked[0]
    assert asked["ttl"] == settings.time_outs.total_seconds + 60
    assert asked["model"] == "good"
    assert asked["request_id"] == answer.headers["x-request-id"]
    # 64 tokens of output instead of 1,000.
    assert asked["amount"] - asked["minimum"] == (1_000 - 64) * 4_000


def test_less_than_a_short_answer_is_refused_with_figures(
    gateway: Gateway, credit_service: CreditService, upstream: Upstream
) -> None:
    key = credit_service.make_key(200_000)
    answer = gateway.chat(key, "good", "x")
    assert answer.status_code == 402
    error = answer.json()["error"]
    assert error["code"] == answer.json()["code"] == "INSUFFICIENT_BALANCE"
    assert error["available"] == 200_000 < error["wanted"]
    assert error["resets_at"] % 86_400 == 0
    assert "T00:00:00Z" in error["message"]
    assert "$0.0002" in error["message"]
    assert not upstream.bodies
    assert credit_service.account_state(key) == {"available": 200_000, "held": 0, "captured": 0}


def test_the_smaller_of_two_output_caps_is_sent_under_the_newer_name(
    gateway: Gateway, credit_service: CreditService, upstream: Upstream
) -> None:
    key = credit_service.make_key(USD)
    gateway.chat(key, "good", max_tokens=9, max_completion_tokens=20)
    assert upstream.bodies[-1]["max_completion_tokens"] == 9
    assert "max_tokens" not in upstream.bodies[-1]
    gateway.chat(key, "good", max_tokens=10**9)
    assert upstream.bodies[-1]["max_tokens"] == 1_000


def test_a_request_that_names_no_cap_holds_what_is_usual_and_leaves_the_rest_to_others(
    settings: GatewaySettings,
    start_gateway: Callable[[GatewaySettings], Gateway],
    credit_service: CreditService,
    upstream: Upstream,
    way: FaultyWay,
) -> None:
    usual = model("good", "odd", usual_output_tokens=100)
    gateway = start_gateway(settings.model_copy(update={"models": (usual,)}))
    key = credit_service.make_key(USD)
    gateway.chat(key, "good")
    gateway.chat(key, "good", max_tokens=500)
    gateway.chat(key, "good", max_completion_tokens=10**9)
    first, second, third = upstream.bodies
    assert first["max_tokens"] == 100
    assert second["max_tokens"] == 500
    assert third["max_completion_tokens"] == 1_000
    held = [each["amount"] for each in way.holds_asked]
    assert held[1] - held[0] == (500 - 100) * 4_000
    with pytest.raises(ValidationError, match="usual_output_tokens 1001 exceeds max_output_tokens 1000"):
        model("good", "odd", usual_output_tokens=1_001)


def test_the_upstream_does_not_learn_who_asks(
    gateway: Gateway, credit_service: CreditService, upstream: Upstream
) -> None:
    key = credit_service.make_key(USD)
    answer = gateway.http.post(
        "/api/v1/chat/completions",
        headers={
            "authorization": f"Bearer {key}",
            "cookie": "who=alice",
            "x-forwarded-for": "10.1.2.3",
            "user-agent": "alice-browser",
            "openai-organization": "alice-org",
        },
        json={
            "model": "good",
            "messages": [{"role": "user", "content": "x"}],
            "user": "alice",
            "metadata": {"who": "alice"},
            "safety_identifier": "alice",
            "prompt_cache_key": "alice",
            "venice_parameters": {"include_venice_system_prompt": False},
            "temperature": 0.5,
        },
    )
    assert answer.status_code == 200, answer.text
    arrived = json.dumps([upstream.bodies[-1], upstream.headers[-1]])
    assert "alice" not in arrived
    assert key not in arrived
    assert "10.1.2.3" not in arrived
    assert set(upstream.bodies[-1]) == {"model", "messages", "temperature", "max_tokens"}
    assert upstream.headers[-1]["authorization"] == "Bearer sk-operator"


def test_no_cookie_of_an_upstream_comes_back_to_it(
    gateway: Gateway, credit_service: CreditService, upstream: Upstream
) -> None:
    key = credit_service.make_key(USD)
    gateway.chat(key, "good", stream=True)
    gateway.chat(key, "good", stream=True)
    assert "cookie" not in upstream.headers[-1]


@pytest.mark.parametrize("stream", [True, False])
def test_usage_of_zero_costs_nothing_and_missing_usage_is_counted(
    gateway: Gateway, credit_service: CreditService, *, stream: bool
) -> None:
    nothing, counted = credit_service.make_key(USD), credit_service.make_key(USD)
    gateway.chat(nothing, "zero-usage", "12345678", stream=stream)
    gateway.chat(counted, "no-usage", "123456789", stream=stream)
    assert credit_service.account_state(nothing) == {"available": USD, "held": 0, "captured": 0}
    # 9 bytes in are 3 tokens; out the stream adds "one two three four ": 28 bytes are 7 tokens.
    tokens_out = 7 if stream else 3
    cost = 3 * 1_000 + tokens_out * 4_000
    assert credit_service.account_state(counted) == {"available": USD - cost, "held": 0, "captured": cost}


@pytest.mark.parametrize("kind", ["odd-usage", "absurd-usage"])
def test_usage_that_makes_no_sense_is_counted_instead(
    gateway: Gateway, credit_service: CreditService, kind: str
) -> None:
    key = credit_service.make_key(USD)
    answer = gateway.chat(key, kind, "12345678")
    assert answer.json()["cost"]["counted_by"] == "gateway"
    assert answer.json()["usage"] == {"prompt_tokens": 2, "completion_tokens": 2, "total_tokens": 4}
    assert credit_service.account_state(key)["captured"] == 10_000


def test_no_usage_however_large_costs_more_than_the_hold(
    gateway: Gateway, credit_service: CreditService
) -> None:
    key = credit_service.make_key(100 * USD)
    answer = gateway.chat(key, "huge-usage", "x", max_tokens=10)
    bound = (len(answer.request.content) + 100) * 1_000 + 10 * 4_000
    assert answer.json()["cost"]["nano_usd"] <= bound
    state = credit_service.account_state(key)
    assert state["captured"] == answer.json()["cost"]["nano_usd"]
    assert state["held"] == 0


def test_a_free_model_needs_a_good_key_and_no_credit(
    gateway: Gateway, credit_service: CreditService, way: FaultyWay
) -> None:
    key = credit_service.make_key(0)
    answer = gateway.chat(key, "free", "a b c")
    assert answer.json()["cost"] == {"usd": 0, "diem": 0, "nano_usd": 0, "counted_by": "upstream"}
    assert gateway.chat("ek_nobody_knows", "free").status_code == 401
    assert way.seen["holds"] == 0
    assert gateway.http.get("/healthz").json()["unsettled"] == 0


def test_tool_calls_and_parts_of_text_pass_through(
    gateway: Gateway, credit_service: CreditService, upstream: Upstream
) -> None:
    tools = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]
    messages = [
        {"role": "assistant", "tool_calls": [{"id": "1", "type": "function", "function": {"name": "look"}}]},
        {"role": "tool", "tool_call_id": "1", "content": [{"type": "text", "text": "seen"}]},
    ]
    answer = gateway.http.post(
        "/api/v1/chat/completions",
        headers={"authorization": f"Bearer {credit_service.make_key(USD)}"},
        json={"model": "good", "messages": messages, "tools": tools, "tool_choice": None},
    )
    assert answer.status_code == 200, answer.text
    assert upstream.bodies[-1]["messages"] == messages
    assert upstream.bodies[-1]["tools"] == tools


def test_a_stream_that_forgets_its_done_is_whole_if_it_said_why_it_ended(
    gateway: Gateway, credit_service: CreditService
) -> None:
    key = credit_service.make_key(USD)
    answer = gateway.chat(key, "no-done", "x", stream=True)
    assert events(answer)[-1] == "[DONE]"
    assert credit_service.account_state(key)["captured"] == 5 * 1_000 + 7 * 4_000


@pytest.mark.parametrize(
    ("kind", "cost"), [("whole-then-dies", 1_000 + 5 * 4_000), ("told-then-dies", 5_000 + 7 * 4_000)]
)
def test_a_stream_that_breaks_after_it_said_why_it_ended_is_whole(
    gateway: Gateway, credit_service: CreditService, kind: str, cost: int
) -> None:
    key = credit_service.make_key(USD)
    answer = gateway.chat(key, kind, "x", stream=True)
    assert events(answer)[-1] == "[DONE]"
    assert credit_service.account_state(key)["captured"] == cost


def test_two_requests_at_once_never_spend_more_than_there_is(
    start_gateway: Callable[[GatewaySettings], Gateway],
    settings: GatewaySettings,
    credit_service: CreditService,
) -> None:
    gateway = start_gateway(settings)
    key = credit_service.make_key(2_000_000)
    statuses: list[int] = []

    def ask() -> None:
        with httpx.Client(base_url=gateway.url, timeout=15) as http:
            statuses.append(
                Gateway(gateway.url, http).chat(key, "echo", "a " * 20, max_tokens=100).status_code
            )

    threads = [threading.Thread(target=ask) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(statuses) <= {200, 402}
    assert 200 in statuses
    spent = 100_000 * statuses.count(200)
    expected = {"available": 2_000_000 - spent, "held": 0, "captured": spent}
    eventually(lambda: credit_service.account_state(key), expected)
