"""A gateway asks what became of its own requests, and learns of nobody else's."""

import json

import httpx
import pytest

from entitlement.client import AsyncCreditClient, CreditClient, UnknownRequest
from entitlement.client.errors import InvalidAnswer
from entitlement.client.explanations import read_explanations
from entitlement.core.keys import NewKey
from tests.api.support import assert_problem, bearer
from tests.api.world import World
from tests.support import USD

REQUESTS = "/v1/requests"


def get(world: World, request_id: str, headers: dict[str, str] | None = None) -> httpx.Response:
    return world.client.get(f"{REQUESTS}/{request_id}", headers=headers or world.gateway)


def explained(world: World, request_id: str, **headers: str) -> dict[str, object]:
    answer = get(world, request_id, world.gateway | headers)
    assert answer.status_code == 200, answer.text
    assert answer.json()["request_id"] == request_id
    (found,) = answer.json()["found"]
    return dict(found)


def lease_for(world: World, secret: str, request_id: str, cost: int) -> None:
    """Open a lease for a key and return it with one request told of."""
    body: dict[str, object] = {"key": secret, "amount": 1_000, "request_id": f"lease for {request_id}"}
    opened = world.client.post("/v1/leases", json=body, headers=world.gateway).json()["lease"]["id"]
    told = [{"number": 1, "request_id": request_id, "cost": cost, "usage": {"model": "m"}}]
    returned = world.client.post(
        f"/v1/leases/{opened}/return", json={"spent": cost, "requests": told}, headers=world.gateway
    )
    assert returned.status_code == 200, returned.text


def test_a_gateway_is_explained_its_own_request(world: World) -> None:
    held = world.held(1_000, "a/b c")
    world.capture(held, 600, usage={"model": "m"})
    found = explained(world, "a/b c")
    hold = found["hold"]
    assert isinstance(hold, dict)
    assert (hold["hold_id"], hold["state"], hold["captured"]) == (held, "captured", 600)
    assert hold["funded_by"] == [{"source": "diem", "amount": 1_000}]
    journal = found["journal"]
    assert isinstance(journal, list)
    assert [(line["kind"], line["source"], line["target"], line["amount"]) for line in journal] == [
        ("hold", "available", "held", 1_000),
        ("capture", "held", "consumed", 600),
        ("capture", "held", "available", 400),
    ]
    (usage,) = found["usage"]  # type: ignore[misc]
    assert (usage["diem"], usage["model"]) == (600, "m")


def test_a_gateway_is_told_the_reason_of_a_refusal_with_the_figures_of_then(world: World) -> None:
    assert_problem(world.hold(USD + 1, "too much"), 402, "insufficient_credit")
    world.capture(world.held(10, "meanwhile"), 10)
    found = explained(world, "too much")
    hold = found["hold"]
    assert isinstance(hold, dict)
    assert hold["state"] == "refused"
    refusal = hold["refusal"]
    assert isinstance(refusal, dict)
    assert (refusal["error"], refusal["wanted"], refusal["available"]) == ("InsufficientCredit", USD + 1, USD)
    assert (found["journal"], found["usage"]) == ([], [])


def test_another_gateways_request_is_unknown_also_under_the_same_id(world: World) -> None:
    other = bearer(world.service.gateways.issue_token("another"))
    world.capture(world.held(1_000, "mine"), 600)
    assert_problem(get(world, "mine", other), 404, "unknown_request")
    assert_problem(get(world, "mine", other | {"x-api-key": world.rich.secret}), 404, "unknown_request")
    body = {"key": world.rich.secret, "amount": 7, "request_id": "mine"}
    assert world.client.post("/v1/charges", json=body, headers=other).status_code == 201
    for headers, amount in ((world.gateway, 1_000), (other, 7)):
        (found,) = get(world, "mine", headers).json()["found"]
        assert found["hold"]["amount"] == amount


@pytest.mark.parametrize("name", ["none", "%00", "x" * 129, "%F0%9F%92%A9", "..%2f"])
def test_a_request_that_nobody_knows_is_a_404(name: str, shared_world: World) -> None:
    url = httpx.URL(shared_world.client.base_url, raw_path=f"{REQUESTS}/{name}".encode())
    assert_problem(shared_world.client.get(url, headers=shared_world.gateway), 404, "unknown_request")


def test_nobody_but_a_gateway_may_ask(world: World) -> None:
    world.held(1_000, "r")
    for headers in ({}, world.signed_in, bearer(world.rich.secret)):
        answer = world.client.get(f"{REQUESTS}/r", headers=headers)
        assert_problem(answer, 401, "not_authenticated")


def test_what_a_lease_paid_for_takes_the_key_that_paid_and_the_gateway_that_served(world: World) -> None:
    key = world.service.keys.create(world.rich.account_id, NewKey("another of the same wallet"))
    lease_for(world, world.rich.secret, "q", 400)
    assert_problem(get(world, "q"), 404, "unknown_request")
    found = explained(world, "q", **{"x-api-key": world.rich.secret})
    (usage,) = found["usage"]  # type: ignore[misc]
    assert (found["hold"], usage["request_id"], usage["diem"]) == (None, "q", 400)
    other = bearer(world.service.gateways.issue_token("another"))
    for headers in (
        other | {"x-api-key": world.rich.secret},
        world.gateway | {"x-api-key": key.secret},
        world.gateway | {"x-api-key": "nobody's"},
    ):
        assert_problem(get(world, "q", headers), 404, "unknown_request")


def test_a_gateway_learns_nothing_that_ties_keys_to_one_wallet(world: World) -> None:
    key = world.service.keys.create(world.rich.account_id, NewKey("another of the same wallet"))
    world.capture(world.held(1_000, "one"), 600)
    world.capture(world.held(1_000, "two", key=key.secret), 600)
    told = [json.dumps(explained(world, name)) for name in ("one", "two")]
    for each in told:
        assert world.rich.wallet.lower() not in each.lower()
        for name in ("wallet", "account", "bucket", "balance"):
            assert name not in each
    # The owner is told by which bucket each was paid, and it is the same one.
    own = [
        world.client.get(f"/v1/wallet/requests/{name}", headers=bearer(secret)).json()["found"][0]
        for name, secret in (("one", world.rich.secret), ("two", key.secret))
    ]
    assert len({line["bucket_id"] for each in own for line in each["journal"]}) == 1


@pytest.mark.anyio
async def test_both_clients_ask_for_it(world: World) -> None:
    held = world.held(1_000, "a/b c")
    world.capture(held, 600, usage={"model": "m", "output_tokens": 3, "images": 2})
    world.hold(USD + 1, "too much")
    lease_for(world, world.rich.secret, "q", 400)
    service_url, token = str(world.client.base_url), world.gateway["Authorization"].removeprefix("Bearer ")
    with CreditClient(service_url, token) as credit:
        told = [
            credit.explain("a/b c"),
            credit.explain("too much"),
            credit.explain("q", key=world.rich.secret),
        ]
        for request_id in ("q", "none"):
            with pytest.raises(UnknownRequest):
                credit.explain(request_id)
        with pytest.raises(ValueError, match="1 to 128"):
            credit.explain("")
    async with AsyncCreditClient(service_url, token) as client:
        assert told == [
            await client.explain("a/b c"),
            await client.explain("too much"),
            await client.explain("q", key=world.rich.secret),
        ]
    (charged,), (refused,), (leased,) = told
    assert charged.hold is not None
    assert (charged.hold.id, charged.hold.captured, charged.usage[0].output_tokens) == (held, 600, 3)
    assert (charged.usage[0].images, leased.usage[0].images) == (2, None)
    assert sum(line.amount for line in charged.journal if line.target == "consumed") == 600
    assert refused.hold is not None
    assert refused.hold.refusal is not None
    assert refused.hold.refusal["error"] == "InsufficientCredit"
    assert (leased.hold, leased.usage[0].diem) == (None, 400)


@pytest.mark.parametrize(
    "answer",
    [
        [],
        {},
        {"found": [1]},
        {"found": [{"hold": {}, "journal": [], "usage": []}]},
        {"found": [{"hold": None, "journal": None, "usage": []}]},
        {"found": [{"hold": None, "journal": [{"entry": "x"}], "usage": []}]},
    ],
)
def test_an_answer_of_another_shape_is_not_believed(answer: object) -> None:
    with pytest.raises(InvalidAnswer):
        read_explanations(answer)
