"""Many at once, over HTTP: nothing is spent twice, and everybody gets an answer."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

import httpx
from sqlalchemy import Engine, text

from tests.api.support import assert_some_problem
from tests.api.world import World
from tests.support import USD, assert_books_close

AT_ONCE = 200
AFFORDABLE = 33
Ask = Callable[[httpx.AsyncClient, int], Coroutine[Any, Any, httpx.Response]]


def all_at_once(world: World, ask: Ask, count: int) -> list[httpx.Response]:
    async def gather() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=count)
        async with httpx.AsyncClient(
            base_url=world.client.base_url, headers=world.gateway, timeout=120, limits=limits
        ) as client:
            return await asyncio.gather(*(ask(client, number) for number in range(count)))

    return asyncio.run(gather())


def test_of_200_holds_at_once_exactly_those_are_given_that_the_credit_pays_for(
    world: World, database: Engine
) -> None:
    amount = USD // AFFORDABLE

    async def ask(client: httpx.AsyncClient, number: int) -> httpx.Response:
        body = {"key": world.rich.secret, "amount": amount, "request_id": f"request {number}"}
        return await client.post("/v1/holds", json=body)

    answers = all_at_once(world, ask, AT_ONCE)
    assert Counter(each.status_code for each in answers) == {201: AFFORDABLE, 402: AT_ONCE - AFFORDABLE}
    for refused in (each for each in answers if each.status_code == 402):
        problem = assert_some_problem(refused)
        assert problem["code"] == "insufficient_credit"
        assert problem["wanted"] == amount
        assert problem["available"] == USD % AFFORDABLE
    assert_books_close(world.sessions)
    with database.connect() as connection:
        kept = connection.execute(text("SELECT state, count(*) FROM holds GROUP BY state"))
        assert dict(kept.all()) == {"open": AFFORDABLE, "refused": AT_ONCE - AFFORDABLE}


def test_one_request_delivered_50_times_at_once_is_one_hold(world: World) -> None:
    async def ask(client: httpx.AsyncClient, _: int) -> httpx.Response:
        body = {"key": world.rich.secret, "amount": USD, "request_id": "one and the same"}
        return await client.post("/v1/holds", json=body)

    answers = all_at_once(world, ask, 50)
    assert {each.status_code for each in answers} == {201}
    assert len({each.json()["hold"]["id"] for each in answers}) == 1
    assert sum("Idempotency-Replayed" in each.headers for each in answers) == 49
    assert_books_close(world.sessions)


def test_of_captures_and_releases_at_once_one_kind_wins_and_the_others_are_told(world: World) -> None:
    hold_id = world.held(1_000)

    async def ask(client: httpx.AsyncClient, number: int) -> httpx.Response:
        if number % 2:
            return await client.post(f"/v1/holds/{hold_id}/release")
        return await client.post(f"/v1/holds/{hold_id}/capture", json={"amount": 400})

    answers = all_at_once(world, ask, 40)
    statuses = {kind: {each.status_code for each in answers[kind::2]} for kind in (0, 1)}
    assert statuses in ({0: {200}, 1: {409}}, {0: {409}, 1: {200}})
    assert_books_close(world.sessions)
