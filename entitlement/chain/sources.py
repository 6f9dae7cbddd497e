"""What the compiler is given: every source that the contracts reach, and the settings that forge uses.

The input is closed: all imported files are in it, under the names forge gives them, so that its hash stands
for the whole compilation and an explorer can verify the contracts from it alone. Settings come from
foundry.toml, the compiler's version from package.json, and neither stands anywhere else.
"""

import posixpath
import re
import tomllib
from pathlib import Path
from typing import Any

import orjson

from entitlement.chain.toolchain import PROJECT, contracts_folder, node_modules
from entitlement.core.errors import SetupError

SOURCES_MAX = 500
"""More files than this means that an import ran away into a library it was not meant to reach."""

# Comments and strings are matched too, so that an `import` inside one of them is not taken for a statement.
_TOKEN = re.compile(
    r"""
    //[^\n]* | /\*.*?\*/
    | \bimport\b (?: [^"';]*? \bfrom\b )? \s* ["'](?P<target>[^"']+)["']
    | "(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*'
    """,
    re.VERBOSE | re.DOTALL,
)


def compiler_version(project: Path = PROJECT) -> str:
    """Return the exact version of solc, as package.json pins it."""
    path = project / "package.json"
    try:
        version = orjson.loads(path.read_bytes())["dependencies"]["solc"]
    except (OSError, ValueError, KeyError) as error:
        raise SetupError(
            problem=f"{path} does not pin solc", remedy="restore package.json from the repository"
        ) from error
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        raise SetupError(
            problem=f"{path} pins solc to {version!r}", remedy="name one exact version, such as 0.8.30"
        )
    return version


def standard_json_input(project: Path = PROJECT) -> dict[str, Any]:
    """Return solc's standard JSON input for all of contracts/src; raises `SetupError` for a missing file."""
    folder = contracts_folder(project)
    node_modules(project)
    profile = _profile(folder)
    return {
        "language": "Solidity",
        "sources": _sources(folder, profile),
        "settings": _settings(profile),
    }


def _profile(folder: Path) -> dict[str, Any]:
    path = folder / "foundry.toml"
    try:
        return tomllib.loads(path.read_text())["profile"]["default"]
    except (tomllib.TOMLDecodeError, KeyError) as error:
        raise SetupError(
            problem=f"{path} cannot be read: {error}", remedy="give it a [profile.default]"
        ) from error


def _settings(profile: dict[str, Any]) -> dict[str, Any]:
    return {
        "remappings": profile.get("remappings", []),
        "optimizer": {
            "enabled": profile["optimizer"],
            "runs": profile["optimizer_runs"],
        },
        "metadata": {
            "useLiteralContent": False,
            "bytecodeHash": profile["bytecode_hash"],
            "appendCBOR": profile["cbor_metadata"],
        },
        "outputSelection": {
            "*": {
                "": ["ast"],
                "*": [
                    "abi",
                    "metadata",
                    "evm.bytecode.object",
                    "evm.deployedBytecode.object",
                    "evm.deployedBytecode.immutableReferences",
                ],
            },
        },
        "evmVersion": profile["evm_version"],
        "viaIR": profile.get("via_ir", False),
        "libraries": {},
    }


def _sources(folder: Path, profile: dict[str, Any]) -> dict[str, dict[str, str]]:
    remappings = [entry.split("=", 1) for entry in profile.get("remappings", [])]
    found: dict[str, dict[str, str]] = {}
    waiting = sorted(path.relative_to(folder).as_posix() for path in (folder / profile["src"]).rglob("*.sol"))
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        assert len(found) < SOURCES_MAX, f"more than {SOURCES_MAX} sources, the last one {name}"
        content = _read(folder, name)
        found[name] = {"content": content}
        waiting.extend(
            _resolve(target, name, remappings)
            for match in _TOKEN.finditer(content)
            if (target := match["target"]) is not None
        )
    return {name: found[name] for name in sorted(found)}


def _read(folder: Path, name: str) -> str:
    try:
        return (folder / name).read_text()
    except OSError as error:
        raise SetupError(
            problem=f"the contracts import {name}, which cannot be read: {error.strerror}",
            remedy="run `make setup`, or mend the import or the remappings in foundry.toml",
        ) from error


def _resolve(target: str, importer: str, remappings: list[list[str]]) -> str:
    """Return the source name of an import, relative to contracts/; of remappings the longest prefix wins."""
    if target.startswith(("./", "../")):
        return posixpath.normpath(posixpath.join(posixpath.dirname(importer), target))
    prefix, replacement = max(
        ((prefix, to) for prefix, to in remappings if target.startswith(prefix)),
        key=lambda pair: len(pair[0]),
        default=("", ""),
    )
    return posixpath.normpath(replacement + target.removeprefix(prefix))
