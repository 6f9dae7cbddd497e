"""The middleware around an application of somebody else's, with the real service behind it."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from entitlement.client import AsyncCreditClient, RetryPolicy
from entitlement.client.asgi import CreditMiddleware, Scope
from entitlement.core.units import NanoUsd
from tests.gateway.conftest import CreditService, eventually
from tests.gateway.faulty_way import FaultyWay
from tests.gateway.running import running

PRICE = 600


async def answer(request: Request) -> Response:
    kind = request.path_params["kind"]
    if kind == "cheap":
        request.state.entitlement.cost = NanoUsd(250)
        request.state.entitlement.model = "painter"
        request.state.entitlement.images = 3
    if kind == "senseless":
        request.state.entitlement.model = ""
        request.state.entitlement.input_tokens = -1
    if kind == "greedy":
        request.state.entitlement.cost = NanoUsd(10**9)
    if kind == "raises":
        raise ZeroDivisionError
    if kind == "breaks":
        return StreamingResponse(broken())
    return PlainTextResponse(kind, 503 if kind == "fails" else 404 if kind == "missing" else 200)


async def broken() -> AsyncIterator[bytes]:
    yield b"some"
    raise ConnectionAbortedError


def price(scope: Scope) -> NanoUsd:
    return NanoUsd(0 if scope["path"] == "/free" else PRICE)


Ask = Callable[..., httpx.Response]


@pytest.fixture(scope="module")
def ask(way_stand: tuple[object, str], credit_service: CreditService) -> Iterator[Ask]:
    policy = RetryPolicy(attempts_max=2, attempt_seconds=10, deadline_seconds=20, first_delay_seconds=0.01)
    client = AsyncCreditClient(way_stand[1], credit_service.service_token, policy=policy)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with client:
            yield

    routes = [Route("/fixed", lambda _: PlainTextResponse("fixed")), Route("/{kind}", answer)]
    inner = Starlette(routes=routes, lifespan=lifespan)
    app = CreditMiddleware(inner, client, price=price)
    with running(app) as url, httpx.Client(base_url=url, timeout=10) as http:

        def ask(kind: str, key: str | None) -> httpx.Response:
            return http.get(f"/{kind}", headers={} if key is None else {"authorization": f"Bearer {key}"})

        yield ask


@pytest.mark.parametrize(
    ("kind", "status", "charged"),
    [
        ("good", 200, PRICE),
        ("cheap", 200, 250),
        ("greedy", 200, PRICE),
        ("missing", 404, PRICE),
        ("odd%07path", 200, PRICE),
        ("fixed%0A", 200, PRICE),
        ("senseless", 200, PRICE),
        ("fails", 503, 0),
        ("raises", 500, 0),
        ("free", 200, 0),
    ],
)
def test_a_request_is_charged_what_it_cost(
    ask: Ask, way: FaultyWay, credit_service: CreditService, kind: str, status: int, charged: int
) -> None:
    key = credit_service.make_key(1_000)
    assert ask(kind, key).status_code == status
    eventually(
        lambda: credit_service.account_state(key),
        {"available": 1_000 - charged, "held": 0, "captured": charged},
    )
    if kind == "free":
        assert way.seen["holds"] == 0


def test_the_images_that_an_application_made_are_told(ask: Ask, credit_service: CreditService) -> None:
    key = credit_service.make_key(1_000)
    assert ask("cheap", key).status_code == 200
    headers = {"authorization": f"Bearer {key}"}

    def told() -> list[tuple[str, int]]:
        found = httpx.get(f"{credit_service.url}/v1/wallet/usage", headers=headers).json()["requests"]
        return [(each["model"], each["images"]) for each in found]

    eventually(told, [("painter", 3)])


def test_an_answer_that_breaks_off_is_charged(
    ask: Ask, way: FaultyWay, credit_service: CreditService
) -> None:
    del way
    key = credit_service.make_key(1_000)
    with pytest.raises(httpx.HTTPError):
        ask("breaks", key)
    eventually(lambda: credit_service.account_state(key)["captured"], PRICE)


def test_without_credit_the_application_is_not_called(
    ask: Ask, way: FaultyWay, credit_service: CreditService
) -> None:
    assert ask("good", None).json()["code"] == "missing_key"
    assert (ask("good", "ent_guess").status_code, ask("free", None).status_code) == (401, 200)
    refused = ask("good", credit_service.make_key(PRICE - 1))
    assert (refused.status_code, refused.json()["code"]) == (402, "insufficient_credit")
    key = credit_service.make_key(1_000)
    way.down_for = "/holds"
    away = ask("good", key)
    assert (away.status_code, away.headers["retry-after"]) == (503, "2")
    assert credit_service.account_state(key)["held"] == 0
