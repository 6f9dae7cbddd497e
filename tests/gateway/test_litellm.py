"""The plug-in inside LiteLLM's own proxy, with the real service behind it.

The proxy lives in a virtual environment of its own, which ENTITLEMENT_LITELLM_PYTHON names (docs/clients.md).
"""

import os
import secrets
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.gateway.conftest import CreditService, eventually
from tests.gateway.faulty_way import FaultyWay
from tests.gateway.running import Stand, free_port

PYTHON = os.environ.get("ENTITLEMENT_LITELLM_PYTHON", "")
pytestmark = pytest.mark.skipif(
    not Path(PYTHON).is_file(), reason="ENTITLEMENT_LITELLM_PYTHON names no python"
)

USD = 10**9
PRICES = """
version = "litellm prices"
[[model]]
id = "{id}"
upstream = "litellm"
upstream_model = "{id}"
input_nano_usd_per_million_tokens = 1_000_000_000
output_nano_usd_per_million_tokens = 4_000_000_000
context_length = 100_000
max_output_tokens = 1_000
privacy = "private"
"""
MODELS = ("echo", "fails")


@pytest.fixture(scope="module")
def proxy(
    way_stand: tuple[Stand, str],
    credit_service: CreditService,
    echo_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[httpx.Client]:
    way_stand[0].app = FaultyWay(credit_service.url)
    folder, port = tmp_path_factory.mktemp("litellm"), free_port()
    first, second = (PRICES.format(id=each) for each in MODELS)
    (folder / "models.toml").write_text(first + second.replace('version = "litellm prices"', ""))
    urls = {"echo": echo_url, "fails": f"http://127.0.0.1:{free_port()}/v1"}
    listed = "".join(
        f"  - model_name: {name}\n    litellm_params:\n"
        f"      {{model: openai/echo, api_base: '{urls[name]}', api_key: none, max_retries: 0}}\n"
        for name in MODELS
    )
    (folder / "config.yaml").write_text(
        f"model_list:\n{listed}"
        "general_settings:\n"
        "  custom_auth: entitlement.litellm.plugin.authenticate\n"
        "litellm_settings:\n"
        "  callbacks: [entitlement.litellm.plugin.credit]\n"
        "  num_retries: 0\n"
    )
    root = Path(__file__).parents[2]
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(root),
        "ENTITLEMENT_SERVICE_URL": way_stand[1],
        "ENTITLEMENT_SERVICE_TOKEN": credit_service.service_token,
        "ENTITLEMENT_PRICE_LIST": str(folder / "models.toml"),
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_MASTER_KEY": f"sk-{secrets.token_hex(32)}",
    }
    command = [str(Path(PYTHON).parent / "litellm"), "--config", str(folder / "config.yaml")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)], env=environment, stdout=log, stderr=log
        )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as http:
            wait_for(http, process, folder / "log")
            yield http
    finally:
        process.terminate()
        process.wait(30)


def wait_for(http: httpx.Client, process: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(1_200):
        assert process.poll() is None, log.read_text()[-3_000:]
        try:
            if http.get("/health/liveliness").status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.1)
    pytest.fail(log.read_text()[-3_000:])


def chat(proxy: httpx.Client, key: str, model: str = "echo", **fields: object) -> httpx.Response:
    messages = [{"role": "user", "content": "to be or not"}]
    headers = {"authorization": f"Bearer {key}"}
    return proxy.post(
        "/v1/chat/completions", headers=headers, json={"model": model, "messages": messages} | fields
    )


COST = 4 * 1_000 + 4 * 4_000
"""Four words in and four out."""


@pytest.mark.parametrize("stream", [False, True])
def test_a_chat_through_litellm_is_charged_by_the_price_list(
    proxy: httpx.Client, credit_service: CreditService, *, stream: bool
) -> None:
    key = credit_service.make_key(USD)
    answer = chat(proxy, key, stream=stream)
    assert answer.status_code == 200, answer.text
    eventually(
        lambda: credit_service.account_state(key), {"available": USD - COST, "held": 0, "captured": COST}
    )
    assert "litellm prices" in credit_service.everything()


def test_litellm_serves_nobody_without_credit(proxy: httpx.Client, credit_service: CreditService) -> None:
    assert chat(proxy, "ent_guessed-by-somebody").status_code == 401
    poor = credit_service.make_key(100)
    refused = chat(proxy, poor)
    assert refused.status_code == 402, refused.text
    assert "insufficient_credit" in refused.text
    assert credit_service.account_state(poor) == {"available": 100, "held": 0, "captured": 0}


def test_litellm_clamps_an_answer_to_what_the_credit_pays(
    proxy: httpx.Client, credit_service: CreditService
) -> None:
    key = credit_service.make_key(800_000)
    answer = chat(proxy, key)
    assert answer.status_code == 200, answer.text
    eventually(lambda: credit_service.account_state(key)["captured"], COST)


def test_a_call_that_fails_in_litellm_costs_nothing(
    proxy: httpx.Client, credit_service: CreditService
) -> None:
    key = credit_service.make_key(USD)
    assert chat(proxy, key, model="fails").status_code >= 400
    eventually(lambda: credit_service.account_state(key), {"available": USD, "held": 0, "captured": 0})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("fallbacks", ["echo"]),
        ("fallbacks", [{"model": "echo"}]),
        ("context_window_fallbacks", [{"fails": ["echo"]}]),
        ("content_policy_fallbacks", [{"fails": ["echo"]}]),
        ("router_settings_override", {"fallbacks": [{"fails": ["echo"]}]}),
        ("extra_body", {"model": "dear", "max_tokens": 1_000}),
        ("additional_drop_params", ["max_tokens"]),
        ("service_tier", "priority"),
        ("num_retries", 5),
        ("web_search_options", {}),
        ("modalities", ["text", "audio"]),
        ("tools", [{"type": "web_search_preview"}]),
        (
            "messages",
            [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://x/y"}}]}],
        ),
        ("messages", [{"role": "user", "content": "look", "images": ["aGVsbG8="]}]),
        ("n", 2),
    ],
)
def test_nobody_asks_one_model_at_the_price_of_another_or_for_what_has_no_price(
    proxy: httpx.Client, credit_service: CreditService, field: str, value: object
) -> None:
    key = credit_service.make_key(USD)
    refused = chat(proxy, key, model="fails", **{field: value})
    assert (refused.status_code, field in refused.text) == (400, True), refused.text
    assert credit_service.account_state(key) == {"available": USD, "held": 0, "captured": 0}


def test_what_has_no_price_is_refused(proxy: httpx.Client, credit_service: CreditService) -> None:
    key = credit_service.make_key(USD)
    assert chat(proxy, key, model="unheard-of").status_code >= 400
    embedding = proxy.post(
        "/v1/embeddings",
        headers={"authorization": f"Bearer {key}"},
        json={"model": "echo", "input": "hello"},
    )
    assert embedding.status_code >= 400
    assert credit_service.account_state(key)["held"] == 0
