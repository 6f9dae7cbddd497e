"""How other commands find a local stack that runs: a file in its folder, there while it runs."""

import json
from pathlib import Path

from entitlement.core.errors import SetupError
from entitlement.settings import Settings, read_settings

FILE = "running.json"


def write_running(folder: Path, settings: dict[str, str]) -> Path:
    """Keep the settings of a stack, readable by its owner only; return the file."""
    path = folder / FILE
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(json.dumps(settings, indent=2))
    return path


def read_running(folder: Path) -> Settings:
    """Return the settings of the stack that runs in `folder`. Raises SetupError where none does."""
    try:
        given = json.loads((folder / FILE).read_text())
    except FileNotFoundError as error:
        raise SetupError(
            f"No stack runs in {folder}.", remedy="Start one with `entitlement up`, or name its --folder."
        ) from error
    return read_settings(**given)
