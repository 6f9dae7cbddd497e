"""The jobs: one process leads, another takes over when it is killed; what fails does not stop the rest."""

import json
import logging
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session, sessionmaker
from structlog.testing import capture_logs

from entitlement.chain.networks import load_network
from entitlement.core.blocks import Header
from entitlement.core.epochs import epoch_at
from entitlement.core.errors import NodeUnavailable
from entitlement.core.events import AllowanceChanged
from entitlement.core.units import Wei
from entitlement.jobs import Jobs
from entitlement.settings import read_settings
from entitlement.store.leadership import Leadership, Role
from entitlement.wiring.service import Service, build_service
from tests.stack.processes import ROOT, Running, address_of, environment, until
from tests.support import (
    DIEM,
    GENESIS_TIME,
    NOON,
    USD,
    ScriptedChain,
    assert_books_close,
    follower,
    holder,
    wallet_number,
)

TAKEOVER_SECONDS = 3.0
END_SECONDS = 5.0


@pytest.fixture
def service(sessions: sessionmaker[Session], tmp_path: Path) -> Service:
    settings = read_settings(data_folder=tmp_path, token_secret="0123456789abcdef" * 4)
    return build_service(settings, load_network("anvil"), sessions)


@contextmanager
def at_work(
    service: Service, chain: ScriptedChain, database: Engine, *, ends_well: bool = True
) -> Iterator[Jobs]:
    """Run the jobs in a thread."""
    following = follower(chain, service.sessions, may_undo_final=True)
    jobs = Jobs(service, following, Leadership(database, Role.JOBS), poll_seconds=0.05)
    ended: list[bool] = []
    thread = threading.Thread(target=lambda: ended.append(jobs.run()))
    thread.start()
    try:
        yield jobs
    finally:
        jobs.stop()
        thread.join(30)
    assert ended == [ends_well]


def long_chain(blocks: int = 30) -> ScriptedChain:
    chain = ScriptedChain()
    for _ in range(blocks):
        chain.mine()
    return chain


def followed_to(service: Service) -> int:
    health = service.accounts.health()
    return -1 if health is None else health.head_number


def test_the_leader_follows_to_the_head_and_goes_on_as_it_moves(service: Service, database: Engine) -> None:
    chain = long_chain(30)
    with at_work(service, chain, database):
        until(lambda: followed_to(service) == 30)
        chain.mine()
        until(lambda: followed_to(service) == 31)
        chain.drop(5)
        for _ in range(6):
            chain.mine()
        until(lambda: followed_to(service) == 32)


def test_what_a_dead_leader_left_is_done_at_once(service: Service, database: Engine) -> None:
    owner = holder(service.sessions, diem=USD)
    hold = service.spend.hold(owner.gateway_id, owner.request(1_000, ttl=1)).hold
    service.sign_in.nonce()
    service.clock.jump_to(GENESIS_TIME)
    with at_work(service, long_chain(), database):
        until(lambda: count(database, "SELECT count(*) FROM holds WHERE state = 'expired'") == 1, seconds=4)
        until(lambda: count(database, "SELECT count(*) FROM nonces") == 0, seconds=4)
        until(lambda: count(database, "SELECT sum(expired) FROM buckets") == USD, seconds=4)
    assert service.spend.read(owner.gateway_id, hold.id).hold.state == "expired"
    assert_books_close(service.sessions)


def test_the_sweep_grants_to_who_never_asked(service: Service, database: Engine) -> None:
    chain = ScriptedChain()
    right = (wallet_number(7), epoch_at(GENESIS_TIME), Wei(2 * DIEM), Wei(DIEM))
    chain.mine(lambda at: AllowanceChanged(at, *right))
    service.clock.jump_to(NOON)
    with at_work(service, chain, database):
        until(lambda: followed_to(service) == 1)
    with at_work(service, chain, database):
        until(lambda: count(database, "SELECT coalesce(sum(granted), 0) FROM buckets") == 2 * USD, seconds=4)


def count(database: Engine, query: str) -> int:
    with database.connect() as connection:
        return int(connection.execute(text(query)).scalar_one() or 0)


# --- what fails -------------------------------------------------------------------------------------------


@dataclass
class FaultyChain(ScriptedChain):
    """A chain whose node fails for a while."""

    fault: Exception | None = None

    def head(self) -> Header:
        if self.fault is not None:
            raise self.fault
        return super().head()


def test_a_node_that_fails_is_logged_and_told_by_health_and_forgotten_when_it_is_back(
    service: Service, database: Engine
) -> None:
    chain = FaultyChain()
    chain.mine(at=service.clock.now())
    with capture_logs() as logs, at_work(service, chain, database):
        until(lambda: followed_to(service) == 1)
        chain.fault = NodeUnavailable(method="eth_getBlockByNumber", reason="told by a test")
        assert "told by a test" in until(lambda: problem(service))
        assert any("told by a test" in reason for reason in reasons(service))
        chain.fault = None
        until(lambda: problem(service) == "")
        assert reasons(service) == []
    failed = [each for each in logs if each["event"] == "job_failed"]
    assert failed[0] | {"log_level": "warning", "job": "follow"} == failed[0]


def test_a_bug_in_one_job_is_logged_without_a_value_and_stops_no_other(
    service: Service, database: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    chain = FaultyChain(fault=KeyError("telltale"))
    owner = holder(service.sessions, diem=USD)
    service.spend.hold(owner.gateway_id, owner.request(1_000, ttl=1))
    service.clock.jump_to(service.clock.now() + 2)
    with caplog.at_level(logging.WARNING), capture_logs() as logs, at_work(service, chain, database):
        until(lambda: count(database, "SELECT count(*) FROM holds WHERE state = 'expired'") == 1)
        until(lambda: any(each["event"] == "job_failed" for each in logs))
    failed = next(each for each in logs if each["event"] == "job_failed")
    assert failed["reason"] == "KeyError"
    assert any("follow" in place for place in failed["where"])
    assert "telltale" not in str(logs) + caplog.text


def problem(service: Service) -> str:
    health = service.accounts.health()
    return "" if health is None else health.problem or ""


def reasons(service: Service) -> list[str]:
    return service.readiness.reasons(service.accounts.health())


def test_a_leader_that_loses_its_connection_ends_and_says_so(service: Service, database: Engine) -> None:
    with capture_logs() as logs, at_work(service, long_chain(), database, ends_well=False):
        until(lambda: count(database, LEADERS) == 1)
        count(database, END_LEADERS)
        until(lambda: any(each["event"] == "leadership_lost" for each in logs))


def test_one_that_waits_and_loses_its_connection_ends_and_says_so(service: Service, database: Engine) -> None:
    leading = Leadership(database, Role.JOBS)
    assert leading.is_taken()
    with capture_logs() as logs, at_work(service, long_chain(), database, ends_well=False):
        until(lambda: any(each["event"] == "waiting_for_leadership" for each in logs))
        count(
            database,
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        until(lambda: any(each["event"] == "database_unavailable" for each in logs))
    leading.give_up()


_LEADERS = """
FROM pg_locks
WHERE locktype = 'advisory' AND granted AND classid = 0
  AND objid = (7203115) AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
LEADERS = f"SELECT count(*) {_LEADERS}"
END_LEADERS = f"SELECT count(pg_terminate_backend(pid)) {_LEADERS}"


def test_a_signal_that_comes_in_the_middle_of_the_wait_does_not_lock_the_process_up(
    service: Service, database: Engine
) -> None:
    jobs = Jobs(service, follower(long_chain(), service.sessions), Leadership(database, Role.JOBS), 0.05)

    def as_a_handler_would() -> None:
        with jobs._stop._cond:
            jobs.stop()

    handler = threading.Thread(target=as_a_handler_would, daemon=True)
    handler.start()
    handler.join(5)
    assert not handler.is_alive()
    until(jobs._stop.is_set, seconds=5)


# --- real processes ---------------------------------------------------------------------------------------


@contextmanager
def process(database: Engine, folder: Path, name: str) -> Iterator[Running]:
    log = folder / f"{name}.log"
    with log.open("ab") as file:
        started = subprocess.Popen(
            [sys.executable, "-m", "tests.stack.jobs_process", address_of(database.url), str(folder)],
            stdout=file,
            stderr=subprocess.STDOUT,
            env=environment(),
            cwd=ROOT,
        )
    try:
        yield Running(started, log)
    finally:
        started.kill()
        started.wait()


def test_one_process_leads_and_another_takes_over_within_3_seconds_of_a_kill(
    database: Engine, tmp_path: Path
) -> None:
    with process(database, tmp_path, "first") as first, process(database, tmp_path, "second") as second:
        both = (first, second)
        until(lambda: sum('"leading"' in each.text for each in both) == 1)
        leader, waiting = both if '"leading"' in first.text else reversed(both)
        waiting.says('"waiting_for_leadership"')
        assert '"leading"' not in waiting.text
        leader.send(signal.SIGKILL)
        killed_at = time.monotonic()
        waiting.says('"leading"')
        assert time.monotonic() - killed_at < TAKEOVER_SECONDS
        waiting.send(signal.SIGTERM)
        assert waiting.ends(seconds=END_SECONDS) == 0
        for line in waiting.text.splitlines():
            assert json.loads(line)["timestamp"].endswith("Z")


def test_one_that_waits_for_leadership_ends_at_once_when_it_is_asked_to(
    database: Engine, tmp_path: Path
) -> None:
    leading = Leadership(database, Role.JOBS)
    assert leading.is_taken()
    with process(database, tmp_path, "waiting") as waiting:
        waiting.says('"waiting_for_leadership"')
        waiting.send(signal.SIGTERM)
        assert waiting.ends(seconds=END_SECONDS) == 0
    leading.give_up()


def test_two_processes_that_start_at_once_agree_on_one_schema_and_one_leader(
    database: Engine, tmp_path: Path
) -> None:
    with database.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    with process(database, tmp_path, "first") as first, process(database, tmp_path, "second") as second:
        until(lambda: '"leading"' in first.text or '"leading"' in second.text)
        until(lambda: '"waiting_for_leadership"' in first.text or '"waiting_for_leadership"' in second.text)
        assert "Traceback" not in first.text + second.text
