"""Leases in the gateway, other upstreams when one fails, which models a key may call, and by which prices."""

from collections.abc import Callable

import pytest

from entitlement.gateway.settings import GatewaySettings, LeaseSettings
from tests.gateway.conftest import USD, CreditService, Gateway, eventually, gateway_with, model
from tests.gateway.faulty_way import FaultyWay
from tests.gateway.upstreams import Upstream

Start = Callable[[GatewaySettings], Gateway]


def fallback(upstream: str, name: str) -> dict[str, str]:
    return {"upstream": upstream, "upstream_model": name}


def with_models(settings: GatewaySettings, *models: object, **changes: object) -> GatewaySettings:
    return settings.model_copy(update={"models": models or settings.models, **changes})


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "first",
    [
        {"upstream": "nobody", "upstream_model": "m"},
        {"upstream": "odd", "upstream_model": "fails"},
        {"upstream": "odd", "upstream_model": "too-fast"},
        {"upstream": "odd", "upstream_model": "garbage"},
        {"upstream": "odd", "upstream_model": "our-key-is-wrong"},
    ],
)
def test_another_upstream_is_asked_when_one_fails_before_the_first_byte(
    start_gateway: Start,
    settings: GatewaySettings,
    credit_service: CreditService,
    upstream: Upstream,
    first: dict[str, str],
    *,
    stream: bool,
) -> None:
    several = model(
        "m",
        first["upstream"],
        upstream_model=first["upstream_model"],
        fallbacks=[fallback("odd", "good")],
    )
    gateway = start_gateway(with_models(settings, several))
    key = credit_service.make_key(USD)
    answer = gateway.chat(key, "m", stream=stream)
    assert answer.status_code == 200
    assert upstream.bodies[-1]["model"] == "good"
    # 5 tokens in, 7 out, as the one that answered reports: what failed before costs nothing.
    cost = 5 * 1_000 + 7 * 4_000
    eventually(
        lambda: credit_service.account_state(key), {"available": USD - cost, "held": 0, "captured": cost}
    )


def test_no_other_upstream_is_asked_after_the_first_byte_or_about_a_verdict_on_the_request(
    start_gateway: Start, settings: GatewaySettings, credit_service: CreditService, upstream: Upstream
) -> None:
    models = [
        model(name, "odd", upstream_model=name, fallbacks=[fallback("odd", "good")])
        for name in ("dies", "too-long")
    ]
    gateway = start_gateway(with_models(settings, *models))
    key = credit_service.make_key(USD)
    assert "UPSTREAM_INTERRUPTED" in gateway.chat(key, "dies", stream=True).text
    assert gateway.chat(key, "too-long").status_code == 400
    assert [each["model"] for each in upstream.bodies] == ["dies", "too-long"]


def test_when_every_upstream_fails_the_last_failure_is_told_and_nothing_charged(
    start_gateway: Start, settings: GatewaySettings, credit_service: CreditService
) -> None:
    several = model("m", "odd", upstream_model="fails", fallbacks=[fallback("odd", "too-fast")])
    key = credit_service.make_key(USD)
    answer = start_gateway(with_models(settings, several)).chat(key, "m")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
    eventually(lambda: credit_service.account_state(key)["available"], USD)


def test_every_upstream_of_a_model_must_be_configured(
    settings: GatewaySettings,
) -> None:
    several = model("m", "odd", fallbacks=[fallback("unheard-of", "m")])
    with pytest.raises(ValueError, match="not configured: unheard-of"):
        GatewaySettings(**{**dict(settings), "models": (several,)})


def test_a_key_for_private_models_calls_no_other(
    start_gateway: Start, settings: GatewaySettings, credit_service: CreditService, way: FaultyWay
) -> None:
    models = [model("private", "echo"), model("open", "echo", privacy="anonymized")]
    gateway = start_gateway(with_models(settings, *models))
    key = credit_service.make_key(USD)
    assert gateway.chat(key, "open").status_code == 200
    assert gateway.chat(key, "open").status_code == 200
    assert way.seen["introspect"] == 1
    shy = credit_service.make_private_key(USD)
    assert gateway.chat(shy, "private").status_code == 200
    assert way.seen["introspect"] == 1
    refused = gateway.chat(shy, "open")
    assert (refused.status_code, refused.json()["code"]) == (403, "MODEL_NOT_ALLOWED")
    assert gateway.chat("ent_guess-a-key", "open").status_code == 401
    eventually(lambda: credit_service.account_state(shy)["held"], 0)


def test_the_version_of_the_price_list_is_kept_with_the_cost(
    start_gateway: Start, settings: GatewaySettings, credit_service: CreditService
) -> None:
    gateway = start_gateway(with_models(settings, price_version="autumn prices"))
    key = credit_service.make_key(USD)
    gateway.chat(key, "echo")
    eventually(lambda: "autumn prices" in credit_service.everything(), expected=True)


@pytest.fixture
def leasing(settings: GatewaySettings) -> GatewaySettings:
    return with_models(settings, leases=True, lease_terms=LeaseSettings(amount=10_000_000, ttl=5))


def test_with_leases_requests_are_decided_in_the_gateway_and_charged_the_same(
    start_gateway: Start, leasing: GatewaySettings, credit_service: CreditService, way: FaultyWay
) -> None:
    gateway = start_gateway(leasing)
    key = credit_service.make_key(USD)
    costs = [gateway.chat(key, "echo", stream=False).json()["cost"]["nano_usd"] for _ in range(8)]
    assert gateway.chat(key, "echo", stream=True).status_code == 200
    assert way.seen["holds"] == way.seen["capture"] == 0
    assert way.seen["batch"] <= 3
    eventually(lambda: credit_service.account_state(key)["captured"] >= sum(costs), expected=True)


def test_with_leases_an_empty_account_is_told_so_and_a_full_answer_is_clamped(
    start_gateway: Start, leasing: GatewaySettings, credit_service: CreditService
) -> None:
    gateway = start_gateway(leasing)
    poor, guessed = credit_service.make_key(10), "ent_guess-a-key"
    refused = gateway.chat(poor, "echo")
    assert (refused.status_code, refused.json()["code"]) == (402, "INSUFFICIENT_BALANCE")
    assert refused.json()["error"]["available"] == 10
    assert gateway.chat(guessed, "echo").status_code == 401
    clamped = gateway.chat(credit_service.make_key(1_000_000), "echo")
    assert clamped.status_code == 200
    assert int(clamped.headers["x-entitlement-max-output-tokens"]) < 1_000


def test_with_leases_nobody_is_served_when_the_service_is_away(
    start_gateway: Start, leasing: GatewaySettings, credit_service: CreditService, way: FaultyWay
) -> None:
    gateway = start_gateway(leasing)
    way.down_for = "/batch"
    answer = gateway.chat(credit_service.make_key(USD), "echo")
    assert (answer.status_code, answer.json()["code"]) == (503, "CREDIT_UNAVAILABLE")
    way.down_for = None


def test_a_gateway_that_ends_gives_its_leases_back(
    leasing: GatewaySettings, credit_service: CreditService, way: FaultyWay
) -> None:
    del way
    key = credit_service.make_key(USD)
    with gateway_with(leasing) as gateway:
        cost = gateway.chat(key, "echo").json()["cost"]["nano_usd"]
    assert credit_service.account_state(key) == {"available": USD - cost, "held": 0, "captured": cost}
