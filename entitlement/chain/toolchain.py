"""The programs that are not Python: node, and Foundry's native binaries as npm installed them.

Only the pinned binaries inside node_modules are used, never one on PATH: with one version for all, a test
that passes here passes elsewhere. npm's own launchers are not used: that of `forge` exits 0 on failing tests.
"""

import platform
import shutil
from pathlib import Path

from entitlement.core.errors import SetupError

PROJECT = Path(__file__).resolve().parents[2]
"""The work tree: contracts/, networks/, deployments/ and node_modules/ lie in it."""

_SYSTEMS = {"Linux": "linux", "Darwin": "darwin"}
_MACHINES = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def contracts_folder(project: Path = PROJECT) -> Path:
    """Return the Foundry project; raises `SetupError` where there is none, as in an installed wheel."""
    folder = project / "contracts"
    if not (folder / "foundry.toml").is_file():
        raise SetupError(
            problem=f"there are no contracts at {folder}",
            remedy="run from a checkout of the project: `pip install -e .` in its root",
        )
    return folder


def node_modules(project: Path = PROJECT) -> Path:
    """Return npm's folder; raises `SetupError` where nothing was installed."""
    folder = project / "node_modules"
    if not folder.is_dir():
        raise SetupError(problem=f"{folder} is missing", remedy=f"run `make setup` in {project}")
    return folder


def foundry_binary(tool: str, project: Path = PROJECT) -> Path:
    """Return the native binary of `anvil` or `forge`; raises `SetupError` where it is missing."""
    system, machine = platform.system(), platform.machine()
    if system not in _SYSTEMS or machine not in _MACHINES:
        raise SetupError(
            problem=f"{tool} has no pinned binary for {system} on {machine}",
            remedy="use Linux or macOS on amd64 or arm64",
        )
    package = f"{tool}-{_SYSTEMS[system]}-{_MACHINES[machine]}"
    binary = node_modules(project) / "@foundry-rs" / package / "bin" / tool
    if not binary.is_file():
        raise SetupError(
            problem=f"{binary} is missing",
            remedy=f"run `make setup` in {project}, with optional npm dependencies allowed",
        )
    return binary


def node() -> Path:
    """Return the node program; raises `SetupError` where PATH has none."""
    found = shutil.which("node")
    if found is None:
        raise SetupError(problem="node is not on PATH", remedy="install Node.js 20 or newer")
    return Path(found)
