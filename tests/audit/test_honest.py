"""What was written honestly is found to be clean, however many wrote it and whatever became of them."""

import random
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
from alembic import command
from sqlalchemy import Engine, text

from entitlement.audit.journal import audit
from entitlement.core.epochs import Epoch, epoch_at
from entitlement.core.ledger import Source
from entitlement.store import schema
from entitlement.store.clock import service_time
from entitlement.store.entry_batches import heads
from tests.audit.support import Sessions, address, lived, spend
from tests.support import grant, holder

ROOT = Path(__file__).parents[2]


def test_an_empty_journal_is_clean(sessions: Sessions) -> None:
    report = audit(address(sessions))
    assert (report.findings, report.entries, report.batches, report.heads) == ([], 0, 0, [])


@pytest.mark.parametrize("processes", [1, 2])
def test_what_many_wrote_at_once_is_clean_and_whole(sessions: Sessions, processes: int) -> None:
    lived(sessions, 3, users=4, groups=10, threads=6)
    told: list[tuple[int, int]] = []
    report = audit(address(sessions), processes=processes, told=lambda done, of: told.append((done, of)))
    assert report.findings == []
    with sessions.begin() as session:
        there_are = session.execute(text("SELECT count(*), count(DISTINCT lane) FROM entries")).one()
        newest = heads(session)
    assert report.entries == there_are[0]
    assert told[-1] == (report.entries, report.entries)
    assert len(report.heads) == there_are[1]
    assert [(each.lane, each.number, each.hash) for each in report.heads] == [
        (each.lane, each.number, each.hash) for each in newest
    ]


def test_writers_at_once_take_lanes_of_their_own_and_wait_for_nobody(sessions: Sessions) -> None:
    users = [holder(sessions, number=number) for number in range(1, 5)]
    with sessions() as first, sessions() as second:
        for session, user in ((first, users[0]), (second, users[1])):
            session.execute(text("SET LOCAL lock_timeout = '1s'"))
            session.execute(text("SELECT 1 FROM accounts WHERE id = :id FOR UPDATE"), {"id": user.account_id})
        taken = [
            session.execute(text("SELECT lane FROM take_lane()")).scalar() for session in (first, second)
        ]
        again = first.execute(text("SELECT lane FROM take_lane()")).scalar()
        grant(sessions, users[2].account_id, Source.PREPAID, 5)
        first.rollback()
        grant(sessions, users[3].account_id, Source.PREPAID, 5)
    assert (taken, again) == ([0, 1], 0)
    with sessions.begin() as session:
        assert [each.lane for each in heads(session)] == [0, 2]
    assert audit(address(sessions)).findings == []


def test_days_of_several_weeks_in_one_batch_are_clean(sessions: Sessions) -> None:
    alice = holder(sessions, diem=100)
    with sessions.begin() as session:
        today = epoch_at(service_time(session))
    for days in (1, 7, 15):
        grant(sessions, alice.account_id, Source.DIEM, 100, epoch=Epoch(today + days))
    spend(sessions, alice, random.Random(1), groups=3)
    assert audit(address(sessions)).findings == []


def test_what_was_booked_before_the_chain_is_part_of_it(database: Engine, sessions: Sessions) -> None:
    lived(sessions, 5, groups=90)
    with database.begin() as connection:
        command.downgrade(schema._config(connection), "0007")
    schema.migrate(database)
    report = audit(address(sessions))
    assert report.findings == []
    assert [each.lane for each in report.heads] == [0]
    assert report.batches == report.heads[0].number == -(-report.entries // 1_000) > 1
    grant(sessions, 1, Source.PREPAID, 1_000_000)
    assert audit(address(sessions)).findings == []


KILLED = """
import random, sys
from entitlement.store.server import database_url, engine
from entitlement.store.session import session_factory
from tests.audit.support import spend
from tests.support import holder
sessions = session_factory(engine(database_url(sys.argv[1])))
user = holder(sessions, prepaid=10**9, number=int(sys.argv[2]))
print("ready", flush=True)
spend(sessions, user, random.Random(int(sys.argv[2])), groups=10**6)
"""


def test_processes_that_are_killed_while_they_write_leave_it_clean(sessions: Sessions) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", KILLED, address(sessions), str(number)],
            stdout=subprocess.PIPE,
            cwd=ROOT,
        )
        for number in (1, 2)
    ]
    try:
        for each in writers:
            assert each.stdout is not None
            assert each.stdout.readline() == b"ready\n"
        while count(sessions) < 60:
            time.sleep(0.02)
        during = audit(address(sessions))
    finally:
        for each in writers:
            each.kill()
            each.communicate()
    assert during.findings == []
    report = audit(address(sessions))
    assert report.findings == []
    assert report.entries >= during.entries >= 60


def count(sessions: Sessions) -> int:
    with sessions.begin() as session:
        return int(session.execute(text("SELECT count(*) FROM entries")).scalar_one())


def test_since_a_day_only_what_was_written_from_then_on_is_read(sessions: Sessions) -> None:
    lived(sessions, 6, groups=3)
    before = count(sessions)
    with sessions.begin() as session:
        today = epoch_at(service_time(session))
        session.execute(text("UPDATE clock SET shift_seconds = shift_seconds + 86400"))
    grant(sessions, 1, Source.PREPAID, 1_000_000)
    report = audit(address(sessions), since=today + 1)
    assert (report.findings, report.entries, report.batches) == ([], 1, 1)
    assert audit(address(sessions), since=today).entries == before + 1
    with psycopg.connect(address(sessions)) as connection:
        connection.execute("ALTER TABLE journal_batches DISABLE TRIGGER ALL")
        connection.execute(
            "UPDATE journal_batches SET hash = decode(repeat('11', 32), 'hex') WHERE number = 1"
        )
    assert audit(address(sessions), since=today + 1).findings == []
    assert len(audit(address(sessions)).findings) == 2
