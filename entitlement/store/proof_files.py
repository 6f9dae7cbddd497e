"""Public files of epochs in a folder: written whole or not at all, and never another under the same name."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from secrets import token_hex

BYTES_AT_ONCE = 1 << 20


def path_of(folder: Path, epoch: int) -> Path:
    """Return where an epoch's file is kept."""
    return folder / f"epoch-{epoch}.json"


def write(path: Path, pieces: Iterable[bytes]) -> str:
    """Write a file and return its SHA-256 as `0x` and hex; when this returns, it survives a crash."""
    path.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    draft = path.with_name(f"{path.name}.{token_hex(8)}.draft")
    try:
        with draft.open("xb") as file:
            for piece in pieces:
                digest.update(piece)
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return f"0x{digest.hexdigest()}"


def digest_of(path: Path) -> str | None:
    """Return a file's SHA-256 as `0x` and hex, or None where there is none."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while piece := file.read(BYTES_AT_ONCE):
                digest.update(piece)
    except FileNotFoundError:
        return None
    return f"0x{digest.hexdigest()}"
