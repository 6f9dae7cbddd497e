"""However a stack ends, it leaves no process and loses nothing, and the next start goes on from there."""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest

from entitlement.cli.running import read_running
from entitlement.core.errors import SetupError
from tests.stack.local import START_SECONDS, Local, all_ended, left_in, starting, up

KILLED_SECONDS = 10.0


Balance = dict[str, int]


@dataclass
class Place:
    """A folder with a stack that has ended, and alice's balance as it was then."""

    root: Path
    balance: Balance

    def start(self) -> AbstractContextManager[Local]:
        return up(self.root / "stack", self.root / "up.log")


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    """A stack that was killed in the middle of its genesis, begun again, and ended."""
    # Not in pytest's own folder: the database runs as another user, which cannot pass through that.
    with tempfile.TemporaryDirectory(prefix="entitlement-ends-") as name:
        made = Place(Path(name), {})
        made.root.chmod(0o755)
        with starting(made.root / "stack", made.root / "up.log") as local:
            local.process.says("done  Anvil", seconds=START_SECONDS)
            time.sleep(0.3)
            assert "contracts deployed" not in local.process.text, "too late for the genesis"
            local.process.send(signal.SIGKILL)
            local.process.ends()
        all_ended(local.folder, seconds=KILLED_SECONDS)
        with made.start() as local:
            made.balance = local.balance()
            local.process.send(signal.SIGTERM)
            assert local.process.ends() == 0
        assert left_in(local.folder) == []
        yield made


def ctrl_c(local: Local) -> None:
    local.process.send(signal.SIGINT)
    assert local.process.ends() == 0
    assert left_in(local.folder) == []
    assert "goes on from here" in local.process.text
    assert not (local.folder / "running.json").exists()


def kill(local: Local) -> None:
    local.process.send(signal.SIGKILL)
    local.process.ends()
    all_ended(local.folder, seconds=KILLED_SECONDS)
    with pytest.raises(SetupError, match="No stack runs"):
        read_running(local.folder)


def death_of(part: str) -> Callable[[Local], None]:
    def end(local: Local) -> None:
        (found,) = (each for each in left_in(local.folder) if part in each and "/bin/sh" not in each)
        os.kill(int(found.split()[0]), signal.SIGKILL)
        assert local.process.ends() == 1
        assert "ended by itself" in local.process.text
        assert "Traceback" not in local.process.text
        assert left_in(local.folder) == []

    return end


ENDS = {
    "Ctrl-C": ctrl_c,
    "kill -9": kill,
    "the end of its follower": death_of("entitlement jobs"),
    "the end of its chain": death_of("anvil --host"),
}
PARTS = ("anvil --host", "postgres -D", "entitlement jobs", "entitlement serve", "entitlement echo")


@pytest.mark.parametrize("end", ENDS)
def test_after_any_end_no_process_is_left_and_the_next_start_goes_on_with_what_was_spent(
    end: str, place: Place
) -> None:
    bystander = subprocess.Popen(["/bin/sh", "-c", "exec sleep 600"])
    with place.start() as local:
        started = left_in(local.folder)
        assert all(any(part in each for each in started) for part in PARTS), started
        assert local.balance() == place.balance
        local.ask("something to pay for")
        place.balance = local.balance()
        assert place.balance["spent"] > 0
        ENDS[end](local)
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()


def test_a_start_that_is_interrupted_leaves_nothing_running(place: Place) -> None:
    with starting(place.root / "stack", place.root / "up.log") as local:
        local.process.says("done  contracts deployed", seconds=START_SECONDS)
        local.process.send(signal.SIGINT)
        local.process.ends()
        assert left_in(local.folder) == []
