"""Every expected failure has its status and its code, and no other answer is ever given to a mistake."""

import ast
import inspect
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import httpx
import pytest
from fastapi import Request
from sqlalchemy import URL, Engine, create_engine, text

from entitlement.api import problems
from entitlement.core import (
    account_book,
    allowance,
    card_payments,
    errors,
    holds,
    keys,
    ledger,
    limits,
    operations,
    rates,
    units,
    usage,
    usage_lines,
    usage_walk,
    webhooks,
)
from entitlement.core.acts import Because
from entitlement.core.errors import EntitlementError, GrantsFailed
from entitlement.core.holds import LATE_CAPTURE_SECONDS
from entitlement.core.keys import MOST_KEYS_OF_AN_ACCOUNT, NewKey
from entitlement.core.ledger import Source
from entitlement.core.limits import KeyLimits
from entitlement.core.tiers import RATES, Tier
from entitlement.core.units import NanoUsd
from entitlement.flows import (
    explain_request,
    grant_allowances,
    manage_gateways,
    manage_keys,
    manage_webhooks,
    own_data,
    read_account,
    read_balance,
    read_proofs,
    read_standing,
    read_statements,
    read_usage,
    read_wallet,
    sign_in,
    sign_receipts,
    spend_credit,
    take_card_payment,
    web3_keys,
)
from entitlement.store import access
from tests.api.support import assert_problem, assert_some_problem, bearer
from tests.api.world import World
from tests.support import USD, grant, holder

# --- the table --------------------------------------------------------------------------------------------

RULES = (
    account_book,
    allowance,
    card_payments,
    holds,
    keys,
    ledger,
    limits,
    operations,
    rates,
    units,
    usage,
    usage_lines,
    usage_walk,
    webhooks,
)
FLOWS = (
    explain_request,
    grant_allowances,
    manage_gateways,
    manage_keys,
    manage_webhooks,
    own_data,
    read_account,
    read_balance,
    read_proofs,
    read_standing,
    read_statements,
    read_usage,
    read_wallet,
    sign_in,
    sign_receipts,
    spend_credit,
    take_card_payment,
    web3_keys,
)
ROUTES = Path(problems.__file__).parent


def errors_made_in(source: str) -> set[type[EntitlementError]]:
    """Return the expected errors that a piece of code makes or names in a raise."""
    names = {
        node.id if isinstance(node, ast.Name) else node.attr
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load)
    }
    found = {getattr(errors, name) for name in names if inspect.isclass(getattr(errors, name, None))}
    return {each for each in found if issubclass(each, EntitlementError)} - {EntitlementError}


def errors_of(*modules: ModuleType) -> set[type[EntitlementError]]:
    return {each for module in modules for each in errors_made_in(inspect.getsource(module))}


def test_every_error_that_a_flow_behind_a_route_can_raise_has_a_status_and_a_code() -> None:
    # The sweep's own: no route waits for it.
    assert errors_of(*RULES, *FLOWS) - problems.STATUS_AND_CODE.keys() == {GrantsFailed}


def test_no_row_of_the_table_is_for_an_error_that_nothing_raises() -> None:
    routes = {
        error
        for path in ROUTES.rglob("*.py")
        if path.name != "problems.py"
        for error in errors_made_in(path.read_text())
    }
    assert problems.STATUS_AND_CODE.keys() - errors_of(*RULES, *FLOWS) - routes == set()


def test_codes_are_of_one_error_each() -> None:
    codes = [code for _, code in problems.STATUS_AND_CODE.values()]
    assert len(codes) == len(set(codes))


# --- each of its rows -------------------------------------------------------------------------------------


def key_expired(world: World) -> httpx.Response:
    wish = NewKey("short-lived", expires_at=world.service.clock.now() + 60)
    short_lived = world.service.keys.create(world.rich.account_id, wish)
    world.later(60)
    return world.hold(key=short_lived.secret)


def key_revoked(world: World) -> httpx.Response:
    world.service.keys.revoke(world.rich.account_id, world.rich.key_id)
    return world.hold()


def key_suspended(world: World) -> httpx.Response:
    world.service.suspensions.suspend(world.rich.key_id, Because("ada", "it was published"))
    return world.hold()


def key_paused(world: World) -> httpx.Response:
    world.service.keys.change(world.rich.account_id, world.rich.key_id, keys.KeyChange(is_paused=True))
    return world.hold()


def key_rotated(world: World) -> httpx.Response:
    world.service.keys.rotate(world.rich.account_id, world.rich.key_id)
    return world.hold()


def key_limit_reached(world: World) -> httpx.Response:
    wish = NewKey("limited", limits=KeyLimits(diem=NanoUsd(10)))
    return world.hold(11, key=world.service.keys.create(world.rich.account_id, wish).secret)


def not_allowed(world: World) -> httpx.Response:
    return world.client.get("/v1/keys", headers=bearer(world.rich.secret))


def sign_in_replayed(world: World) -> httpx.Response:
    nonce = world.client.post("/v1/sign-in/nonce").json()["nonce"]
    message = world.person.message(nonce)
    body = {"message": message, "signature": world.person.sign(message)}
    assert world.client.post("/v1/sign-in", json=body).status_code == 201
    return world.client.post("/v1/sign-in", json=body)


def request_id_reused(world: World) -> httpx.Response:
    world.held(1_000)
    return world.hold(1_001)


def released_after_its_capture(world: World) -> httpx.Response:
    hold_id = world.held()
    assert world.capture(hold_id, 1).status_code == 200
    return world.release(hold_id)


def captured_far_too_late(world: World) -> httpx.Response:
    hold_id = world.held(ttl=1)
    world.later(1 + LATE_CAPTURE_SECONDS)
    return world.capture(hold_id, 1)


def too_many_requests(world: World) -> httpx.Response:
    calls = [
        {"op": "charge", "key": world.rich.secret, "amount": 1, "request_id": f"fast {number}"}
        for number in range(RATES[Tier.FREE].key.requests)
    ]
    answers = world.client.post("/v1/batch", json={"operations": calls}, headers=world.gateway).json()
    assert {each["status"] for each in answers["answers"]} == {201}
    # Many at once: the rate goes on with the clock, and allows one more after a fifth of a second.
    at_once = world.hold_at_once([f"faster {number}" for number in range(16)]).values()
    return next(each for each in at_once if each.status_code != 201)


def deleted_too_early(world: World) -> httpx.Response:
    with world.sessions.begin() as session:
        mine = access.account_of(session, world.person.wallet)
    assert mine is not None
    grant(world.sessions, mine, Source.PREPAID, 100)
    assert world.hold(10, key=world.make_key().json()["secret"]).status_code == 201
    body = {"confirm": world.person.wallet}
    return world.client.request("DELETE", "/v1/wallet/data", json=body, headers=world.signed_in)


def too_many_keys(world: World) -> httpx.Response:
    admin = world.service.keys.create(world.rich.account_id, NewKey("admin", keys.KeyKind.ADMIN))
    with world.sessions.begin() as session:
        session.execute(text(COPY_A_KEY), {"key": admin.key.id, "copies": MOST_KEYS_OF_AN_ACCOUNT - 2})
    return world.client.post("/v1/keys", json={"description": "one more"}, headers=bearer(admin.secret))


COPY_A_KEY = """
INSERT INTO api_keys
    (id, secret_hash, account_id, last_six, kind, description, limit_period, model_privacy, created_at)
SELECT
    id || n, sha256(n::text::bytea), account_id, last_six, kind, description, limit_period, model_privacy,
    created_at
FROM api_keys, generate_series(1, :copies) n WHERE id = :key
"""

CASES: dict[type[EntitlementError], Callable[[World], httpx.Response]] = {
    errors.MalformedAddress: lambda w: w.client.get("/v1/accounts/nobody", headers=w.signed_in),
    errors.InvalidAmount: lambda w: w.hold(5, minimum=6),
    errors.InvalidRequest: lambda w: w.hold(request_id="line\nfeed"),
    errors.SignInRefused: sign_in_replayed,
    errors.NotAuthenticated: lambda w: w.client.get("/v1/keys"),
    errors.UnknownKey: lambda w: w.hold(key="ent_unknown"),
    errors.KeyExpired: key_expired,
    errors.KeyRevoked: key_revoked,
    errors.KeySuspended: key_suspended,
    errors.KeyPaused: key_paused,
    errors.KeyRotated: key_rotated,
    errors.InsufficientCredit: lambda w: w.hold(USD + 1),
    errors.KeyLimitReached: key_limit_reached,
    errors.NotAllowed: not_allowed,
    errors.UnknownHold: lambda w: w.capture("hold_unknown", 1),
    errors.UnknownRequest: lambda w: w.client.get("/v1/wallet/requests/none", headers=w.signed_in),
    errors.UnknownEpoch: lambda w: w.client.get("/v1/public/proofs/1"),
    errors.UnknownStatement: lambda w: w.client.get("/v1/public/statements/1"),
    errors.UnknownApiKeyId: lambda w: w.client.delete("/v1/keys/key_unknown", headers=w.signed_in),
    errors.IdempotencyKeyReused: request_id_reused,
    errors.HoldAlreadyEnded: released_after_its_capture,
    errors.TooManyKeys: too_many_keys,
    errors.HoldsStillOpen: deleted_too_early,
    errors.HoldExpired: captured_far_too_late,
    errors.RateLimited: too_many_requests,
}


def test_every_row_of_the_table_has_a_case_below() -> None:
    assert CASES.keys() == problems.STATUS_AND_CODE.keys()


@pytest.mark.parametrize("error", CASES, ids=lambda error: error.__name__)
def test_each_expected_failure_is_answered_with_its_status_and_code(
    error: type[EntitlementError], world: World
) -> None:
    assert_problem(CASES[error](world), *problems.STATUS_AND_CODE[error])


@pytest.mark.parametrize("code", ["insufficient_credit", "key_limit_reached"])
def test_a_402_says_which_reason_it_has_with_the_figures(code: str, world: World) -> None:
    if code == "insufficient_credit":
        body = assert_problem(world.hold(USD + 1), 402, code)
        figures = {"wanted": USD + 1, "available": USD}
    else:
        body = assert_problem(key_limit_reached(world), 402, code)
        figures = {"wanted": 11, "available": 10, "limit": "diem", "period": "epoch"}
    assert body.items() >= figures.items()
    now = world.service.clock.now()
    assert now < body["resets_at"] <= now + 86_400
    assert body["resets_at"] % 86_400 == 0


# --- what no flow is asked about --------------------------------------------------------------------------

UNKNOWN = [
    "/elsewhere",
    "/v1",
    "/v1/",
    "/api/v1",
    "/api/v1/",
    "/v1/holds/",
    "/v1/keys/",
    "/v1//keys",
    "/V1/keys",
]
UNKNOWN += [
    "/api/v1/api_keys/",
    "/api/v1/chat/completions",
    "/health",
    "/v1/holds/a/b",
    "/v1/holds/..%2Fkeys",
]


@pytest.mark.parametrize("path", UNKNOWN)
def test_an_unknown_path_is_a_404_and_leads_nowhere_else(path: str, bare: httpx.Client) -> None:
    assert_problem(bare.get(path), 404, "not_found")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "HEAD"])
@pytest.mark.parametrize("path", ["/v1/holds", "/api/v1/api_keys/generate_web3_key", "/health/live"])
def test_an_unknown_method_is_a_405(method: str, path: str, bare: httpx.Client) -> None:
    answer = bare.request(method, path)
    assert answer.status_code == 405
    assert answer.headers["allow"]
    if method != "HEAD":
        assert_problem(answer, 405, "method_not_allowed")


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/v1/keys", "GET, POST"),
        ("/v1/keys/key_1", "DELETE, PATCH"),
        ("/v1/wallet/webhook", "DELETE, GET, PUT"),
        ("/api/v1/api_keys", "DELETE, GET, PATCH, POST"),
    ],
)
def test_a_405_names_every_method_of_the_path(path: str, methods: str, bare: httpx.Client) -> None:
    assert bare.options(path).headers["allow"] == methods


def test_a_method_that_http_does_not_know_is_a_400(bare: httpx.Client) -> None:
    assert bare.request("BREW", "/health/live").status_code == 400
    assert bare.get("/health/live").status_code == 200


# --- when the house itself is at fault --------------------------------------------------------------------


def test_without_its_database_the_service_says_503_and_goes_on_when_it_is_back(
    world: World, database: Engine, postgres: URL
) -> None:
    name = database.url.database
    administrator = create_engine(postgres, isolation_level="AUTOCOMMIT")
    with administrator.connect() as connection:
        connection.execute(text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false"))
        connection.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"),
            {"name": name},
        )
        assert_problem(world.hold(), 503, "unavailable")
        assert_problem(world.client.get("/health/ready"), 503, "unavailable")
        assert world.client.get("/health/live").status_code == 200
        connection.execute(text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true"))
    administrator.dispose()
    assert world.hold().status_code == 201


def test_what_nobody_expected_is_a_500_that_quotes_nothing_and_keeps_the_connection(
    world: World, database: Engine
) -> None:
    with database.begin() as connection:
        connection.execute(text("ALTER TABLE key_spending RENAME TO elsewhere"))
    answer = world.hold(request_id="telltale")
    assert answer.status_code == 500
    assert answer.json()["code"] == "internal_error"
    assert answer.headers["content-type"] == "application/problem+json"
    assert "telltale" not in answer.text
    assert "elsewhere" not in answer.text
    assert "key_spending" not in answer.text
    assert answer.headers.get("connection") != "close"
    with database.begin() as connection:
        connection.execute(text("ALTER TABLE elsewhere RENAME TO key_spending"))
    assert world.hold(request_id="telltale").status_code == 201


def test_another_holder_s_figures_are_in_no_refusal(world: World) -> None:
    poor = holder(world.sessions, number=2)
    refusal = assert_some_problem(world.hold(key=poor.secret))
    assert refusal["available"] == 0


@pytest.mark.parametrize(
    "error",
    [
        errors.InsufficientCredit(wanted=NanoUsd(2), available=NanoUsd(1), resets_at=86_400),
        errors.UnknownKey(),
        errors.NotAuthenticated("no token"),
        errors.RateLimited(of="key", requests=1, seconds=60, retry_after=59),
        errors.UnknownHold(hold="hold_é"),
        errors.HoldExpired(hold="hold_1", expired_at=1),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_refusal_at_the_door_is_the_one_that_the_framework_gives(error: EntitlementError) -> None:
    scope = {"type": "http", "method": "POST", "path": "/v1/holds", "headers": [], "query_string": b""}
    framework, door = problems.answer_to(Request(scope), error), problems.refusal(error)
    assert (door.status, door.body) == (framework.status_code, framework.body)
    length = (b"content-length", str(len(door.body)).encode())
    assert sorted([*door.headers, length]) == sorted(framework.raw_headers)
