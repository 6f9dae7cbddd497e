"""Print how long it takes from `kill -9` of the leading jobs process to the first row of the one that waited.

    .venv/bin/python -m scripts.bench_takeover [--times 10]

Two processes of `tests/stack/jobs_process.py` on one database: the leader is killed, and what is timed is the
moment at which the other has written its first step, seen by asking the database every 5 ms.
"""

import argparse
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Engine, text

from entitlement.chain.toolchain import PROJECT
from tests.databases import empty_database, fast_server
from tests.stack.processes import address_of, environment

ASK_SECONDS = 0.005
PATIENCE_SECONDS = 60.0
READY_SECONDS = 2.5
"""After its start, one that waits is ready to take over."""


def main() -> None:
    """Kill leader after leader, and print the times."""
    wanted = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    wanted.add_argument("--times", type=int, default=10)
    times = wanted.parse_args().times
    with fast_server() as url, empty_database(url) as database, tempfile.TemporaryDirectory() as folder:
        leader = _started(database, Path(folder), 0)
        _wait_until(lambda: _written(database) is not None)
        took: list[float] = []
        for number in range(1, times + 1):
            waiting = _started(database, Path(folder), number)
            _wait_until(lambda at=number: '"waiting_for_leadership"' in _log(Path(folder), at))
            time.sleep(READY_SECONDS)
            leader.send_signal(signal.SIGKILL)
            leader.wait()
            killed_at = time.monotonic()
            before = _written(database)
            _wait_until(lambda before=before: _written(database) != before)
            took.append(time.monotonic() - killed_at)
            leader = waiting
        leader.kill()
        leader.wait()
    middle = statistics.median(took)
    print(f"kill -9 to the first row of the next, {times} times: {middle:.2f} s in the middle, ", end="")
    print(f"{min(took):.2f} s at best, {max(took):.2f} s at worst")


def _started(database: Engine, folder: Path, number: int) -> subprocess.Popen[bytes]:
    with (folder / f"{number}.log").open("ab") as log:
        return subprocess.Popen(  # noqa: S603  our own program
            [sys.executable, "-m", "tests.stack.jobs_process", address_of(database.url), str(folder)],
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment(),
            cwd=PROJECT,
        )


def _log(folder: Path, number: int) -> str:
    return (folder / f"{number}.log").read_text(errors="replace")


def _written(database: Engine) -> str | None:
    """Return the transaction that wrote the cursor's row last."""
    with database.connect() as connection:
        return connection.execute(text("SELECT xmin::text FROM chain_state")).scalar_one_or_none()


def _wait_until(question: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not question():
        assert time.monotonic() < deadline, f"not within {PATIENCE_SECONDS:g} s"
        time.sleep(ASK_SECONDS)


if __name__ == "__main__":
    main()
