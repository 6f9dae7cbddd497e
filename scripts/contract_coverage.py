"""Measure what the forge tests reach in contracts/src; fail if a line or branch is left out without a reason.

The tests of single rules are measured, without the machines that act at random: what only chance reaches is
not tested. Forge counts the arms that are written, not the case in which an `if` without `else` does nothing.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from entitlement.chain.toolchain import contracts_folder, foundry_binary, node, node_modules
from entitlement.core.errors import SetupError

# Gas is left out because it is that of optimized code, and this is not.
NOT_RUN = "Gas|Yardstick|Invariants|Logs"
NOT_MEASURED = "(test|devnet)/"
FUZZ_RUNS = 64

Place = tuple[str, str]
"""A file under contracts/, and the text of a line in it: a number would be another one tomorrow."""

ACCEPTED: dict[Place, str] = {
    ("src/MintCurve.sol", "revert SearchDidNotEnd();"): (
        "no input is known that reaches it: the worst that was found needs 12 of the 32 rounds"
    ),
}


def uncovered(lcov: str) -> Iterator[tuple[str, int]]:
    """Yield file and line of everything in an lcov report that no test reached, each line once."""
    file = ""
    seen: set[tuple[str, int]] = set()
    for record in lcov.splitlines():
        kind, _, value = record.partition(":")
        if kind == "SF":
            file = value
        elif kind in {"DA", "BRDA"}:
            fields = value.split(",")
            place = file, int(fields[0])
            # A branch that was not even asked for has a dash.
            if fields[-1] in {"0", "-"} and place not in seen:
                seen.add(place)
                yield place


def findings(lcov: str, folder: Path, accepted: dict[Place, str]) -> list[str]:
    """Return a sentence for each line that should be reached, and for each exception that is not needed."""
    found: list[str] = []
    left = set(accepted)
    for file, number in uncovered(lcov):
        text = (folder / file).read_text().splitlines()[number - 1].strip()
        if (file, text) in accepted:
            left.discard((file, text))
        else:
            found.append(f"{file}:{number} is not reached in full: {text}")
    found += [f"{file} needs no exception any more: {text}" for file, text in sorted(left)]
    return found


def measure(forge: Path, folder: Path, report: Path) -> str:
    """Run the tests, write an lcov report, and return what forge prints; ends the program if a test fails."""
    command = [
        *(forge, "coverage", "--report", "summary", "--report", "lcov", "--report-file", report),
        *("--no-match-contract", NOT_RUN, "--no-match-coverage", NOT_MEASURED),
        # Forge's analysis does not find imports by a path that leads out of its folder.
        *("--remappings", f"@openzeppelin/={node_modules()}/@openzeppelin/"),
    ]
    environment = os.environ | {"FOUNDRY_FUZZ_RUNS": str(FUZZ_RUNS), "FORGE_SNAPSHOT_EMIT": "false"}
    done = subprocess.run(  # noqa: S603  the pinned binary, with words of our own
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode != 0:
        print(done.stdout)
        sys.exit(done.returncode)
    return done.stdout


def main() -> None:
    """Print forge's table, the exceptions with their reasons, and what is missing."""
    try:
        forge, folder = foundry_binary("forge"), contracts_folder()
        node()  # forge's compiler is contracts/tools/solc.js
    except SetupError as error:
        sys.exit(str(error))
    with TemporaryDirectory() as scratch:
        report = Path(scratch) / "lcov.info"
        printed = measure(forge, folder, report)
        found = findings(report.read_text(), folder, ACCEPTED)
    print(printed[printed.index("╭") :])
    for (file, text), reason in ACCEPTED.items():
        print(f"accepted: {file}, {text} {reason}")
    sys.exit("\n".join(found) or None)


if __name__ == "__main__":
    main()
