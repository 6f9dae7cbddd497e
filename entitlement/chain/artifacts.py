"""Artifacts: the compiled contracts, made once for each content of their sources.

    foundry.toml + contracts/src + imports --(sources.py)--> standard JSON input --solc--> Artifacts
                                                               |                              |
                                                               +---- sha256 names the file ---+  (cache)

A cached file is believed only if its own digest fits; a broken one is made again.
"""

import hashlib
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from entitlement.chain.sources import compiler_version, standard_json_input
from entitlement.chain.toolchain import PROJECT
from entitlement.core.errors import SetupError

CACHE = PROJECT / ".entitlement" / "artifacts"

Abi = list[dict[str, Any]]
"""A contract's interface, as solc's JSON describes it."""


@dataclass(frozen=True)
class Artifact:
    """One contract as solc made it."""

    name: str
    source: str
    """The file that it stands in, as the compiler calls it: `src/VVV.sol`."""
    abi: Abi
    bytecode: str
    """Creation code without the constructor's arguments, `0x` and hex; `0x` alone for an interface."""
    deployed_bytecode: str
    """The code on the chain with zeros where immutables go, `0x` and hex."""
    immutables: dict[str, list[list[int]]]
    """Where each immutable stands in the deployed code, by its name: [first byte, number of bytes]."""


@dataclass(frozen=True)
class Artifacts:
    """Everything that came out of one compilation."""

    compiler: str
    """Exact version, such as `0.8.30`."""
    build: str
    """The version with its commit, by which explorers know a compiler: `0.8.30+commit.73712a01`."""
    settings: dict[str, Any]
    """The settings of the standard JSON input, without the selection of outputs."""
    contracts: dict[str, Artifact]

    def __getitem__(self, name: str) -> Artifact:
        """Return a contract or interface by its Solidity name; raises `SetupError` if there is none."""
        if name not in self.contracts:
            raise SetupError(
                problem=f"contracts/src has no contract {name}", remedy=f"known: {sorted(self.contracts)}"
            )
        return self.contracts[name]


def load_artifacts(project: Path = PROJECT, cache: Path = CACHE) -> Artifacts:
    """Return the compiled contracts, compiling them only if a source, a setting or the compiler changed.

    Raises `SetupError` with solc's own message when they do not compile, or with what is missing to do so.
    """
    version, given = compiler_version(project), standard_json_input(project)
    key = hashlib.sha256(version.encode() + orjson.dumps(given, option=orjson.OPT_SORT_KEYS)).hexdigest()
    path = cache / f"{key}.json"
    known = _read(path)
    if known is None:
        from entitlement.chain.compile import compile_contracts  # noqa: PLC0415  seldom needed, and slow to load

        known = compile_contracts(version, given, project)
        _write(path, known)
    return known


def _read(path: Path) -> Artifacts | None:
    try:
        digest, _, payload = path.read_bytes().partition(b"\n")
    except FileNotFoundError:
        return None
    if hashlib.sha256(payload).hexdigest().encode() != digest:
        return None
    known = orjson.loads(payload)
    contracts = {name: Artifact(**fields) for name, fields in known["contracts"].items()}
    return Artifacts(**known | {"contracts": contracts})


def _write(path: Path, made: Artifacts) -> None:
    payload = orjson.dumps(asdict(made))
    path.parent.mkdir(parents=True, exist_ok=True)
    # Two processes may compile at once: each writes a file of its own and the last one to finish names it.
    handle, draft = tempfile.mkstemp(dir=path.parent, suffix=".draft")
    with os.fdopen(handle, "wb") as file:
        file.write(hashlib.sha256(payload).hexdigest().encode() + b"\n" + payload)
    Path(draft).replace(path)
