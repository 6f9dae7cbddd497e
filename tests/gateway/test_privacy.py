"""Nobody's texts are kept: what is said is in no log and no row of the database, whatever goes wrong."""

import logging
from collections.abc import Callable

import pytest

from entitlement.gateway import chat
from tests.gateway.conftest import USD, CreditService, Gateway, eventually
from tests.gateway.faulty_way import FaultyWay
from tests.gateway.test_failures import leave
from tests.gateway.upstreams import FIXED, STREAMED

MARKER = "the-cat-sleeps-on-tuesday"


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """Give everything that any library logged at any level, or printed."""
    caplog.set_level(logging.DEBUG)

    def read() -> str:
        printed = capfd.readouterr()
        return caplog.text + printed.out + printed.err

    return read


KINDS = ["echo", "free", "unreachable", *STREAMED, *FIXED]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "slow"])
def test_no_log_has_a_word_of_what_was_said(
    gateway: Gateway, credit_service: CreditService, logged: Callable[[], str], kind: str, *, stream: bool
) -> None:
    answer = gateway.chat(credit_service.make_key(USD), kind, MARKER, stream=stream)
    if kind in {"echo", "dies", "garbage-later"}:
        assert MARKER in answer.text or answer.status_code != 200
    text = logged()
    assert "request_id=" in text
    assert MARKER not in text
    stored = credit_service.everything()
    # The rows of this request are there: its model by name, its tokens by number.
    assert f"'{kind}'" in stored or kind in {"free", "unreachable"}
    assert MARKER not in stored


def test_no_log_has_a_word_when_the_client_leaves_or_the_service_is_down(
    gateway: Gateway, credit_service: CreditService, way: FaultyWay, logged: Callable[[], str]
) -> None:
    key = credit_service.make_key(USD)
    leave(gateway, key, "slow", stream=True, after=b"one ")
    eventually(lambda: credit_service.account_state(key)["held"], 0)
    way.faults = ["drop", "drop", "drop", "drop"]
    gateway.chat(key, "good", MARKER)
    gateway.chat(key, "no-such-" + MARKER, MARKER)
    gateway.chat(key, "good", MARKER, **{MARKER: 1})
    gateway.http.post(
        "/api/v1/chat/completions",
        headers={"authorization": f"Bearer {key}"},
        content=f'{{"model": {MARKER}'.encode(),
    )
    text = logged()
    assert "refused" in text
    assert MARKER not in text
    assert "12345678" not in text
    assert key not in text


def test_a_fault_before_there_is_a_hold_logs_where_and_not_what(
    gateway: Gateway,
    credit_service: CreditService,
    logged: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(body: bytes, models: object) -> None:
        del models
        raise RuntimeError(body.decode())

    monkeypatch.setattr(chat, "read_chat_request", fail)
    answer = gateway.chat(credit_service.make_key(USD), "good", MARKER)
    assert (answer.status_code, answer.json()["code"]) == (500, "INTERNAL_ERROR")
    text = logged()
    assert "RuntimeError" in text
    assert MARKER not in text


@pytest.mark.parametrize("stream", [True, False])
def test_a_fault_of_the_gateway_itself_logs_where_and_not_what(
    gateway: Gateway,
    credit_service: CreditService,
    logged: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
    *,
    stream: bool,
) -> None:
    def fail(exchange: object, charge: object) -> dict[str, object]:
        del exchange, charge
        raise RuntimeError(MARKER)

    monkeypatch.setattr(chat, "_usage", fail)
    key = credit_service.make_key(USD)
    answer = gateway.chat(key, "good", stream=stream, stream_options={"include_usage": True})
    assert answer.status_code == (200 if stream else 500)
    assert "INTERNAL_ERROR" in answer.text
    text = logged()
    assert "RuntimeError" in text
    assert "test_privacy.py" in text
    assert MARKER not in text
    eventually(lambda: credit_service.account_state(key)["held"], 0)
