"""Child processes: started together, ended together, and never left behind, not even by `kill -9`.

Our own programs watch their standard input and end with it. PostgreSQL belongs to nobody once it runs, so a
small shell watches for it.
"""

import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

STOP_SECONDS = 15.0
LAST_LINES = 5

# $1 is the file in which PostgreSQL keeps its process id while it runs; SIGINT is its fast shutdown. The loop
# looks at the file and not at the process, whose id may stay taken until somebody asks how it ended.
_POSTGRES_KEEPER = """
read -r pid <"$1" || exit 0
cat >/dev/null
is_there() { [ "$(head -n 1 "$1" 2>/dev/null)" = "$pid" ]; }
is_there "$1" && kill -INT "$pid" 2>/dev/null
tries=0
while is_there "$1" && [ $tries -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
"""


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


class PostgresKeeper:
    """Ends the PostgreSQL of a folder when we end, and only then."""

    def __init__(self, data: Path) -> None:
        self._pid_file = data / "postmaster.pid"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Watch over the server that runs in the folder now."""
        self._process = subprocess.Popen(  # noqa: S603 - our own text
            ["/bin/sh", "-c", _POSTGRES_KEEPER, "postgres-keeper", str(self._pid_file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def stop(self) -> None:
        """End the server if it still runs, and return when it has."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def last_words(log: Path) -> str:
    """Return the last lines of a log."""
    lines = log.read_text(errors="replace").strip().splitlines()
    return "\n".join(lines[-LAST_LINES:])


def interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the system's own arguments
    """End as Ctrl-C does: by leaving what was entered."""
    raise KeyboardInterrupt


def stop_with_parent() -> None:
    """End this process when its parent closes our standard input, as the system does when the parent dies."""

    def watch() -> None:
        # Not sys.stdin: its lock would be held while Python shuts down.
        while os.read(0, 4_096):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="stop-with-parent", daemon=True).start()
