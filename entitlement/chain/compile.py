"""Compiling: from solc's standard JSON input to artifacts."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import orjson
import solcx
from solcx.exceptions import SolcError
from solcx.install import get_executable
from solcx.wrapper import get_solc_version

from entitlement.chain.artifacts import Artifact, Artifacts
from entitlement.chain.toolchain import contracts_folder, node
from entitlement.core.errors import SetupError


def compile_contracts(version: str, given: dict[str, Any], project: Path) -> Artifacts:
    """Compile `given` with solc of exactly this version. Raises `SetupError` with solc's own message."""
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
