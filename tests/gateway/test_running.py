"""The programs as they are run: a gateway that is told to stop settles what is open."""

import base64
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.gateway.conftest import USD, CreditService, Gateway, eventually
from tests.gateway.faulty_way import FaultyWay
from tests.gateway.running import Stand, free_port
from tests.gateway.test_chat import text_of
from tests.gateway.upstreams import Upstream

GATEWAY = """
from entitlement.gateway.serve import run_gateway
from entitlement.gateway.settings import read_settings
import sys
run_gateway(read_settings(), "127.0.0.1", int(sys.argv[1]))
"""
ECHO = """
from entitlement.gateway.serve import run_echo
import sys
run_echo("127.0.0.1", int(sys.argv[1]))
"""

PRICES = """
[[model]]
id = "{name}"
upstream = "odd"
upstream_model = "{name}"
input_nano_usd_per_million_tokens = 1_000_000_000
output_nano_usd_per_million_tokens = 4_000_000_000
context_length = 100_000
max_output_tokens = 1_000
privacy = "private"
"""


@contextmanager
def program(source: str, environment: dict[str, str]) -> Iterator[tuple[subprocess.Popen[str], str]]:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-c", source, str(port)],
        env={**os.environ, **environment},
        stderr=subprocess.PIPE,
        text=True,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                httpx.get(f"{url}/healthz")
                break
            except httpx.HTTPError:
                assert process.poll() is None, process.stderr and process.stderr.read()
                time.sleep(0.05)
        yield process, url
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def start(
    credit_service: CreditService,
    way_url: str,
    upstream_stand: tuple[Stand, str],
    upstream: Upstream,
    tmp_path: Path,
) -> Iterator[Callable[[], tuple[subprocess.Popen[str], Gateway]]]:
    del upstream
    prices = tmp_path / "models.toml"
    prices.write_text("".join(PRICES.format(name=name) for name in ("good", "slow", "hangs-later", "hangs")))
    environment = {
        "ENTITLEMENT_GATEWAY_SERVICE_URL": way_url,
        "ENTITLEMENT_GATEWAY_SERVICE_TOKEN": credit_service.service_token,
        "ENTITLEMENT_GATEWAY_UPSTREAMS": json.dumps({"odd": {"url": upstream_stand[1]}}),
        "ENTITLEMENT_GATEWAY_PRICE_LIST": str(prices),
        "ENTITLEMENT_GATEWAY_TIME_OUTS__SHUTDOWN_SECONDS": "2",
    }
    with program(GATEWAY, environment) as (process, url), httpx.Client(base_url=url, timeout=20) as http:
        yield lambda: (process, Gateway(url, http))


def stream(gateway: Gateway, key: str, model: str) -> Iterator[str]:
    body = {"model": model, "messages": [{"role": "user", "content": "12345678"}], "stream": True}
    headers = {"authorization": f"Bearer {key}"}
    with gateway.http.stream("POST", "/api/v1/chat/completions", headers=headers, json=body) as answer:
        yield from answer.iter_lines()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_stream_that_is_nearly_through_ends_by_itself(
    start: Callable[[], tuple[subprocess.Popen[str], Gateway]],
    credit_service: CreditService,
    how: signal.Signals,
) -> None:
    process, gateway = start()
    key = credit_service.make_key(USD)
    lines = stream(gateway, key, "slow")
    assert "12345678" in next(lines)
    process.send_signal(how)
    assert "data: [DONE]" in list(lines)
    process.wait(timeout=8)
    assert credit_service.account_state(key) == {
        "available": USD - 33_000,
        "held": 0,
        "captured": 33_000,
    }


def test_a_stream_that_would_never_end_is_cut_off_and_charged_for_what_there_was(
    start: Callable[[], tuple[subprocess.Popen[str], Gateway]], credit_service: CreditService
) -> None:
    process, gateway = start()
    key = credit_service.make_key(USD)
    lines = stream(gateway, key, "hangs-later")
    while "four" not in next(lines):
        pass
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    with pytest.raises(httpx.RemoteProtocolError):
        list(lines)
    process.wait(timeout=8)
    assert time.monotonic() - began < 6
    cost = 2 * 1_000 + 7 * 4_000
    assert credit_service.account_state(key) == {"available": USD - cost, "held": 0, "captured": cost}


def test_a_capture_that_was_waiting_is_sent_before_the_program_ends(
    start: Callable[[], tuple[subprocess.Popen[str], Gateway]],
    credit_service: CreditService,
    way: FaultyWay,
) -> None:
    process, gateway = start()
    key = credit_service.make_key(USD)
    way.down_for = "/capture"
    assert gateway.chat(key, "good").status_code == 200
    eventually(lambda: way.seen["capture"] >= 3, expected=True)
    way.down_for = None
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=8)
    assert credit_service.account_state(key)["captured"] == 33_000


def test_the_log_is_json_lines_with_figures_and_no_texts(
    start: Callable[[], tuple[subprocess.Popen[str], Gateway]], credit_service: CreditService
) -> None:
    process, gateway = start()
    key = credit_service.make_key(USD)
    gateway.chat(key, "good", "the-cat-sleeps")
    process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=8)
    line = next(json.loads(line) for line in log.splitlines() if '"event": "request"' in line)
    assert line["model"] == "good"
    assert (line["input_tokens"], line["output_tokens"], line["cost_nano_usd"]) == (5, 7, 33_000)
    assert line["status"] == 200
    assert "the-cat-sleeps" not in log
    assert key not in log


def test_the_echo_program_answers_and_stops() -> None:
    with program(ECHO, {}) as (process, url):
        body = {
            "model": "echo",
            "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "a b c d"}],
            "max_tokens": 3,
        }
        answer = httpx.post(f"{url}/v1/chat/completions", json=body, timeout=30).json()
        assert answer["choices"][0] == {
            "index": 0,
            "message": {"role": "assistant", "content": "a b c"},
            "finish_reason": "length",
        }
        assert answer["usage"] == {"prompt_tokens": 6, "completion_tokens": 3, "total_tokens": 9}
        streamed = httpx.post(f"{url}/v1/chat/completions", json={**body, "stream": True})
        assert text_of(streamed) == "a b c"
        assert httpx.post(f"{url}/v1/chat/completions", json={"messages": []}, timeout=30).status_code == 400
        assert httpx.get(f"{url}/v1/models", timeout=30).json()["data"][0]["id"] == "echo"
        asked = {"model": "echo-image", "prompt": "a cat", "n": 2, "size": "8x8"}
        made = httpx.post(f"{url}/v1/images/generations", json=asked).json()["data"]
        assert [base64.b64decode(each["b64_json"])[:4] for each in made] == [b"\x89PNG"] * 2
        for wrong in (
            {"n": 0},
            {"n": 11},
            {"prompt": 5},
            {"size": "8"},
            {"size": 8},
            {"response_format": "url"},
        ):
            answer = httpx.post(f"{url}/v1/images/generations", json=asked | wrong)
            assert answer.status_code == 400, wrong
        asked = {"model": "echo-embedding", "input": ["a b", "c"], "dimensions": 3}
        answer = httpx.post(f"{url}/v1/embeddings", json=asked).json()
        assert [len(each["embedding"]) for each in answer["data"]] == [3, 3]
        assert answer["usage"] == {"prompt_tokens": 3, "total_tokens": 3}
        for wrong in ({"input": [1]}, {"dimensions": 0}):
            assert httpx.post(f"{url}/v1/embeddings", json=asked | wrong).status_code == 400
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=5)
