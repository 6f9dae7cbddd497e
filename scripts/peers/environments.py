"""Environments of their own, for what brings other versions than the project's or needs another Python."""

import hashlib
import subprocess
import sys
from pathlib import Path


def environment(folder: Path, requirements: Path, what: str, python: str = sys.executable) -> Path:
    """Return the folder of programs of an environment, which is made first if it is missing or of others."""
    made, wanted = folder / ".made", hashlib.sha256(requirements.read_bytes()).hexdigest()
    if not made.is_file() or made.read_text() != wanted:
        print(f"installing {what} into {folder.name} (once)", file=sys.stderr, flush=True)
        subprocess.run([python, "-m", "venv", "--clear", folder], check=True)  # noqa: S603 - a Python's own module
        install = ["install", "-q", "--disable-pip-version-check", "--require-hashes", "-r", requirements]
        subprocess.run([folder / "bin" / "python", "-m", "pip", *install], check=True)  # noqa: S603 - what the lock names
        made.write_text(wanted)
    return folder / "bin"
