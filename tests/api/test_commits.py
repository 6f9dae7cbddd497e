"""What was answered with a 2xx has been committed; what has not been committed is answered with a 503."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.exc import OperationalError

from tests.api.support import Person, assert_problem
from tests.api.world import World
from tests.support import USD, assert_books_close

Failure = Callable[[Connection], None]


def backend_killed(connection: Connection) -> None:
    """The server ends the connection just before the commit."""
    connection.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")


def refused(_: Connection) -> None:
    """The driver cannot deliver the commit."""
    raise OperationalError("COMMIT", None, ConnectionError("told by a test"))


def answer_lost(connection: Connection) -> None:
    """The commit arrives; its confirmation does not."""
    connection.connection.commit()
    raise OperationalError("COMMIT", None, ConnectionError("told by a test"))


@contextmanager
def failing_commits(engine: Engine, failure: Failure) -> Iterator[None]:
    """Let the commit of each transaction that has written something fail."""

    def on_commit(connection: Connection) -> None:
        if connection.exec_driver_sql("SELECT pg_current_xact_id_if_assigned()").scalar_one() is not None:
            failure(connection)

    event.listen(engine, "commit", on_commit)
    try:
        yield
    finally:
        event.remove(engine, "commit", on_commit)


Call = Callable[[World, str], httpx.Response]

CALLS: dict[str, Call] = {
    "hold": lambda w, _: w.hold(1_000, "under test"),
    "capture": lambda w, hold_id: w.capture(hold_id, 600, usage={"input_tokens": 1}),
    "release": lambda w, hold_id: w.release(hold_id),
    "refused hold": lambda w, _: w.hold(2 * USD, "too much"),
    "make a key": lambda w, _: w.make_key(),
    "make a compatible key": lambda w, _: w.client.post(
        "/api/v1/api_keys", json={"apiKeyType": "ADMIN", "description": "d"}, headers=w.signed_in
    ),
    "revoke a key": lambda w, _: w.client.delete(f"/v1/keys/{key_of(w)}", headers=w.signed_in),
    "nonce": lambda w, _: w.client.post("/v1/sign-in/nonce"),
    "token": lambda w, _: w.client.get("/api/v1/api_keys/generate_web3_key"),
    "sign out everywhere": lambda w, _: w.client.delete("/v1/wallet/sessions", headers=w.signed_in),
    "sign out": lambda w, _: w.client.post("/v1/sign-out", headers=w.signed_in),
}


def key_of(world: World) -> str:
    account = world.service.sign_in.authenticate(world.signed_in["Authorization"].removeprefix("Bearer "))
    return world.service.keys.list(account.account_id)[0].id


def everything(engine: Engine) -> dict[str, int]:
    """Return how many rows of each table there are, and how many of them have ended."""
    queries = {
        "holds": "SELECT count(*) FROM holds",
        "ended": "SELECT count(*) FROM holds WHERE state <> 'open'",
        "entries": "SELECT count(*) FROM entries",
        "usage": "SELECT count(*) FROM usage",
        "keys": "SELECT count(*) FROM api_keys",
        "revoked": "SELECT count(*) FROM api_keys WHERE revoked_at IS NOT NULL",
        "nonces": "SELECT count(*) FROM nonces",
        "sessions": "SELECT count(*) FROM sessions",
    }
    with engine.connect() as connection:
        return {name: connection.execute(text(query)).scalar_one() for name, query in queries.items()}


@pytest.mark.parametrize("failure", [backend_killed, refused], ids=lambda failure: failure.__name__)
@pytest.mark.parametrize("call", CALLS)
def test_a_commit_that_fails_is_never_a_2xx_and_leaves_nothing(
    call: str, failure: Failure, world: World, database: Engine
) -> None:
    assert world.make_key().status_code == 201
    hold_id = world.held(1_000, "before")
    before = everything(database)
    with failing_commits(database, failure):
        answer = CALLS[call](world, hold_id)
    assert_problem(answer, 503, "unavailable")
    assert everything(database) == before
    assert_books_close(world.sessions)
    again = CALLS[call](world, hold_id)
    assert again.status_code == 402 if call == "refused hold" else again.is_success
    assert_books_close(world.sessions)


def test_a_sign_in_whose_commit_fails_opens_no_session(world: World, database: Engine) -> None:
    nonce = world.client.post("/v1/sign-in/nonce").json()["nonce"]
    message = Person(9).message(nonce)
    body = {"message": message, "signature": Person(9).sign(message)}
    with failing_commits(database, backend_killed):
        assert_problem(world.client.post("/v1/sign-in", json=body), 503, "unavailable")
    assert world.client.post("/v1/sign-in", json=body).status_code == 201


@pytest.mark.parametrize("call", ["hold", "capture", "release"])
def test_a_commit_whose_answer_was_lost_is_done_once_however_often_it_is_asked_for(
    call: str, world: World, database: Engine
) -> None:
    hold_id = world.held(1_000, "before")
    with failing_commits(database, answer_lost):
        lost = assert_problem(CALLS[call](world, hold_id), 503, "unavailable")
        assert "not known" in lost["detail"]
    after = everything(database)
    again = CALLS[call](world, hold_id)
    assert again.is_success
    assert again.headers["Idempotency-Replayed"] == "true"
    assert everything(database) == after
    assert_books_close(world.sessions)


def test_a_refusal_whose_commit_failed_may_be_a_yes_the_next_time(world: World, database: Engine) -> None:
    hold_id = world.held(USD, "everything")
    with failing_commits(database, refused):
        assert_problem(world.hold(1, "under test"), 503, "unavailable")
    assert world.release(hold_id).status_code == 200
    assert world.hold(1, "under test").status_code == 201
