"""Child processes: our own programs, started together, ended together, and never left behind."""

import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

STOP_SECONDS = 15.0
LAST_LINES = 5


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """A command of this program that runs beside us."""

    name: str
    arguments: tuple[str, ...]
    environment: dict[str, str]
    log: Path


class Child:
    """One running process. It ends when we end, even by `kill -9`: it watches its standard input."""

    def __init__(self, spec: ChildSpec) -> None:
        self.spec = spec
        spec.log.parent.mkdir(parents=True, exist_ok=True)
        with spec.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-m", "entitlement", *spec.arguments, "--stop-with-parent"],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=os.environ | spec.environment,
                # Ctrl-C in the terminal is for us; we end the children in their order.
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def exit_code(self) -> int | None:
        """Return how it ended, or None while it runs."""
        return self._process.poll()

    def last_words(self) -> str:
        """Return the last lines of its log."""
        lines = self.spec.log.read_text(errors="replace").strip().splitlines()
        return "\n".join(lines[-LAST_LINES:])

    def stop(self) -> None:
        """Ask it to end, wait, and insist."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()


def stop_with_parent() -> None:
    """End this process when its parent closes our standard input, as the system does when the parent dies."""

    def watch() -> None:
        # Not sys.stdin: its lock would be held while Python shuts down.
        while os.read(0, 4_096):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="stop-with-parent", daemon=True).start()
