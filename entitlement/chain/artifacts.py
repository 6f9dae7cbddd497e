"""Artifacts: the compiled contracts, made once for each content of their sources.

    foundry.toml + contracts/src + imports --(sources.py)--> standard JSON input --solc--> Artifacts
                                                               |                              |
                                                               +---- sha256 names the file ---+  (cache)

A cached file is believed only if its own digest fits; a broken one is made again.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import orjson
import solcx
from solcx.exceptions import SolcError
from solcx.install import get_executable
from solcx.wrapper import get_solc_version

from entitlement.chain.sources import compiler_version, standard_json_input
from entitlement.chain.toolchain import PROJECT, contracts_folder, node
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
        known = _compile(version, given, project)
        _write(path, known)
    return known


def _compile(version: str, given: dict[str, Any], project: Path) -> Artifacts:
    try:
        output = cast(
            "dict[str, Any]",
            # solcx does not say what its dictionaries hold
            solcx.compile_standard(given, solc_binary=_solc(version, project)),  # pyright: ignore[reportUnknownMemberType]
        )
    except SolcError as error:
        raise SetupError(
            problem=f"the contracts do not compile:\n{error.message or error.stderr_data}",
            remedy="mend contracts/src",
        ) from error
    names = {
        identifier: name for source in output["sources"].values() for identifier, name in _immutables(source)
    }
    contracts = {
        name: _artifact(name, source, compiled, names)
        for source, of_source in output["contracts"].items()
        if source.startswith("src/")
        for name, compiled in of_source.items()
    }
    settings = {name: value for name, value in given["settings"].items() if name != "outputSelection"}
    any_of_them = next(iter(next(iter(output["contracts"].values())).values()))
    build = orjson.loads(any_of_them["metadata"])["compiler"]["version"]
    return Artifacts(compiler=version, build=build, settings=settings, contracts=contracts)


def _artifact(name: str, source: str, compiled: dict[str, Any], names: dict[str, str]) -> Artifact:
    deployed = compiled["evm"]["deployedBytecode"]
    return Artifact(
        name=name,
        source=source,
        abi=compiled["abi"],
        bytecode="0x" + compiled["evm"]["bytecode"]["object"],
        deployed_bytecode="0x" + deployed["object"],
        immutables={
            names[identifier]: [[place["start"], place["length"]] for place in places]
            for identifier, places in deployed["immutableReferences"].items()
        },
    )


def _immutables(node_or_list: object) -> Iterator[tuple[str, str]]:
    """Yield (AST id, name) of every immutable below a node of solc's syntax tree."""
    if isinstance(node_or_list, list):
        for item in cast("list[object]", node_or_list):
            yield from _immutables(item)
    elif isinstance(node_or_list, dict):
        node_of_tree = cast("dict[str, object]", node_or_list)
        if node_of_tree.get("mutability") == "immutable":
            yield str(node_of_tree["id"]), str(node_of_tree["name"])
        for item in node_of_tree.values():
            yield from _immutables(item)


def _solc(version: str, project: Path) -> Path:
    """Return a native solc of exactly this version if there is one, else npm's, which runs in node."""
    if version in {str(installed) for installed in solcx.get_installed_solc_versions()}:
        return get_executable(version)
    on_path = shutil.which("solc")
    if on_path is not None and str(get_solc_version(on_path)) == version:
        return Path(on_path)
    node()
    if not (project / "node_modules" / "solc").is_dir():
        raise SetupError(problem="npm's solc is missing", remedy=f"run `make setup` in {project}")
    return contracts_folder(project) / "tools" / "solc.js"


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
