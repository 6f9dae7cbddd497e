"""The embedded database ends with its process, and what was acknowledged survives `kill -9` of both."""

import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from entitlement.flows.manage_gateways import ManageGateways
from entitlement.settings import read_settings
from entitlement.store.session import session_factory
from entitlement.wiring.database import open_database
from tests.gateway.running import free_port
from tests.stack.local import all_ended, left_in
from tests.stack.processes import Running, answers, running, until
from tests.support import USD, Holder, assert_books_close, holder


@pytest.fixture
def folder() -> Iterator[Path]:
    # Not in pytest's own folder: the database runs as another user, which cannot pass through that.
    with tempfile.TemporaryDirectory(prefix="entitlement-embedded-") as name:
        Path(name).chmod(0o755)
        yield Path(name) / "data"


@contextmanager
def serving(folder: Path, port: int) -> Iterator[Running]:
    log = folder.parent / "serve.log"
    with running("serve", "--port", str(port), log=log, ENTITLEMENT_DATA_FOLDER=str(folder)) as process:
        until(lambda: answers(f"http://127.0.0.1:{port}/health/live") or process.process.poll() is not None)
        assert process.process.poll() is None, process.text
        yield process


def prepare(folder: Path) -> tuple[Holder, str]:
    """Make an account with a dollar and a gateway, by the embedded database itself."""
    with open_database(read_settings(data_folder=folder)) as engine:
        sessions = session_factory(engine)
        return holder(sessions, diem=USD), ManageGateways(sessions).issue_token("the gateway")


def test_a_process_that_is_asked_to_end_takes_its_database_with_it(folder: Path) -> None:
    with serving(folder, free_port()) as process:
        assert any("postgres -D" in each for each in left_in(folder))
        process.send(signal.SIGTERM)
        assert process.ends() == 0
        all_ended(folder, seconds=2)


def test_a_hold_survives_the_end_of_the_process_and_of_its_database_by_kill(folder: Path) -> None:
    rich, token = prepare(folder)
    port = free_port()
    body = {"key": rich.secret, "amount": 1_000, "request_id": "r1"}
    with httpx.Client(
        base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {token}"}, timeout=30
    ) as client:
        with serving(folder, port) as process:
            hold = client.post("/v1/holds", json=body).raise_for_status().json()["hold"]
            process.send(signal.SIGKILL)
            os.kill(int((folder / "postgres" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
            process.ends()
        all_ended(folder)
        with serving(folder, port) as process:
            assert client.post("/v1/holds", json=body).json()["hold"] == hold
            captured = client.post(f"/v1/holds/{hold['id']}/capture", json={"amount": 400})
            assert captured.json()["hold"]["captured"] == 400
            process.send(signal.SIGTERM)
            assert process.ends() == 0
    with open_database(read_settings(data_folder=folder)) as engine:
        assert_books_close(session_factory(engine))
    all_ended(folder, seconds=2)


def test_a_process_that_was_killed_does_not_keep_the_database_running_for_ever(folder: Path) -> None:
    with serving(folder, free_port()) as process:
        process.send(signal.SIGKILL)
        process.ends()
    assert left_in(folder), "nobody could tell the database"
    with open_database(read_settings(data_folder=folder)):
        pass
    all_ended(folder, seconds=2)
