"""A stack's folder: one stack at a time has it, and other commands find the one that runs there."""

import fcntl
import json
from pathlib import Path
from typing import IO

from entitlement.core.errors import SetupError
from entitlement.settings import Settings, read_settings

FILE = "running.json"
LOCK = "lock"


def lock_folder(folder: Path) -> IO[str]:
    """Take a folder for one stack; closing what is returned, or ending, gives it back. Raises SetupError."""
    busy = SetupError(
        f"Another stack runs in {folder}.",
        remedy="End it, or give this one a folder of its own: --folder.",
    )
    return lock_file(folder / LOCK, busy)


def lock_file(path: Path, busy: SetupError) -> IO[str]:
    """Take a file for one process; closing what is returned, or ending, gives it back. Raises `busy`."""
    lock: IO[str] = path.open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise busy from error
    return lock


def write_private(path: Path, content: str) -> None:
    """Write a file that only its owner can read; whoever looks sees all of it or the one before."""
    draft = path.with_name(f"{path.name}.draft")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text(content)
    draft.replace(path)


def write_running(folder: Path, settings: dict[str, str]) -> Path:
    """Keep the settings of a stack, readable by its owner only; return the file."""
    path = folder / FILE
    write_private(path, json.dumps(settings, indent=2))
    return path


def read_running(folder: Path) -> Settings:
    """Return the settings of the stack that runs in `folder`. Raises SetupError where none does."""
    path = folder / FILE
    # The file alone says little: a stack that was killed leaves it behind.
    if not path.exists() or not _is_locked(folder):
        raise SetupError(
            f"No stack runs in {folder}.", remedy="Start one with `entitlement up`, or name its --folder."
        )
    return read_settings(**json.loads(path.read_text()))


def _is_locked(folder: Path) -> bool:
    try:
        lock_folder(folder).close()
    except SetupError:
        return True
    return False
