import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from entitlement.chain.artifacts import Artifacts, load_artifacts
from entitlement.chain.deployment.order import CONTRACTS
from entitlement.chain.sources import standard_json_input
from entitlement.chain.toolchain import PROJECT, foundry_binary
from entitlement.core.errors import SetupError

LIBRARY = "// SPDX-License-Identifier: MIT\npragma solidity 0.8.30;\n"
MAIN = (
    LIBRARY
    + """
import {Base} from "./base/Base.sol";
// import {Gone} from "./Gone.sol";
/* import "./Gone.sol"; */
contract Main is Base {
    string public text = "import './Gone.sol';";
    constructor(uint256 limit_) Base(limit_) {}
}
"""
)
BASE = (
    LIBRARY
    + """
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
abstract contract Base {
    uint256 public immutable limit;
    IERC20 public token;
    constructor(uint256 limit_) { limit = limit_; }
}
"""
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small project with the real one's settings, compiler and library."""
    (tmp_path / "contracts/src/base").mkdir(parents=True)
    (tmp_path / "contracts/src/Main.sol").write_text(MAIN)
    (tmp_path / "contracts/src/base/Base.sol").write_text(BASE)
    shutil.copy(PROJECT / "package.json", tmp_path)
    shutil.copy(PROJECT / "contracts/foundry.toml", tmp_path / "contracts")
    (tmp_path / "contracts/tools").symlink_to(PROJECT / "contracts/tools")
    (tmp_path / "node_modules").symlink_to(PROJECT / "node_modules")
    return tmp_path


def test_the_bytecode_is_the_one_that_forge_makes(artifacts: Artifacts, tmp_path: Path) -> None:
    made = subprocess.run(
        [
            foundry_binary("forge"),
            *("build", "src"),
            *("--out", tmp_path / "out", "--cache-path", tmp_path / "cache"),
        ],
        cwd=PROJECT / "contracts",
        env=os.environ | {"FOUNDRY_LINT_LINT_ON_BUILD": "false"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    for name in CONTRACTS:
        forges = json.loads((tmp_path / f"out/{name}.sol/{name}.json").read_text())
        assert artifacts[name].bytecode == forges["bytecode"]["object"]
        assert artifacts[name].deployed_bytecode == forges["deployedBytecode"]["object"]
        assert in_any_order(artifacts[name].abi) == in_any_order(forges["abi"])
        places = sorted(
            [place["start"], place["length"]]
            for of_one in forges["deployedBytecode"].get("immutableReferences", {}).values()
            for place in of_one
        )
        assert sorted(place for of_one in artifacts[name].immutables.values() for place in of_one) == places


def in_any_order(abi: list[dict[str, object]]) -> list[str]:
    return sorted(json.dumps(entry, sort_keys=True) for entry in abi)


def test_the_input_holds_every_imported_file_and_no_more(project: Path) -> None:
    given = standard_json_input(project)
    assert sorted(given["sources"]) == [
        "../node_modules/@openzeppelin/contracts/token/ERC20/IERC20.sol",
        "src/Main.sol",
        "src/base/Base.sol",
    ]
    assert given["settings"]["evmVersion"] == "cancun"
    assert given["settings"]["metadata"]["bytecodeHash"] == "none"


def test_immutables_are_known_by_name_through_inheritance(project: Path, tmp_path: Path) -> None:
    main = load_artifacts(project, tmp_path / "cache")["Main"]
    (start, length), *_ = main.immutables["limit"]
    assert length == 32
    code = bytes.fromhex(main.deployed_bytecode[2:])
    assert code[start : start + length] == bytes(32)


def test_what_is_compiled_once_is_not_compiled_again(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = load_artifacts(project, tmp_path / "cache")
    monkeypatch.setenv("PATH", "")  # no node, no solc
    assert load_artifacts(project, tmp_path / "cache") == first
    (project / "contracts/src/Main.sol").write_text(MAIN + "// changed")
    with pytest.raises(SetupError, match=r"Node\.js"):
        load_artifacts(project, tmp_path / "cache")


@pytest.mark.parametrize("change", ["optimizer_runs = 7", 'evm_version = "paris"'])
def test_another_setting_is_another_compilation(change: str, project: Path, tmp_path: Path) -> None:
    load_artifacts(project, tmp_path / "cache")
    settings = project / "contracts/foundry.toml"
    name = change.split(" ", 1)[0]
    lines = [change if line.startswith(f"{name} ") else line for line in settings.read_text().splitlines()]
    settings.write_text("\n".join(lines))
    load_artifacts(project, tmp_path / "cache")
    assert len(list((tmp_path / "cache").iterdir())) == 2


@pytest.mark.parametrize("damage", ["cut", "flipped", "emptied"])
def test_a_damaged_cache_is_made_again(damage: str, project: Path, tmp_path: Path) -> None:
    first = load_artifacts(project, tmp_path / "cache")
    (path,) = (tmp_path / "cache").iterdir()
    whole = path.read_bytes()
    damaged = {
        "cut": whole[: len(whole) // 2],
        "flipped": whole.replace(b'"limit"', b'"limlt"'),
        "emptied": b"",
    }[damage]
    assert damaged != whole
    path.write_bytes(damaged)
    assert load_artifacts(project, tmp_path / "cache") == first
    assert path.read_bytes() == whole


def test_a_compile_error_is_told_in_solcs_words(project: Path, tmp_path: Path) -> None:
    (project / "contracts/src/Main.sol").write_text(MAIN.replace("limit_) {}", "limits_) {}"))
    with pytest.raises(SetupError) as caught:
        load_artifacts(project, tmp_path / "cache")
    assert "Undeclared identifier" in str(caught.value)
    assert "src/Main.sol" in str(caught.value)
    assert not (tmp_path / "cache").exists()


def test_a_missing_import_is_named(project: Path) -> None:
    (project / "contracts/src/Main.sol").write_text(MAIN.replace("base/Base.sol", "base/Lost.sol"))
    with pytest.raises(SetupError, match=r"src/base/Lost\.sol"):
        standard_json_input(project)


def test_a_contract_that_does_not_exist_is_named(artifacts: Artifacts) -> None:
    with pytest.raises(SetupError, match="no contract Staked"):
        artifacts["Staked"]
