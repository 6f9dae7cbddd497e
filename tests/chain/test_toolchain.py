import os
import subprocess
import sys
from pathlib import Path

import pytest

from entitlement.chain import toolchain
from entitlement.core.errors import SetupError


@pytest.mark.parametrize("tool", ["anvil", "forge"])
def test_the_pinned_binary_is_native_and_runs(tool: str) -> None:
    said = subprocess.run(
        [toolchain.foundry_binary(tool), "--version"], capture_output=True, text=True, check=True
    )
    assert said.stdout.startswith(tool)


@pytest.mark.parametrize(
    ("case", "missing", "remedy"),
    [
        ("no npm install", ["node_modules"], "make setup"),
        ("npm without optional dependencies", ["node_modules/@foundry-rs/anvil-linux-amd64"], "optional"),
    ],
)
def test_a_missing_binary_says_what_to_do(
    case: str, missing: list[str], remedy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.system", lambda: "Linux")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    binary = tmp_path / "node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"
    binary.parent.mkdir(parents=True)
    binary.touch()
    assert toolchain.foundry_binary("anvil", tmp_path) == binary
    for name in missing:
        (tmp_path / name).rename(tmp_path / "away")
    with pytest.raises(SetupError, match=remedy):
        toolchain.foundry_binary("anvil", tmp_path)
    assert case


def test_a_machine_without_a_binary_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    with pytest.raises(SetupError, match="riscv64"):
        toolchain.foundry_binary("anvil")


def test_a_missing_node_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SetupError, match=r"install Node\.js"):
        toolchain.node()


def test_outside_of_a_checkout_the_contracts_are_missing(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="checkout"):
        toolchain.contracts_folder(tmp_path)


def test_forges_failure_is_the_exit_code_of_the_script() -> None:
    script = toolchain.PROJECT / "scripts" / "forge.py"
    good = subprocess.run(
        [sys.executable, script, "--version"], env=os.environ, capture_output=True, check=False
    )
    bad = subprocess.run(
        [sys.executable, script, "no-such-command"], env=os.environ, capture_output=True, check=False
    )
    assert good.returncode == 0
    assert bad.returncode != 0
