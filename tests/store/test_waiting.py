"""Who waits for the database: a flow in an event loop, which holds nobody else up, or one with other work."""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import pytest
import uvloop
from sqlalchemy import Engine, text
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.orm import Session, sessionmaker

from entitlement.store.bulk import copying_rows
from entitlement.store.journey import Journey
from entitlement.store.raw import CarryingConnection, driver_of
from entitlement.store.server import engine
from entitlement.store.session import session_factory
from entitlement.store.waiting import in_loop, meanwhile

Run = Callable[[Coroutine[Any, Any, Any]], Any]
LONG = 0.3
"""Seconds that something takes; a loop that goes on turns dozens of times meanwhile."""


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    def run_it(work: Coroutine[Any, Any, Any]) -> object:
        with asyncio.Runner(loop_factory=request.param) as runner:
            return runner.run(work)

    return run_it


async def turns_during(work: Coroutine[Any, Any, Any]) -> tuple[int, Any]:
    """Return how often the loop turned before `work` was done, and what came of it."""
    task, turns = asyncio.create_task(work), 0
    while not task.done():
        await asyncio.sleep(0.005)
        turns += 1
    return turns, task.result()


def double(sessions: sessionmaker[Session], number: int, seconds: float = 0.0) -> int:
    with sessions.begin() as session:
        trip = Journey(driver_of(session))
        trip.ask("SELECT pg_sleep(%s::double precision)", [str(seconds)])
        found = trip.ask("SELECT 2 * %s::bigint", [number])
        trip.go()
        return found.one()[0]


def slow_for_the_driver(sessions: sessionmaker[Session]) -> int:
    with sessions.begin() as session:
        return session.execute(text("SELECT 7 FROM pg_sleep(:long)"), {"long": LONG}).scalar_one()


def test_the_loop_goes_on_while_a_journey_is_under_way(sessions: sessionmaker[Session], run: Run) -> None:
    turns, found = run(turns_during(in_loop(double, sessions, 21, LONG)))
    assert found == 42
    assert turns > 10


def test_the_loop_goes_on_while_the_driver_waits(sessions: sessionmaker[Session], run: Run) -> None:
    turns, found = run(turns_during(in_loop(slow_for_the_driver, sessions)))
    assert found == 7
    assert turns > 10


def test_the_loop_goes_on_while_a_connection_is_made(
    database: Engine, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = CarryingConnection.connect

    def slowly(*given: str, **named: str) -> CarryingConnection:
        time.sleep(LONG)
        return connect(*given, **named)  # pyright: ignore[reportArgumentType] - the pool's own

    fresh = engine(database.url)
    monkeypatch.setattr(CarryingConnection, "connect", slowly)
    turns, found = run(turns_during(in_loop(double, session_factory(fresh), 4)))
    fresh.dispose()
    assert found == 8
    assert turns > 10


def test_flows_of_one_loop_get_their_own_answers(sessions: sessionmaker[Session], run: Run) -> None:
    double(sessions, 1)

    async def many() -> list[int]:
        return await asyncio.gather(*(in_loop(double, sessions, n, 0.02 * (n % 3)) for n in range(12)))

    assert run(many()) == [2 * n for n in range(12)]


def test_more_than_fits_into_the_sockets_both_ways(sessions: sessionmaker[Session], run: Run) -> None:
    def echo() -> list[str]:
        with sessions.begin() as session:
            trip = Journey(driver_of(session))
            found = [trip.ask("SELECT %s::text", [str(n) * 1_000_000]) for n in range(8)]
            trip.go()
            return [each.one()[0] for each in found]

    assert run(in_loop(echo)) == [str(n) * 1_000_000 for n in range(8)]


def test_a_flow_that_is_given_up_leaves_no_connection_with_its_answers(
    sessions: sessionmaker[Session], run: Run
) -> None:
    async def give_up() -> int:
        task = asyncio.create_task(in_loop(double, sessions, 3, 5.0))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return await in_loop(double, sessions, 4)

    started = time.monotonic()
    assert run(give_up()) == 8
    assert time.monotonic() - started < 4, "what was given up was waited for"


def test_a_server_that_goes_away_is_an_error_as_in_a_thread(
    database: Engine, sessions: sessionmaker[Session], run: Run
) -> None:
    def lose_it() -> None:
        with database.begin() as connection:
            connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE query LIKE 'SELECT 7 FROM%' AND datname = current_database()"
                )
            )

    async def lost() -> int:
        threading.Timer(0.2, lose_it).start()
        with pytest.raises(OperationalError):
            await in_loop(slow_for_the_driver, sessions)
        return await in_loop(double, sessions, 5)

    assert run(lost()) == 10


def test_a_flow_in_a_thread_waits_as_ever(sessions: sessionmaker[Session], run: Run) -> None:
    turns, found = run(turns_during(asyncio.to_thread(double, sessions, 5, LONG)))
    assert found == 10
    assert turns > 10


def test_other_work_is_done_while_the_driver_waits(sessions: sessionmaker[Session]) -> None:
    pieces = Pieces(10**9)
    with meanwhile(pieces.do), sessions.begin() as session:
        assert session.execute(text("SELECT 7 FROM pg_sleep(:long)"), {"long": LONG}).scalar_one() == 7
        done = pieces.done
    assert done > 100, "a piece takes no time at all"
    with sessions.begin() as session:
        before = pieces.done
        session.execute(text("SELECT pg_sleep(0.01)"))
    assert pieces.done == before, "only in the block"


def test_work_that_comes_later_is_noticed_and_none_costs_no_processor(
    sessions: sessionmaker[Session],
) -> None:
    """Whoever fetches may be done while the database still works."""
    pieces = Pieces(0)
    threading.Timer(LONG / 3, pieces.give, [50]).start()
    began, processor = time.monotonic(), time.thread_time()
    with meanwhile(pieces.do), sessions.begin() as session:
        session.execute(text("SELECT pg_sleep(:long)"), {"long": LONG})
        assert pieces.done == 50
    assert time.monotonic() - began >= LONG
    assert time.thread_time() - processor < LONG / 2, "it sleeps where there is nothing to do"


def test_everything_the_driver_does_comes_out_the_same(sessions: sessionmaker[Session]) -> None:
    """A COPY larger than the socket takes at once, a large answer, an error, and a lost connection."""
    pieces, long_word = Pieces(10**9), "x" * 5_000_000
    with meanwhile(pieces.do):
        with sessions.begin() as session:
            session.execute(text("CREATE TEMPORARY TABLE copied (word text)"))
            with copying_rows(session, "copied", ["word"], (f"{long_word}\n" for _ in range(3))):
                pass
            found = session.execute(text("SELECT word FROM copied")).scalars().all()
            assert found == [long_word] * 3
        with pytest.raises(DataError, match="division by zero"), sessions.begin() as session:
            session.execute(text("SELECT 1 / 0"))
        with sessions.begin() as session:
            assert session.execute(text("SELECT 1")).scalar_one() == 1
        with pytest.raises(OperationalError), sessions.begin() as session:
            session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        with sessions.begin() as session:
            assert session.execute(text("SELECT 2")).scalar_one() == 2
    assert pieces.done


def test_who_interrupts_other_work_interrupts_the_question(sessions: sessionmaker[Session]) -> None:
    def interrupt() -> bool:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), meanwhile(interrupt), sessions.begin() as session:
        session.execute(text("SELECT pg_sleep(60)"))
    with sessions.begin() as session:
        assert session.execute(text("SELECT 3")).scalar_one() == 3
        running = text("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(60%'")
        until(lambda: session.execute(running).scalar_one() == 0)


@dataclass
class Pieces:
    """Other work, and how much of it was done."""

    left: int
    done: int = 0

    def give(self, more: int) -> None:
        self.left += more

    def do(self) -> bool:
        if not self.left:
            return False
        self.left -= 1
        self.done += 1
        return True


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)
