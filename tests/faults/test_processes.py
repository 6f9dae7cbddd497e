"""Followers that are killed, two at once, a database that is stopped in the middle, a disk that is full."""

import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Self

import psutil
import pytest
from sqlalchemy import URL, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.errors import ChainError
from entitlement.flows.follow_chain import FollowChain
from entitlement.store.schema import migrate
from entitlement.store.server import EmbeddedPostgres, engine
from entitlement.store.session import session_factory
from tests.faults.follower_process import following, started
from tests.faults.moving import FINAL_AFTER, Moving, assert_no_half_block
from tests.faults.serving import on_a_port
from tests.simulation.replay import Replay
from tests.simulation.truth import assert_agrees_with_the_contracts
from tests.stack.processes import until
from tests.support import catch_up, known

Sessions = sessionmaker[Session]
KILLS = 12


@dataclass
class Looking:
    """A reader that looks again and again, from a thread of its own."""

    sessions: Sessions
    looks: int = 0
    errors: list[BaseException] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._stop.is_set() and not self.errors:
            try:
                assert_no_half_block(self.sessions)
                self.looks += 1
            except DBAPIError:
                continue  # the database is away
            except BaseException as error:  # noqa: BLE001 - handed to the test
                self.errors.append(error)


def test_followers_killed_at_any_moment_and_two_at_once_lose_and_double_nothing(sessions: Sessions) -> None:
    database = sessions.kw["bind"].url
    moving, random = Moving(seed=1), Random(1)
    first = moving.chain.headers_[1].hash
    with on_a_port(moving.node, moving.lock) as url, Looking(sessions) as looking:
        for _ in range(KILLS):
            # No lock between the two: what holds is the comparison of the cursor.
            both = [started(url, database, first, FINAL_AFTER) for _ in range(2)]
            before = cursor(sessions)
            moving.move()
            # So that they are killed at work, and not while they begin.
            until(lambda before=before: cursor(sessions) != before)
            moving.move()
            time.sleep(random.uniform(0, 0.05))
            for process in both:
                process.kill()
            for process in both:
                process.join()
        moving.settle()
        with following(url, database, first, FINAL_AFTER) as follower:
            catch_up(follower)
        until(lambda: looking.looks or looking.errors)
    assert looking.errors == []
    assert known(sessions).head.hash == moving.chain.headers_[-1].hash
    all_is_as_it_should_be(moving, sessions)


def cursor(sessions: Sessions) -> str | None:
    with sessions.begin() as session:
        return session.execute(text("SELECT head_hash FROM chain_state")).scalar_one_or_none()


def all_is_as_it_should_be(moving: Moving, sessions: Sessions) -> None:
    assert_no_half_block(sessions)
    assert_agrees_with_the_contracts(moving.chain, sessions)
    replay = Replay(sessions)
    with (
        on_a_port(moving.node, moving.lock) as url,
        following(url, replay.url, moving.chain.headers_[1].hash, FINAL_AFTER) as follower,
    ):
        catch_up(follower)
    assert replay.differences() == {}
    replay.close()


# --- a database of its own -------------------------------------------------------------------------------


@pytest.fixture
def own_server() -> Iterator[EmbeddedPostgres]:
    """A server with all its flushes, in a folder that its user can reach."""
    folder = Path(tempfile.mkdtemp(prefix="entitlement-faults-"))
    folder.chmod(0o755)
    server = EmbeddedPostgres(folder / "postgres")
    made = create_engine(server.url)
    migrate(made)
    made.dispose()
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


def test_a_database_that_is_stopped_in_mid_step_costs_nothing_but_time(own_server: EmbeddedPostgres) -> None:
    moving = Moving(seed=2)
    first = moving.chain.headers_[1].hash
    sessions = session_factory(engine(own_server.url))
    with (
        on_a_port(moving.node, moving.lock) as url,
        following(url, own_server.url, first, FINAL_AFTER) as follower,
        Looking(sessions) as looking,
    ):
        failed = 0
        for _ in range(3):
            before, stopped = cursor(sessions), threading.Event()
            errors: list[str] = []
            stepping = threading.Thread(target=step_until, args=(follower, moving, stopped, errors))
            stepping.start()
            until(lambda before=before: cursor(sessions) != before)
            stop_at_once(own_server)
            until(lambda errors=errors: errors)
            own_server._server.start()
            stopped.set()
            stepping.join()
            failed += len(errors)
        moving.settle()
        catch_up(follower)
    assert failed >= 3
    assert looking.errors == []
    all_is_as_it_should_be(moving, sessions)
    sessions.kw["bind"].dispose()


def step_until(follower: FollowChain, moving: Moving, stopped: threading.Event, errors: list[str]) -> None:
    while not stopped.is_set():
        try:
            if follower.step().is_caught_up:
                moving.move()
        except ChainError:
            continue
        except DBAPIError as error:
            errors.append(type(error).__name__)
            stopped.wait(0.05)


def stop_at_once(server: EmbeddedPostgres) -> None:
    """As `pg_ctl stop -m immediate`: nothing is finished and nothing written back."""
    process = psutil.Process(server._server.get_pid())
    os.kill(process.pid, signal.SIGQUIT)
    process.wait(30)


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of 8 MB; skips the test where it may not be mounted."""
    folder.mkdir()
    done = subprocess.run(
        ["/bin/mount", "-t", "tmpfs", "-o", "size=8m,mode=777", "tmpfs", str(folder)],
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["/bin/umount", "-l", str(folder)], check=True)


def test_a_full_disk_fails_the_step_whole_and_following_goes_on_when_there_is_room(
    own_server: EmbeddedPostgres,
) -> None:
    moving = Moving(seed=3)
    first = moving.chain.headers_[1].hash
    sessions = session_factory(engine(own_server.url))
    folder = Path(tempfile.mkdtemp(prefix="entitlement-disk-"))
    folder.chmod(0o755)
    with (
        small_disk(folder / "disk") as disk,
        on_a_port(moving.node, moving.lock) as url,
        following(url, own_server.url, first, FINAL_AFTER) as follower,
    ):
        space = disk / "space"
        space.mkdir()
        # The server runs as a user of its own where this is root.
        os.chown(space, own_server._folder.stat().st_uid, -1)
        move_events_to(own_server.url, space)
        follower.step()
        before = assert_no_half_block(sessions)
        filler = disk / "filler"
        with pytest.raises(OSError, match="No space left"):
            fill(filler)
        with pytest.raises(DBAPIError, match="No space left"):
            follow_for_long(moving, follower)
        stopped_at = assert_no_half_block(sessions)
        assert stopped_at >= before
        for _ in range(2):  # and again, as often as it is tried
            with pytest.raises(DBAPIError, match="No space left"):
                catch_up(follower)
            assert assert_no_half_block(sessions) == stopped_at
        filler.unlink()
        moving.settle()
        catch_up(follower)
        assert known(sessions).head.hash == moving.chain.headers_[-1].hash
        all_is_as_it_should_be(moving, sessions)
        sessions.kw["bind"].dispose()
        own_server.stop()
    shutil.rmtree(folder, ignore_errors=True)


def fill(filler: Path) -> None:
    with filler.open("wb", buffering=0) as file:
        while True:  # until there is no room
            file.write(bytes(2**14))


def follow_for_long(moving: Moving, follower: FollowChain) -> None:
    for _ in range(300):
        moving.move(turning=0)
        catch_up(follower)


def move_events_to(url: URL, disk: Path) -> None:
    made = create_engine(url, isolation_level="AUTOCOMMIT")
    with made.connect() as connection:
        connection.execute(text(f"CREATE TABLESPACE small LOCATION '{disk}'"))
        connection.execute(text("ALTER TABLE events SET TABLESPACE small"))
    made.dispose()
