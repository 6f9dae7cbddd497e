"""However a stack ends, it leaves no process and loses nothing, and the next start goes on from there."""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stack.local import Local, all_ended, left_in, starting, up
from tests.stack.processes import run, until

KILLED_SECONDS = 10.0


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder whose stack was killed in the middle of its genesis, begun again, and ended."""
    # Not in pytest's own folder: the database runs as another user, which cannot pass through that.
    with tempfile.TemporaryDirectory(prefix="entitlement-ends-") as name:
        place = Path(name)
        place.chmod(0o755)
        with starting(place / "stack", place / "up.log") as local:
            local.process.says("done  Anvil", seconds=60)
            time.sleep(0.3)
            assert "contracts deployed" not in local.process.text, "too late for the genesis"
            local.process.send(signal.SIGKILL)
            local.process.ends()
        all_ended(place / "stack", seconds=KILLED_SECONDS)
        with up(place / "stack", place / "up.log") as local:
            assert local.ask()["choices"]
            interrupt(local)
        yield place


def interrupt(local: Local) -> None:
    local.process.send(signal.SIGINT)
    assert local.process.ends() == 0
    assert left_in(local.folder) == []


def test_ctrl_c_ends_all_that_it_started_and_nothing_else_and_credit_that_was_spent_stays_spent(
    place: Path,
) -> None:
    bystander = subprocess.Popen(["/bin/sh", "-c", "cd /; exec sleep 600"])
    with up(place / "stack", place / "up.log") as local:
        local.ask("something to pay for")
        started = left_in(local.folder)
        for part in (
            "anvil --host",
            "postgres -D",
            "entitlement jobs",
            "entitlement serve",
            "entitlement echo",
        ):
            assert any(part in each for each in started), part
        before = local.balance()
        assert before["spent"] > 0
        interrupt(local)
        assert "goes on from here" in local.process.text
        assert not (local.folder / "running.json").exists()
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()
    with up(place / "stack", place / "up.log") as local:
        assert "alice stakes" not in local.process.text
        assert local.balance() == before
        local.process.send(signal.SIGTERM)
        assert local.process.ends() == 0
        assert left_in(local.folder) == []


def test_a_kill_leaves_no_process_and_loses_nothing_and_the_next_start_works(place: Path) -> None:
    with up(place / "stack", place / "up.log") as local:
        local.ask("something to pay for")
        before = local.balance()
        local.process.send(signal.SIGKILL)
        local.process.ends()
        all_ended(local.folder, seconds=KILLED_SECONDS)
        stale = run("clock", "jump", "--folder", str(local.folder))
        assert stale.returncode == 1
        assert "No stack runs" in stale.stderr
    with up(place / "stack", place / "up.log") as local:
        assert local.balance() == before
        local.ask("something more")
        assert local.balance()["spent"] > before["spent"]
        interrupt(local)


@pytest.mark.parametrize("part", ["entitlement jobs", "anvil --host"])
def test_a_part_that_ends_by_itself_ends_the_whole_with_its_last_words(part: str, place: Path) -> None:
    with up(place / "stack", place / "up.log") as local:
        (pid, *_) = next(
            each for each in left_in(local.folder) if part in each and "/bin/sh" not in each
        ).split()
        os.kill(int(pid), signal.SIGKILL)
        assert local.process.ends() == 1
        assert "ended by itself" in local.process.text
        assert "Traceback" not in local.process.text
        assert left_in(local.folder) == []


def test_a_start_that_is_interrupted_leaves_nothing_running(place: Path) -> None:
    for moment in ("done  PostgreSQL", "done  contracts deployed"):
        with starting(place / "stack", place / "up.log") as local:
            local.process.says(moment)
            local.process.send(signal.SIGINT)
            local.process.ends()
            until(lambda folder=local.folder: not left_in(folder), seconds=1)
