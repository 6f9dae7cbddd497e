"""Whoever shows refused keys again and again is turned away by his address, and nobody else is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest

from entitlement.gateway.app import create_app
from entitlement.gateway.settings import GatewaySettings
from tests.gateway.conftest import USD, CreditService, Gateway
from tests.gateway.faulty_way import FaultyWay
from tests.gateway.running import running

ALLOWED = 3
PROXY = "127.0.0.1"


@contextmanager
def at(settings: GatewaySettings, address: str) -> Iterator[Callable[[str], Gateway]]:
    with (
        running(create_app(settings), trusted=[PROXY]) as url,
        httpx.Client(base_url=url, timeout=15, headers={"X-Forwarded-For": address}) as http,
        httpx.Client(base_url=url, timeout=15, headers={"X-Forwarded-For": "198.51.100.9"}) as other,
    ):
        clients = {address: http, "elsewhere": other}
        yield lambda name: Gateway(url, clients[name])


HERE = "203.0.113.7"


@pytest.fixture
def street(settings: GatewaySettings, way: FaultyWay) -> Iterator[Callable[[str], Gateway]]:
    del way
    with at(settings.model_copy(update={"refusals_per_minute": ALLOWED}), HERE) as made:
        yield made


def use_up(client: Gateway, model: str = "echo") -> httpx.Response:
    for number in range(ALLOWED):
        assert client.chat(f"ent_guess_{number}", model).status_code == 401
    return client.chat("ent_guess_another", model)


@pytest.mark.parametrize("model", ["echo", "free"])
def test_refused_keys_of_one_address_are_asked_about_so_often_and_then_no_more(
    street: Callable[[str], Gateway], way: FaultyWay, model: str
) -> None:
    answer = use_up(street(HERE), model)
    assert answer.status_code == 429
    assert answer.json()["code"] == "RATE_LIMIT_EXCEEDED"
    error = answer.json()["error"]
    assert (error["of"], error["requests"], error["seconds"]) == ("address", ALLOWED, 60)
    assert answer.headers["retry-after"] == str(error["retry_after"])
    assert 0 < error["retry_after"] <= 20
    assert sum(way.seen.values()) == ALLOWED
    assert street("elsewhere").chat("ent_guess_another", model).status_code == 401


def test_a_key_that_was_good_here_passes_also_where_its_credit_is_used_up(
    street: Callable[[str], Gateway], credit_service: CreditService
) -> None:
    rich, poor = credit_service.make_key(USD), credit_service.make_key(0)
    assert street(HERE).chat(rich, "echo").status_code == 200
    assert street(HERE).chat(poor, "echo").status_code == 402
    assert use_up(street(HERE)).status_code == 429
    for _ in range(2 * ALLOWED):
        assert street(HERE).chat(rich, "echo").status_code == 200
        assert street(HERE).chat(poor, "echo").status_code == 402


def test_many_good_keys_of_one_address_use_nothing_up(
    street: Callable[[str], Gateway], credit_service: CreditService
) -> None:
    for _ in range(2 * ALLOWED):
        assert street(HERE).chat(credit_service.make_key(USD), "echo").status_code == 200


def test_what_is_passed_through_says_for_whom_and_only_what_a_trusted_proxy_said(
    settings: GatewaySettings, way: FaultyWay
) -> None:
    with at(settings, f"192.0.2.1, {HERE}") as street:
        street("elsewhere").http.get("/api/v1/api_keys/generate_web3_key")
        street(f"192.0.2.1, {HERE}").http.get("/api/v1/api_keys/generate_web3_key")
    assert way.forwarded == ["198.51.100.9", HERE]


def test_tries_that_were_refused_before_are_no_guesses(
    settings: GatewaySettings, street: Callable[[str], Gateway], credit_service: CreditService
) -> None:
    """A chat is asked about once for each of its earlier tries: their key was known to the service."""
    poor = credit_service.make_key(0)

    def deliver(client: Gateway) -> int:
        headers = {"authorization": f"Bearer {poor}", "idempotency-key": "word"}
        messages = [{"role": "user", "content": "hello"}]
        body = {"model": "echo", "messages": messages}
        return client.http.post("/api/v1/chat/completions", headers=headers, json=body).status_code

    with at(settings, HERE) as before:
        assert [deliver(before(HERE)) for _ in range(ALLOWED + 1)] == [402] * (ALLOWED + 1)
    assert deliver(street(HERE)) == 402
