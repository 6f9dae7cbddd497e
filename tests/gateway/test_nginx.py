"""The recipe for nginx, as it stands in docs/recipes, in front of a server that knows nothing of credit."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from entitlement.client import AsyncCreditClient, RetryPolicy
from entitlement.client.auth_request import create_app
from entitlement.core.units import NanoUsd
from tests.gateway.conftest import CreditService, eventually
from tests.gateway.faulty_way import FaultyWay
from tests.gateway.running import Stand, free_port, running

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin")
pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed: apt install nginx-light")

PRICE = 600
RECIPE = Path(__file__).parents[2] / "docs" / "recipes" / "nginx.conf"


async def behind(request: Request) -> Response:
    """Tell what was asked, with the status and the cost that the path names."""
    status, cost = request.path_params["status"], request.path_params["cost"]
    headers = {"x-credit-cost": cost} if cost != "price" else {}
    return PlainTextResponse(request.headers.get("authorization", "no key"), int(status), headers)


@pytest.fixture(scope="module")
def nginx(
    way_stand: tuple[Stand, str], credit_service: CreditService, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    folder, port = tmp_path_factory.mktemp("nginx"), free_port()
    policy = RetryPolicy(attempts_max=2, attempt_seconds=10, deadline_seconds=20, first_delay_seconds=0.01)
    client = AsyncCreditClient(way_stand[1], credit_service.service_token, policy=policy)
    app = Starlette(routes=[Route("/{status}/{cost}", behind)])
    with running(create_app(client, NanoUsd(PRICE))) as answerer, running(app) as protected:
        recipe = RECIPE.read_text()
        places = {"8503": answerer, "8504": protected, "8505": f"http://127.0.0.1:{port}"}
        for named, url in places.items():
            assert f"127.0.0.1:{named}" in recipe
            recipe = recipe.replace(f"127.0.0.1:{named}", url.removeprefix("http://"))
        (folder / "nginx.conf").write_text(recipe)
        assert NGINX is not None
        process = subprocess.Popen(
            [NGINX, "-p", str(folder), "-c", "nginx.conf", "-e", "stderr", "-g", "daemon off;"]
        )
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=15) as http:
                wait_for(http, process)
                yield http
        finally:
            process.terminate()
            process.wait(10)


def wait_for(http: httpx.Client, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(200):
        assert process.poll() is None, "nginx ended"
        try:
            http.get("/200/price")
        except httpx.HTTPError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("nginx did not begin to listen")


def ask(nginx: httpx.Client, path: str, key: str) -> httpx.Response:
    return nginx.get(path, headers={"authorization": f"Bearer {key}"})


@pytest.mark.parametrize(
    ("path", "status", "charged"),
    [("/200/price", 200, PRICE), ("/200/250", 200, 250), ("/404/price", 404, PRICE), ("/503/price", 503, 0)],
)
def test_a_request_through_nginx_is_charged_what_it_cost(
    nginx: httpx.Client, way: FaultyWay, credit_service: CreditService, path: str, status: int, charged: int
) -> None:
    del way
    key = credit_service.make_key(1_000)
    answer = ask(nginx, path, key)
    assert answer.status_code == status
    assert key not in answer.text
    eventually(
        lambda: credit_service.account_state(key),
        {"available": 1_000 - charged, "held": 0, "captured": charged},
    )


def test_without_credit_nothing_passes_nginx(
    nginx: httpx.Client, way: FaultyWay, credit_service: CreditService
) -> None:
    assert nginx.get("/200/price").json() == {"status": 401, "code": "missing_key"}
    assert ask(nginx, "/200/price", "ent_guessed").json() == {"status": 401, "code": "unknown_key"}
    poor = ask(nginx, "/200/price", credit_service.make_key(PRICE - 1))
    assert (poor.status_code, poor.json()["code"]) == (402, "insufficient_credit")
    key = credit_service.make_key(1_000)
    way.down_for = "/holds"
    away = ask(nginx, "/200/price", key)
    assert (away.status_code, away.json()["code"]) == (503, "credit_unavailable")
    assert credit_service.account_state(key)["held"] == 0


def test_the_pages_behind_cannot_be_asked_for(nginx: httpx.Client, way: FaultyWay) -> None:
    del way
    assert nginx.get("/_credit").status_code == 404
    assert nginx.post("/_credit_end").status_code == 404


def test_a_cost_of_thousands_of_digits_is_charged_as_the_price(
    way_url: str, credit_service: CreditService
) -> None:
    key = credit_service.make_key(1_000)
    client = AsyncCreditClient(way_url, credit_service.service_token)
    with running(create_app(client, NanoUsd(PRICE))) as url, httpx.Client(base_url=url) as answerer:
        hold = answerer.get("/hold", headers={"authorization": f"Bearer {key}"}).headers["x-credit-hold"]
        told = {"x-credit-hold": hold, "x-credit-result": "200", "x-credit-cost": "9" * 4_301}
        assert answerer.post("/end", headers=told).status_code == 204
    assert credit_service.account_state(key)["captured"] == PRICE
