"""Our own program as a process: started as a person would, in a clean environment, and killed at will."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import httpx
from sqlalchemy import URL

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 60.0
"""For a process to start or end on a busy machine."""
ASSERTIONS_OFF = "PYTHONOPTIMIZE"

Answer = TypeVar("Answer")


def environment(**changes: str) -> dict[str, str]:
    """Return ours without what would tell the program something, and with `changes`."""
    ours = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("ENTITLEMENT_") and name not in {"DATABASE_URL", ASSERTIONS_OFF}
    }
    # A terminal of our own width: Rich would break lines where the one of the tests does.
    return ours | {"COLUMNS": "200", "NO_COLOR": "1"} | changes


def until(question: Callable[[], Answer], *, seconds: float = PATIENCE_SECONDS) -> Answer:
    """Ask until the answer is true, and return it."""
    deadline = time.monotonic() + seconds
    while True:
        answer = question()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"not within {seconds:g} s"
        time.sleep(0.05)


def address_of(url: URL) -> str:
    """Return what a person would put into DATABASE_URL."""
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


@dataclass
class Running:
    """A process of ours, and where it writes."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def text(self) -> str:
        """All it has written so far."""
        return self.log.read_text(errors="replace")

    def says(self, words: str, *, seconds: float = PATIENCE_SECONDS) -> str:
        """Wait until it has written `words`, and return all it wrote; fail if it ends before."""

        def found() -> bool:
            ended = self.process.poll() is not None
            return words in self.text or ended

        try:
            until(found, seconds=seconds)
        except AssertionError as error:
            raise AssertionError(f"{words!r} {error}:\n{self.text}") from None
        assert words in self.text, f"it ended without {words!r}:\n{self.text}"
        return self.text

    def send(self, number: signal.Signals) -> None:
        """Send a signal to this process alone."""
        self.process.send_signal(number)

    def ends(self, *, seconds: float = PATIENCE_SECONDS) -> int:
        """Wait for its end and return the exit code."""
        return self.process.wait(seconds)


@contextmanager
def running(*arguments: str, log: Path, python: tuple[str, ...] = (), **changes: str) -> Iterator[Running]:
    """Run `entitlement <arguments>` in the background; what is left of it at the end is killed."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as file:
        process = subprocess.Popen(
            [sys.executable, *python, "-m", "entitlement", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            env=environment(**changes),
            cwd=ROOT,
        )
    try:
        yield Running(process, log)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def run(
    *arguments: str, python: tuple[str, ...] = (), seconds: float = PATIENCE_SECONDS, **changes: str
) -> subprocess.CompletedProcess[str]:
    """Run `entitlement <arguments>` to its end."""
    return subprocess.run(
        [sys.executable, *python, "-m", "entitlement", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
        env=environment(**changes),
        cwd=ROOT,
    )


@contextmanager
def serving(database: URL, port: int, log: Path, **changes: str) -> Iterator[Running]:
    """Run `entitlement serve` on a database until it answers."""
    given = {
        "DATABASE_URL": address_of(database),
        "ENTITLEMENT_TOKEN_SECRET": "0123456789abcdef" * 4,
        # Bursts are what the tests live by; what a rate refuses is tested where it is set.
        "ENTITLEMENT_FREE_REQUESTS_PER_MINUTE": "60000000",
        "ENTITLEMENT_ANONYMOUS_REQUESTS_PER_MINUTE": "60000000",
        "ENTITLEMENT_REFUSALS_PER_MINUTE": "60000000",
    } | changes
    with running("serve", "--port", str(port), log=log, **given) as process:
        until(lambda: answers(f"http://127.0.0.1:{port}/health/live") or process.process.poll() is not None)
        assert process.process.poll() is None, process.text
        yield process


def answers(url: str) -> bool:
    """Tell whether anybody answers there."""
    try:
        return httpx.get(url, timeout=5).is_success
    except httpx.HTTPError:
        return False
