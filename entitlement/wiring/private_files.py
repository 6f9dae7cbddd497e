"""Secrets that are made once and kept in the data folder."""

import secrets
from pathlib import Path


def create_private(path: Path, content: str) -> None:
    """Write a file that only its owner can read, unless it is there; two processes at once agree on one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    draft.touch(mode=0o600)
    draft.write_text(content)
    try:
        # A hard link appears whole or not at all, and never replaces what another process made first.
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
