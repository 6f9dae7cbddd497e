"""`kill -9` of the API at any moment: what was answered is in the journal, and the rest is asked again."""

import signal
import threading
import time
from pathlib import Path

import httpx
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session, sessionmaker

from entitlement.flows.manage_gateways import ManageGateways
from tests.api.support import bearer
from tests.gateway.running import free_port
from tests.stack.processes import serving
from tests.support import USD, Holder, assert_books_close, holder

WRITERS = 8
BURST_SECONDS = 1.0
PRICE = 1_000


def connect(port: int, sessions: sessionmaker[Session]) -> httpx.Client:
    token = ManageGateways(sessions).issue_token("the gateway")
    return httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=bearer(token), timeout=30)


def asked(rich: Holder, request_id: str) -> dict[str, object]:
    return {"key": rich.secret, "amount": PRICE, "request_id": request_id}


def test_a_hold_survives_the_process_that_gave_it_and_is_captured_by_the_next(
    database: Engine, sessions: sessionmaker[Session], tmp_path: Path
) -> None:
    rich, port = holder(sessions, diem=USD), free_port()
    with connect(port, sessions) as client:
        with serving(database.url, port, tmp_path / "first.log") as first:
            hold = client.post("/v1/holds", json=asked(rich, "r1")).raise_for_status().json()["hold"]
            first.send(signal.SIGKILL)
            assert first.ends() == -signal.SIGKILL
        with serving(database.url, port, tmp_path / "second.log"):
            again = client.post("/v1/holds", json=asked(rich, "r1"))
            assert again.headers["Idempotency-Replayed"] == "true"
            assert again.json()["hold"] == hold
            captured = client.post(f"/v1/holds/{hold['id']}/capture", json={"amount": 400})
            assert captured.status_code == 200
            assert captured.json()["balance"]["available"] == USD - 400
    assert_books_close(sessions)


def test_every_hold_that_was_answered_in_a_burst_is_in_the_journal_after_a_kill(
    database: Engine, sessions: sessionmaker[Session], tmp_path: Path
) -> None:
    rich, port = holder(sessions, diem=USD), free_port()
    answered: dict[str, str] = {}
    with connect(port, sessions) as client:
        with serving(database.url, port, tmp_path / "first.log") as first:
            writers = [
                threading.Thread(target=write, args=(client, rich, name, answered)) for name in range(WRITERS)
            ]
            for writer in writers:
                writer.start()
            time.sleep(BURST_SECONDS)
            first.send(signal.SIGKILL)
            for writer in writers:
                writer.join()
        assert len(answered) >= WRITERS, "the burst was none"
        with database.connect() as connection:
            kept = dict(connection.execute(text("SELECT request_id, id FROM holds")).all())
            booked = set(connection.scalars(text("SELECT key FROM entries WHERE kind = 'hold'")))
        assert kept.items() >= answered.items()
        assert booked == {f"hold:{hold_id}" for hold_id in kept.values()}
        assert_books_close(sessions)
        with serving(database.url, port, tmp_path / "second.log"):
            for request_id in kept.keys() - answered.keys():
                again = client.post("/v1/holds", json=asked(rich, request_id))
                assert again.json()["hold"]["id"] == kept[request_id]


def write(client: httpx.Client, rich: Holder, name: int, answered: dict[str, str]) -> None:
    """Hold until nobody answers any more, and keep what was answered."""
    for number in range(10_000):
        request_id = f"{name}:{number}"
        try:
            answer = client.post("/v1/holds", json=asked(rich, request_id))
        except httpx.TransportError:
            return
        assert answer.status_code == 201, answer.text
        answered[request_id] = answer.json()["hold"]["id"]


def test_a_request_under_way_is_answered_when_the_process_is_asked_to_end(
    database: Engine, sessions: sessionmaker[Session], tmp_path: Path
) -> None:
    rich, port = holder(sessions, diem=USD), free_port()
    answers: list[int] = []
    with (
        connect(port, sessions) as client,
        serving(database.url, port, tmp_path / "serve.log") as process,
        sessions.begin() as session,
    ):
        session.execute(text("SELECT 1 FROM accounts WHERE id = :id FOR UPDATE"), {"id": rich.account_id})
        waiting = threading.Thread(
            target=lambda: answers.append(client.post("/v1/holds", json=asked(rich, "r1")).status_code)
        )
        waiting.start()
        time.sleep(0.5)
        process.send(signal.SIGTERM)
        time.sleep(0.5)
        session.rollback()
        waiting.join()
        assert answers == [201]
        assert process.ends() == 0
