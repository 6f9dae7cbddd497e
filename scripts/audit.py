"""Run slither or halmos over the contracts: `python scripts/audit.py slither|halmos [its arguments]`.

slither reads the code for known mistakes; every finding is mended, or answered beside the code by a
`slither-disable-next-line` with its reason, and one that is not answered fails. One detector is left out
altogether: `timestamp` (low), because every rule here is about seconds to days and what a block's maker could
shift moves nothing. `src/devnet/replica` is not judged: others built it, hazards included. What slither
calls informational or an optimisation is for the formatter, forge's linter and the gas snapshots to judge.

halmos proves the `check_` functions of contracts/test/halmos for all inputs at once.

Both come from scripts/audit-requirements.txt into an environment of their own, .venv-audit: they bring other
versions of what the project uses.
"""

import argparse
import hashlib
import os
import re
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from entitlement.chain.toolchain import PROJECT, contracts_folder, foundry_binary, node, node_modules

REQUIREMENTS = PROJECT / "scripts" / "audit-requirements.txt"
ENVIRONMENT = PROJECT / ".venv-audit"
# Whatever is low or higher fails; so does what SILENT_FAULT finds in slither's words.
SLITHER = ("--config-file", "slither.config.json", "--warn-unused-ignores", "--fail-low")
# An answer in our code to a finding that is gone, or code that could not be read, and so was not judged.
SILENT_FAULT = re.compile(r"^(WARNING:Slither:Unused .*/contracts/src/|ERROR:)", re.MULTILINE)

PROOFS = "test/halmos"
# A list of two tickets goes through its loop twice. The solver is z3: some counterexamples of yices are none.
# An assertion that takes longer to decide is a failure.
HALMOS = ("--no-status", "--loop", "3", "--solver", "z3", "--solver-timeout-assertion", "5m")


def tool(name: str) -> Path:
    """Return a tool of the environment, which is made first if it is missing or of other requirements."""
    binaries, made = ENVIRONMENT / "bin", ENVIRONMENT / ".made"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if not made.is_file() or made.read_text() != wanted:
        print(f"installing slither and halmos into {ENVIRONMENT.name} (once)", flush=True)
        venv.create(ENVIRONMENT, with_pip=True, clear=True)
        install = ["install", "-q", "--disable-pip-version-check", "--require-hashes", "-r", REQUIREMENTS]
        subprocess.run([binaries / "python", "-m", "pip", *install], check=True)  # noqa: S603  what the lock names
        made.write_text(wanted)
    return binaries / name


def surroundings(folder: Path) -> dict[str, str]:
    """Return the variables under which forge builds into `folder`.

    Without the remapping each of OpenZeppelin's files has two names, and slither takes them for two files.
    """
    return os.environ | {
        "PATH": f"{foundry_binary('forge').parent}{os.pathsep}{os.environ['PATH']}",
        "FOUNDRY_REMAPPINGS": f"@openzeppelin/={node_modules().resolve()}/@openzeppelin/",
        "FOUNDRY_OUT": str(folder / "out"),
        "FOUNDRY_CACHE_PATH": str(folder / "cache"),
    }


def slither(folder: Path, arguments: list[str]) -> int:
    """Return 1 if slither found something that is not answered, or could not read everything."""
    ran = subprocess.run(  # noqa: S603  the pinned slither
        [tool("slither"), ".", *SLITHER, *arguments],
        cwd=contracts_folder(),
        env=surroundings(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    print(ran.stdout)
    return int(ran.returncode != 0 or SILENT_FAULT.search(ran.stdout) is not None)


def halmos(folder: Path, arguments: list[str]) -> int:
    """Return 1 if one of the proofs failed, or was not found within its time."""
    only_proofs = {"FOUNDRY_SRC": PROOFS, "FOUNDRY_TEST": PROOFS}
    return subprocess.run(  # noqa: S603  the pinned halmos
        [tool("halmos"), "--forge-build-out", folder / "out", *HALMOS, *arguments],
        cwd=contracts_folder(),
        env=surroundings(folder) | only_proofs,
        check=False,
    ).returncode


def main() -> None:
    """Run the tool that the arguments name."""
    parser = argparse.ArgumentParser(
        description="Run slither or halmos, of pinned versions, over the contracts."
    )
    parser.add_argument("tool", choices=["slither", "halmos"])
    options, arguments = parser.parse_known_args()
    node()  # forge's compiler is contracts/tools/solc.js
    with tempfile.TemporaryDirectory(prefix="audit-") as name:
        sys.exit({"slither": slither, "halmos": halmos}[options.tool](Path(name), arguments))


if __name__ == "__main__":
    main()
