"""Rates by network address, over real HTTP: who shows no good credential, and who notices nothing of it."""

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, event, select
from sqlalchemy.orm import Session, sessionmaker

from entitlement.api.app import create_app
from entitlement.chain.networks import load_network
from entitlement.metrics import OF_API
from entitlement.settings import read_settings
from entitlement.store.tables import Base
from entitlement.wiring.service import Service, build_service
from tests.api.conftest import TOKEN_SECRET
from tests.api.support import assert_problem, bearer
from tests.api.world import World, make_world
from tests.gateway.running import running

ANONYMOUS, REFUSALS = 6, 3
PROXY, STRANGER = "127.0.0.1", "127.0.0.2"
HERE, THERE = "203.0.113.7", "198.51.100.9"
NOBODY = {"Authorization": "Bearer"}


@dataclass(frozen=True)
class Street:
    """A service behind a proxy that is trusted, and clients at addresses of their own."""

    service: Service
    sessions: sessionmaker[Session]
    url: str
    opened: ExitStack

    def at(self, address: str, peer: str = PROXY) -> httpx.Client:
        """Return a client whose address the proxy names; or a `peer` that is none names it."""
        transport = httpx.HTTPTransport(local_address=peer)
        made = httpx.Client(
            base_url=self.url, transport=transport, headers={"X-Forwarded-For": address}, timeout=30
        )
        return self.opened.enter_context(made)

    def world(self, address: str) -> World:
        """Return a gateway and a person there; the person has signed in from elsewhere."""
        made = make_world(self.service, self.sessions, self.at("192.0.2.99"))
        return replace(made, client=self.at(address))


@pytest.fixture
def street(sessions: sessionmaker[Session], tmp_path: Path) -> Iterator[Street]:
    with on_street(sessions, tmp_path, ANONYMOUS, REFUSALS) as made:
        yield made


@contextmanager
def on_street(
    sessions: sessionmaker[Session], folder: Path, anonymous: int, refusals: int
) -> Iterator[Street]:
    settings = read_settings(
        data_folder=folder,
        token_secret=TOKEN_SECRET,
        anonymous_requests_per_minute=anonymous,
        refusals_per_minute=refusals,
    )
    service = build_service(settings, load_network("anvil"), sessions)
    with running(create_app(service), trusted=[PROXY]) as url, ExitStack() as opened:
        yield Street(service, sessions, url, opened)


@contextmanager
def without_the_database(engine: Engine) -> Iterator[None]:
    """Fail if anybody takes a connection to the database meanwhile."""
    taken = list[object]()

    def note(*arguments: object) -> None:
        taken.append(arguments)

    event.listen(engine, "checkout", note)
    try:
        yield
    finally:
        event.remove(engine, "checkout", note)
    assert not taken


def assert_too_many(answer: httpx.Response, allowed: int) -> dict[str, Any]:
    body = assert_problem(answer, 429, "rate_limited")
    assert (body["of"], body["requests"], body["seconds"]) == ("address", allowed, 60)
    assert 0 < body["retry_after"] <= 60 // allowed
    assert answer.headers["retry-after"] == str(body["retry_after"])
    return body


def guess(client: httpx.Client, number: int) -> httpx.Response:
    return client.get("/v1/keys", headers=bearer(f"ent_guess_{number}"))


def use_up_refusals(client: httpx.Client) -> None:
    for number in range(REFUSALS):
        assert guess(client, number).status_code == 401
    assert_too_many(guess(client, REFUSALS), REFUSALS)


# --- no credential ----------------------------------------------------------------------------------------

ANONYMOUS_CALLS: dict[str, Callable[[httpx.Client], httpx.Response]] = {
    "a sign-in's number": lambda client: client.post("/v1/sign-in/nonce"),
    "a sign-in": lambda client: client.post("/v1/sign-in", json={"message": "", "signature": "0x00"}),
    "what is public": lambda client: client.get("/v1/public/memberships"),
    "a wallet": lambda client: client.get("/v1/public/wallets/0x" + "1" * 40),
    "a key by a wallet": lambda client: client.get("/api/v1/api_keys/generate_web3_key"),
    "a top-up": lambda client: client.post("/api/v1/x402/top-up", json={"transaction": "0x" + "1" * 64}),
    "what takes a session": lambda client: client.get("/v1/keys"),
    "an empty credential": lambda client: client.get("/v1/keys", headers=NOBODY),
    "another scheme": lambda client: client.get("/v1/keys", headers={"Authorization": "Basic YTpi"}),
    "a hold": lambda client: client.post("/v1/holds", json={}),
    "a batch": lambda client: client.post("/v1/batch", json={}),
    "nothing there": lambda client: client.get("/v1/nothing"),
}


@pytest.mark.parametrize("call", ANONYMOUS_CALLS.values(), ids=ANONYMOUS_CALLS)
def test_whoever_shows_no_credential_is_refused_by_address_before_the_database_is_asked(
    street: Street, database: Engine, call: Callable[[httpx.Client], httpx.Response]
) -> None:
    client = street.at(HERE)
    for _ in range(ANONYMOUS):
        assert call(client).status_code != 429
    with without_the_database(database):
        assert_too_many(call(client), ANONYMOUS)
    assert call(street.at(THERE)).status_code != 429


def test_all_that_shows_no_credential_counts_together(street: Street) -> None:
    client = street.at(HERE)
    answers = [call(client) for call in ANONYMOUS_CALLS.values()]
    assert [each.status_code == 429 for each in answers] == [False] * ANONYMOUS + [True] * (
        len(answers) - ANONYMOUS
    )


def test_clients_of_the_live_system_read_it_where_they_look(street: Street) -> None:
    client = street.at(HERE)
    answers = [client.get("/api/v1/api_keys/generate_web3_key") for _ in range(ANONYMOUS + 1)]
    body = assert_too_many(answers[-1], ANONYMOUS)
    assert body["error"] == body["detail"]
    assert "requests without a credential" in body["detail"]


def test_a_page_of_another_origin_may_read_that_it_should_wait(street: Street) -> None:
    client = street.at(HERE)
    answers = [client.get("/v1/public/memberships") for _ in range(ANONYMOUS + 1)]
    assert_too_many(answers[-1], ANONYMOUS)
    assert answers[-1].headers["access-control-allow-origin"] == "*"
    assert "Retry-After" in answers[-1].headers["access-control-expose-headers"]


def test_health_and_the_files_of_the_dashboard_are_not_counted(street: Street) -> None:
    client = street.at(HERE)
    for path in ("/health/live", "/health/ready", "/", "/stake", "/assets/none.js", "/icon.svg") * ANONYMOUS:
        assert client.get(path).status_code != 429
    for _ in range(ANONYMOUS + 1):
        last = client.get("/v1/nothing")
    assert_too_many(last, ANONYMOUS)
    assert client.get("/health/live").status_code == 200


# --- a credential that is refused -------------------------------------------------------------------------

GUESSED: dict[str, Callable[[httpx.Client, str], httpx.Response]] = {
    "a session": lambda client, secret: client.get("/v1/keys", headers=bearer(secret)),
    "a key": lambda client, secret: client.get("/v1/keys", headers=bearer(f"ent_{secret}")),
    "a gateway's token at the door": lambda client, secret: client.post(
        "/v1/holds", json={}, headers=bearer(f"gw_{secret}")
    ),
    "a gateway's token elsewhere": lambda client, secret: client.get(
        "/v1/keys/introspect", headers=bearer(f"gw_{secret}") | {"X-Api-Key": "ent_none"}
    ),
    "a key of the compatible API": lambda client, secret: client.get(
        "/api/v1/api_keys", headers=bearer(f"ent_{secret}")
    ),
    "what nobody looks at": lambda client, secret: client.get(
        "/v1/public/memberships", headers=bearer(secret)
    ),
}


@pytest.mark.parametrize("call", GUESSED.values(), ids=GUESSED)
def test_whoever_guesses_credentials_is_refused_by_address_before_the_database_is_asked(
    street: Street, database: Engine, call: Callable[[httpx.Client, str], httpx.Response]
) -> None:
    client = street.at(HERE)
    for number in range(REFUSALS):
        assert call(client, str(number)).status_code in {401, 200}
    with without_the_database(database):
        assert_too_many(call(client, "another"), REFUSALS)
    assert call(street.at(THERE), "another").status_code in {401, 200}


def test_of_many_guesses_at_once_no_more_are_looked_at_than_of_as_many_in_turn(street: Street) -> None:
    clients = [street.at(HERE) for _ in range(24)]
    with ThreadPoolExecutor(len(clients)) as pool:
        answers = list(pool.map(lambda number: guess(clients[number], number), range(len(clients))))
    assert sorted(each.status_code for each in answers) == [401] * REFUSALS + [429] * (24 - REFUSALS)


def test_guesses_leave_what_needs_no_credential_alone(street: Street) -> None:
    client = street.at(HERE)
    use_up_refusals(client)
    assert client.post("/v1/sign-in/nonce").status_code == 201


# --- a credential that is good ----------------------------------------------------------------------------


def test_a_gateway_goes_on_behind_an_address_that_is_refused(street: Street) -> None:
    world = street.world(HERE)
    assert world.hold(request_id="before").status_code == 201
    use_up_refusals(world.client)
    for number in range(3 * ANONYMOUS):
        assert world.hold(1, f"r{number}").status_code == 201
    introspected = world.client.get(
        "/v1/keys/introspect", headers=world.gateway | {"X-Api-Key": world.rich.secret}
    )
    assert introspected.status_code == 200


def test_a_gateway_that_only_asks_about_keys_is_known_by_that(street: Street) -> None:
    world = street.world(HERE)
    for _ in range(2 * REFUSALS):
        introspected = world.client.get(
            "/v1/keys/introspect", headers=world.gateway | {"X-Api-Key": world.rich.secret}
        )
        assert introspected.status_code == 200
    use_up_refusals(world.client)
    assert world.hold().status_code == 201


def test_keys_that_a_gateway_s_clients_guess_do_not_count_against_it(street: Street) -> None:
    world = street.world(HERE)
    for number in range(3 * ANONYMOUS):
        assert_problem(world.hold(key=f"ent_guess_{number}"), 401, "unknown_key")
        introspected = world.client.get(
            "/v1/keys/introspect", headers=world.gateway | {"X-Api-Key": f"ent_guess_{number}"}
        )
        assert_problem(introspected, 401, "unknown_key")
    assert world.hold().status_code == 201
    use_up_refusals(world.client)


def test_an_owner_goes_on_behind_an_address_that_is_refused_by_session_and_by_key(street: Street) -> None:
    world = street.world(HERE)
    key = bearer(world.make_key(type="ADMIN").json()["secret"])
    for headers in (world.signed_in, key):
        assert world.client.get("/v1/keys", headers=headers).status_code == 200
    use_up_refusals(world.client)
    for headers in (world.signed_in, key):
        for path in ("/v1/keys", "/api/v1/api_keys", "/v1/public/memberships") * ANONYMOUS:
            assert world.client.get(path, headers=headers).status_code == 200


def test_many_owners_behind_one_address_use_nothing_up(street: Street) -> None:
    world = street.world(HERE)
    made = [world.make_key(type="ADMIN").json()["secret"] for _ in range(3 * REFUSALS)]
    for secret in made:
        assert world.client.get("/v1/keys", headers=bearer(secret)).status_code == 200
    use_up_refusals(world.client)


def test_what_was_good_and_ended_is_counted_again(street: Street) -> None:
    world = street.world(HERE)
    key = world.make_key(type="ADMIN").json()
    assert world.client.get("/v1/keys", headers=bearer(key["secret"])).status_code == 200
    assert world.client.delete(f"/v1/keys/{key['key']['id']}", headers=world.signed_in).status_code == 200
    for _ in range(REFUSALS):
        assert world.client.get("/v1/keys", headers=bearer(key["secret"])).status_code == 401
    assert_too_many(world.client.get("/v1/keys", headers=bearer(key["secret"])), REFUSALS)


def test_a_gateway_s_token_that_ended_is_counted_again(street: Street) -> None:
    world = street.world(HERE)
    assert world.hold().status_code == 201
    world.service.gateways.revoke("the gateway")
    # The first one is refused with its question, as what the door knew.
    for number in range(1 + REFUSALS):
        assert_problem(world.hold(request_id=f"r{number}"), 401, "not_authenticated")
    assert_too_many(world.hold(), REFUSALS)


# --- whose address ----------------------------------------------------------------------------------------


def test_only_a_trusted_proxy_says_whose_address_it_is(street: Street) -> None:
    for number in range(ANONYMOUS):
        assert street.at(f"203.0.113.{number}", STRANGER).get("/v1/nothing").status_code == 404
    assert_too_many(street.at("203.0.113.99", STRANGER).get("/v1/nothing"), ANONYMOUS)
    assert street.at("203.0.113.99").get("/v1/nothing").status_code == 404


def test_of_the_addresses_that_are_named_the_last_one_counts_that_is_no_proxy_s(street: Street) -> None:
    for number in range(ANONYMOUS):
        named = f"198.51.100.{number}, {HERE}, {PROXY}"
        assert street.at(named).get("/v1/nothing").status_code == 404
    assert_too_many(street.at(f"{THERE}, {HERE}").get("/v1/nothing"), ANONYMOUS)
    assert street.at(f"{HERE}, {THERE}").get("/v1/nothing").status_code == 404


def test_the_addresses_of_one_network_of_ipv6_count_as_one(street: Street) -> None:
    for number in range(ANONYMOUS):
        assert street.at(f"2001:db8:1:2:{number}::1").get("/v1/nothing").status_code == 404
    assert_too_many(street.at("2001:db8:1:2:ffff::").get("/v1/nothing"), ANONYMOUS)
    assert street.at("2001:db8:1:3::1").get("/v1/nothing").status_code == 404


# --- what is kept and told --------------------------------------------------------------------------------


def test_no_address_is_stored_logged_or_told_and_how_many_were_refused_is(
    street: Street, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG, logger="entitlement")

    def refused(rate: str) -> float:
        return (
            OF_API.get_sample_value("entitlement_api_requests_refused_by_address_total", {"rate": rate}) or 0
        )

    anonymous, refusals = refused("anonymous"), refused("refusals")
    world = street.world(HERE)
    use_up_refusals(world.client)
    for _ in range(ANONYMOUS + 5):
        world.client.post("/v1/sign-in/nonce")
    assert (refused("anonymous"), refused("refusals")) == (anonymous + 5, refusals + 1)
    printed = capfd.readouterr()
    with street.sessions.begin() as session:
        stored = [
            str(tuple(row)) for each in Base.metadata.sorted_tables for row in session.execute(select(each))
        ]
    told = [str(sample) for family in OF_API.collect() for sample in family.samples]
    assert stored
    for text in (caplog.text, printed.out, printed.err, *stored, *told):
        assert HERE not in text


def test_without_rates_nobody_is_refused_by_address(sessions: sessionmaker[Session], tmp_path: Path) -> None:
    with on_street(sessions, tmp_path, 0, 0) as street:
        client = street.at(HERE)
        for number in range(400):
            assert client.get("/v1/nothing").status_code == 404
            if number % 4 == 0:
                assert guess(client, number).status_code == 401
