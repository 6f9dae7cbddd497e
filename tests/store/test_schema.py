import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Engine, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.epochs import epoch_at
from entitlement.core.units import NanoUsd
from entitlement.flows.spend_credit import SpendCredit
from entitlement.store import clock, schema, weeks
from entitlement.store.revision import is_current, newest_revision
from tests.support import assert_books_close, holder

Sessions = sessionmaker[Session]


def test_the_migrations_make_exactly_the_tables_that_are_declared(database: Engine) -> None:
    with database.begin() as connection:
        schema.check(connection)
        assert is_current(connection)


def test_the_newest_revision_is_the_one_that_alembic_ends_at(database: Engine) -> None:
    with database.begin() as connection:
        config = schema._config(connection)
        assert newest_revision() == ScriptDirectory.from_config(config).get_current_head()
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
        assert not is_current(connection)
        connection.execute(text("DROP TABLE alembic_version"))
        assert not is_current(connection)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET epoch = 0",
        "DELETE FROM entries",
        "TRUNCATE entries",
        "UPDATE entries_{week} SET amounts = '{{1}}'",
        "DELETE FROM entries_{week}",
        "TRUNCATE entries_{week}",
    ],
)
def test_the_journal_can_be_neither_changed_nor_deleted(sessions: Sessions, statement: str) -> None:
    holder(sessions, diem=100)
    with sessions.begin() as session:
        week = weeks.week_of(epoch_at(clock.service_time(session)))
    with pytest.raises(DBAPIError, match="is append-only"), sessions.begin() as session:
        session.execute(text(statement.format(week=week)))


@pytest.mark.parametrize("table", ["accounts", "api_keys", "gateways"])
@pytest.mark.parametrize(
    "statement",
    ["DELETE FROM {}", "TRUNCATE {} CASCADE", "UPDATE {} SET id = id", "DELETE FROM {} WHERE false"],
)
def test_what_holds_name_is_never_removed(sessions: Sessions, table: str, statement: str) -> None:
    holder(sessions, diem=100)
    with pytest.raises(DBAPIError, match="is never removed or renumbered"), sessions.begin() as session:
        session.execute(text(statement.format(table)))


def test_the_migrations_can_be_undone_and_done_again(database: Engine) -> None:
    with database.begin() as connection:
        command.downgrade(schema._config(connection), "base")
        left = connection.execute(
            text("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace")
        )
        assert left.scalar_one() <= 2, "only Alembic's own table and its index"
    schema.migrate(database)
    with database.begin() as connection:
        schema.check(connection)


def test_a_chain_that_was_followed_before_goes_on_after_the_migration(database: Engine) -> None:
    with database.begin() as connection:
        command.downgrade(schema._config(connection), "0001")
        connection.execute(
            text(
                "INSERT INTO chain_state VALUES "
                "(true, 31337, 0, '0x0', 9, '0x9', 900, 5, '0x5', 500, 9, 1000, NULL)"
            )
        )
    schema.migrate(database)
    with database.begin() as connection:
        schema.check(connection)
        kept = connection.execute(
            text("SELECT node_timestamp, moved_at, granting_stopped, check_failed FROM chain_state")
        )
        assert kept.one() == (900, 1000, None, None)


MIGRATES = """
import sys
from entitlement.store.schema import migrate
from entitlement.store.server import database_url, engine
migrate(engine(database_url(sys.argv[1])))
"""


def test_programs_that_migrate_an_empty_database_at_once_all_succeed(postgres: URL) -> None:
    admin = create_engine(postgres, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text("CREATE DATABASE migrated_at_once"))
    url = postgres.set(database="migrated_at_once")
    address = url.render_as_string(hide_password=False)
    programs = [
        subprocess.Popen([sys.executable, "-c", MIGRATES, address], stderr=subprocess.PIPE) for _ in range(3)
    ]
    failures = [program.communicate(timeout=120)[1].decode() for program in programs]
    assert [program.returncode for program in programs] == [0, 0, 0], failures
    migrated = create_engine(url)
    with migrated.begin() as connection:
        assert is_current(connection)
    migrated.dispose()
    with admin.connect() as connection:
        connection.execute(text("DROP DATABASE migrated_at_once WITH (FORCE)"))
    admin.dispose()


def test_a_migration_waits_while_another_program_migrates(database: Engine) -> None:
    with ThreadPoolExecutor(1) as pool, database.begin() as other:
        other.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": schema._LOCK})
        migrating = pool.submit(schema.migrate, database)
        with pytest.raises(TimeoutError):
            migrating.result(timeout=0.5)
        other.rollback()
        migrating.result(timeout=60)


def test_a_database_that_nobody_migrated_is_not_current(postgres: URL) -> None:
    plain = create_engine(postgres)
    with plain.begin() as connection:
        assert not is_current(connection)
    plain.dispose()


@pytest.mark.parametrize("at_midnight", [False, True])
def test_the_clock_is_the_moment_of_the_question_and_not_the_transactions(
    sessions: Sessions, *, at_midnight: bool
) -> None:
    with sessions.begin() as session:
        before = clock.service_time(session)
        if at_midnight:
            clock.set_shift(session, 86_400)
        session.execute(text("SELECT pg_sleep(1.1)"))
        assert clock.service_time(session) > before + (86_400 if at_midnight else 0)


JOURNAL = "SELECT key, line, bucket_id, source, target, amount FROM journal ORDER BY key, line"


def test_what_was_booked_before_the_migration_is_there_after_it(database: Engine, sessions: Sessions) -> None:
    alice = holder(sessions, diem=100, prepaid=50)
    spend = SpendCredit(sessions)
    held = spend.hold(alice.gateway_id, alice.request(120)).hold
    spend.capture(alice.gateway_id, held.id, NanoUsd(110), None)
    open_ = spend.hold(alice.gateway_id, alice.request(20, "r2")).hold
    with database.begin() as connection:
        before = connection.execute(text(JOURNAL)).all()
        command.downgrade(schema._config(connection), "0004")
    schema.migrate(database)
    with database.begin() as connection:
        after = connection.execute(text(JOURNAL)).all()
        used = connection.execute(text("SELECT hold_id, diem, usd FROM usage")).all()
    assert after == before
    assert [tuple(row) for row in used] == [(held.id, 100, 10)]
    assert_books_close(sessions)
    answer = SpendCredit(sessions).release(alice.gateway_id, open_.id)
    assert answer.balance.held == 0
