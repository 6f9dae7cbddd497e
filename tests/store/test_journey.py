"""Statements that travel together: their answers, their failures, and what is left of either."""

import psycopg
import pytest
from psycopg import pq
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session, sessionmaker

from entitlement.store import journey, server
from entitlement.store.books import PLANS
from entitlement.store.journey import Journey
from entitlement.store.raw import driver_of
from entitlement.store.session import session_factory

SQUARE = "SELECT %s::bigint * %s::bigint"


@pytest.fixture(autouse=True)
def table(database: Engine) -> None:
    with database.begin() as connection:
        connection.execute(text("CREATE TABLE IF NOT EXISTS pebbles (number bigint PRIMARY KEY)"))
        connection.execute(text("TRUNCATE pebbles"))


def pebbles(sessions: sessionmaker[Session]) -> list[int]:
    with sessions.begin() as session:
        return list(session.scalars(text("SELECT number FROM pebbles ORDER BY number")))


def put(trip: Journey, number: object) -> None:
    trip.ask("INSERT INTO pebbles VALUES (%s)", [str(number)])


def test_each_statement_gets_its_own_answer_also_when_it_comes_twice(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        trip = Journey(driver_of(session))
        for _ in range(2):
            asked = [trip.ask(SQUARE, [number, number]) for number in range(5)]
            nothing = trip.ask("SELECT 1 WHERE false")
            mixed = trip.ask("SELECT %s::text, %s::bigint, NULL::text, 'x'::bytea", ['ä%s{,"', None])
            trip.go()
            assert [answer.one()[0] for answer in asked] == [0, 1, 4, 9, 16]
            assert nothing.rows == []
            assert mixed.one() == ('ä%s{,"', None, None, b"x")


def test_what_is_planned_by_key_takes_no_plan_made_otherwise(
    sessions: sessionmaker[Session],
) -> None:
    """A plan made in some other way reads all rows, and is kept with the statement for whoever asks next."""
    find = "SELECT number FROM pebbles WHERE number = %s::bigint"

    def how(session: Session, *, by_key: bool) -> str:
        connection = driver_of(session)
        trip = Journey(connection, by_key=by_key)
        trip.ask(find, [3])
        trip.go()
        name = journey._prepared[connection][find, by_key]  # pyright: ignore[reportPrivateUsage]
        found = connection.pgconn.exec_(b"EXPLAIN EXECUTE " + name + b"(3)").get_value(0, 0)
        assert found is not None
        return found.decode()

    with sessions.begin() as session:
        session.execute(text("SET LOCAL plan_cache_mode = force_generic_plan"))
        for kind in ("indexscan", "indexonlyscan", "bitmapscan"):
            session.execute(text(f"SET LOCAL enable_{kind} = off"))
        assert how(session, by_key=False).startswith("Seq Scan on pebbles")
    with sessions.begin() as session:
        session.execute(text(PLANS))
        assert how(session, by_key=False).startswith("Seq Scan on pebbles")
        assert how(session, by_key=True).startswith("Index Only Scan")


def test_a_journey_is_in_the_sessions_transaction(sessions: sessionmaker[Session]) -> None:
    with sessions() as session:
        trip = Journey(driver_of(session))
        put(trip, 1)
        trip.go()
        assert list(session.scalars(text("SELECT number FROM pebbles"))) == [1]
        put(trip, 2)
        trip.go()
        session.rollback()
    assert pebbles(sessions) == []
    with sessions.begin() as session:
        session.execute(text("INSERT INTO pebbles VALUES (3)"))
        trip = Journey(driver_of(session))
        put(trip, 4)
        trip.go()
    assert pebbles(sessions) == [3, 4]


def test_one_failure_undoes_all_and_the_connection_goes_on(sessions: sessionmaker[Session]) -> None:
    with sessions() as session:
        for number in range(3):
            connection = driver_of(session)
            trip = Journey(connection)
            put(trip, number)
            put(trip, number)
            trip.ask(f"SELECT {number}")  # a text that is prepared after the failure
            with pytest.raises(psycopg.errors.UniqueViolation, match="pebbles_pkey"):
                trip.go()
            session.rollback()
            assert connection.pgconn.pipeline_status == pq.PipelineStatus.OFF
        trip = Journey(driver_of(session))
        answer = trip.ask("SELECT 2")
        trip.go()
        assert answer.one() == (2,)
    assert pebbles(sessions) == []


def test_rollbacks_do_not_take_away_what_was_prepared(sessions: sessionmaker[Session]) -> None:
    with sessions() as session:
        for _ in range(3):
            trip = Journey(driver_of(session))
            # Often enough for a driver that prepares by itself, and would forget all at the rollback.
            for _ in range(10):
                session.execute(text("SELECT number FROM pebbles"))
            answer = trip.ask(SQUARE, [3, 3])
            trip.go()
            assert answer.one() == (9,)
            session.rollback()


def test_more_than_fits_into_the_sockets_both_ways(sessions: sessionmaker[Session]) -> None:
    large = "x" * 3_000_000
    with sessions.begin() as session:
        trip = Journey(driver_of(session))
        asked = [trip.ask("SELECT %s::text || %s::text", [large, number]) for number in range(4)]
        trip.go()
        assert [answer.one()[0] == f"{large}{number}" for number, answer in enumerate(asked)] == [True] * 4


def test_a_lost_server_is_an_error_of_the_connection(sessions: sessionmaker[Session]) -> None:
    with sessions() as session:
        connection = driver_of(session)
        trip = Journey(connection)
        trip.ask("SELECT pg_terminate_backend(pg_backend_pid())")
        trip.ask("SELECT 1")
        with pytest.raises(psycopg.OperationalError):
            trip.go()
        assert connection.closed
        session.invalidate()


def test_who_is_interrupted_leaves_no_connection_with_anothers_answers(
    sessions: sessionmaker[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    with sessions() as session:
        connection = driver_of(session)
        trip = Journey(connection)
        put(trip, 1)
        monkeypatch.setattr(journey, "_receive", interrupted)
        with pytest.raises(KeyboardInterrupt):
            trip.go()
        assert connection.closed
        session.invalidate()
    monkeypatch.undo()
    assert pebbles(sessions) == []


def test_nothing_asked_is_no_journey(sessions: sessionmaker[Session]) -> None:
    with sessions() as session:
        connection = driver_of(session)
        Journey(connection).go()
        assert connection.info.transaction_status == pq.TransactionStatus.IDLE


def test_what_is_left_for_the_commit_is_there_with_it_and_not_before(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        trip = Journey(driver_of(session))
        put(trip, 1)
        trip.leave()
        assert list(session.scalars(text("SELECT number FROM pebbles"))) == []
    assert pebbles(sessions) == [1]


def test_what_is_left_begins_a_transaction_where_none_is(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        trip = Journey(driver_of(session))
        put(trip, 1)
        trip.leave()
    assert pebbles(sessions) == [1]
    with sessions.begin() as session:
        assert driver_of(session).info.transaction_status == pq.TransactionStatus.IDLE


def test_what_was_left_is_forgotten_at_a_rollback(sessions: sessionmaker[Session]) -> None:
    with sessions() as session:
        trip = Journey(driver_of(session))
        put(trip, 1)
        trip.leave()
        session.rollback()
        session.execute(text("INSERT INTO pebbles VALUES (2)"))
        session.commit()
    assert pebbles(sessions) == [2]


def test_what_fails_of_what_was_left_is_an_error_of_the_commit_and_undoes_all(
    sessions: sessionmaker[Session],
) -> None:
    with sessions() as session:
        session.execute(text("INSERT INTO pebbles VALUES (1)"))
        trip = Journey(driver_of(session))
        put(trip, 2)
        put(trip, 2)
        trip.leave()
        with pytest.raises(IntegrityError, match="pebbles_pkey") as refused:
            session.commit()
        session.rollback()
        assert isinstance(refused.value.orig, psycopg.errors.UniqueViolation)
    assert pebbles(sessions) == []


def test_a_server_lost_at_the_commit_is_an_error_of_the_connection(sessions: sessionmaker[Session]) -> None:
    with sessions() as session:
        trip = Journey(driver_of(session))
        trip.ask("SELECT pg_terminate_backend(pg_backend_pid())")
        put(trip, 1)
        trip.leave()
        with pytest.raises(OperationalError) as lost:
            session.commit()
        assert lost.value.connection_invalidated
        session.rollback()
    assert pebbles(sessions) == []


def test_a_connection_that_ended_while_nobody_used_it_is_made_anew(database: Engine) -> None:
    sessions = session_factory(database)
    with sessions.begin() as session:
        ended = session.scalars(text("SELECT pg_backend_pid()")).one()
    with database.connect() as held, database.connect() as other:
        pids = {each.execute(text("SELECT pg_backend_pid()")).scalar_one(): each for each in (held, other)}
        assert ended in pids
        idle = pids[ended]
        idle.close()
        [killer] = [each for pid, each in pids.items() if pid != ended]
        killer.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": ended})
        with sessions.begin() as session:
            assert session.scalars(text("SELECT pg_backend_pid()")).one() != ended


def test_a_connection_that_was_quiet_for_long_is_asked_whether_it_lives(
    database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    def answers(connection: object) -> bool:
        asked.append(connection)
        return True

    monkeypatch.setattr(server, "_answers", answers)
    for _ in range(2):
        with database.connect():
            pass
    assert asked == []
    monkeypatch.setattr(server, "QUIET_SECONDS", -1.0)
    with database.connect():
        pass
    assert len(asked) == 1
