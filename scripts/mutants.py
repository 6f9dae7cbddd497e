"""Break the contracts in known ways and see a test find each: `python scripts/mutants.py [Guardian ...]`.

contracts/mutants/*.toml lists the breaks, each with the test that must fail of it. They are made in a copy of
contracts/, one after the other; the work tree is never touched. Exits with 1 when one is not found.
`killed_by` may name a contract without a test while a new mutant is written: then all tests of that contract
run, and those that fail are named, to choose from.

`--write` writes docs/mutants.md anew. `--check` runs nothing: it tells whether the lists still fit the
sources, which needs no compiler.
"""

import argparse
import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from entitlement.chain.toolchain import PROJECT, contracts_folder, foundry_binary, node, node_modules
from scripts.mutant_lists import PAGE, Mutant, faults, page, read_lists

FORGE_SECONDS_MAX = 900
# A mutant may leave a variable unused: only a test's failure counts. Unoptimised code compiles in half
# the time.
PLAIN = {
    "FOUNDRY_OPTIMIZER": "false",
    "FOUNDRY_DENY": "never",
    "FOUNDRY_OUT": "out",
    "FOUNDRY_CACHE_PATH": "cache",
}
# Linked at run time, tests need not be compiled again when a source changes: seconds a mutant, not a minute.
# But a test then ends with the first `new` that it expects to revert, and what follows goes untried: what
# survives here is tried again in the plain way.
QUICK = PLAIN | {
    "FOUNDRY_DYNAMIC_TEST_LINKING": "true",
    "FOUNDRY_OUT": "out-quick",
    "FOUNDRY_CACHE_PATH": "cache-quick",
}


class Bench:
    """A copy of contracts/ in which sources may be broken; it compiles from its own cache."""

    def __init__(self, folder: Path) -> None:
        """Use `folder`, which `furnish` has filled, with a compiler of its own, which `close` ends."""
        self._contracts = folder / "contracts"
        self._socket = folder / "solc"
        warm = contracts_folder() / "tools" / "solc-warm.js"
        self._compiler = subprocess.Popen(  # noqa: S603  our own program
            [node(), warm, "serve", self._socket], stdout=subprocess.PIPE, text=True
        )
        assert self._compiler.stdout is not None, "a pipe was asked for"
        self._compiler.stdout.readline()  # it is ready
        self._surroundings = os.environ | {
            "FOUNDRY_SOLC": str(warm),
            "SOLC_SOCKET": str(self._socket),
            "FOUNDRY_REMAPPINGS": f"@openzeppelin/={node_modules().resolve()}/@openzeppelin/",
        }

    @staticmethod
    def furnish(folder: Path) -> None:
        """Copy what the tests read into an empty `folder`."""
        built = shutil.ignore_patterns("out", "cache")
        shutil.copytree(contracts_folder(), folder / "contracts", ignore=built)
        shutil.copytree(PROJECT / "tests/core/vectors", folder / "tests/core/vectors")
        (folder / "node_modules").symlink_to(node_modules().resolve())

    def close(self) -> None:
        """End the compiler."""
        self._compiler.kill()
        self._compiler.communicate()

    def judge(self, mutant: Mutant) -> str:
        """Break, test, mend. Returns nothing for a mutant that its killer found, or else what happened."""
        path = self._contracts / "src" / mutant.file
        sound = path.read_text()
        path.write_text(sound.replace(mutant.was, mutant.becomes))
        try:
            failed, passed = self.tests([mutant.killer], QUICK)
            if not failed:
                failed, passed = self.tests([mutant.killer], PLAIN)
        finally:
            path.write_text(sound)
        contract, function = mutant.killer
        if function and mutant.killed_by in failed:
            return ""
        if not failed:
            return f"SURVIVED {', '.join(sorted(passed))}"
        # A setUp that fails is no test that found something.
        found = ", ".join(sorted(name.removeprefix(f"{contract}.") for name in failed))
        return f"was found by {found} of {contract}: name the one that should"

    def tests(self, killers: Iterable[tuple[str, str]], way: dict[str, str]) -> tuple[set[str], set[str]]:
        """Run tests, compiled in one `way`; returns those that failed and those that passed, as
        `Contract.function`.
        """
        contracts = "|".join(sorted({contract for contract, _ in killers}))
        functions = "|".join(sorted({function or ".*" for _, function in killers}))
        # Counterexamples that an earlier mutant left would otherwise be tried first.
        for kept in ("fuzz", "invariant"):
            shutil.rmtree(self._contracts / way["FOUNDRY_CACHE_PATH"] / kept, ignore_errors=True)
        filters = ["--match-contract", f"^({contracts})$", "--match-test", rf"^({functions})\("]
        ran = subprocess.run(  # noqa: S603  the pinned forge
            [foundry_binary("forge"), "test", "--json", *filters],
            cwd=self._contracts,
            env=self._surroundings | way,
            capture_output=True,
            text=True,
            check=False,
            timeout=FORGE_SECONDS_MAX,
        )
        try:
            suites: dict[str, Any] = json.loads(ran.stdout.strip().splitlines()[-1])
        except (IndexError, json.JSONDecodeError):
            return {f"the compiler: {(ran.stderr or ran.stdout).strip()[-2000:]}"}, set()
        outcomes = {
            f"{suite.rpartition(':')[2]}.{signature.partition('(')[0]}": result["status"]
            for suite, results in suites.items()
            for signature, result in results["test_results"].items()
        }
        failed = {name for name, status in outcomes.items() if status == "Failure"}
        return failed, outcomes.keys() - failed


def run(mutants: list[Mutant], jobs: int) -> int:
    """Judge each mutant; returns how many were not found."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as name, ExitStack() as open_benches:

        def bench_in(folder: Path) -> Bench:
            bench = Bench(folder)
            open_benches.callback(bench.close)
            return bench

        Bench.furnish(Path(name, "0"))
        first = bench_in(Path(name, "0"))
        print("compiling, and seeing every named test pass on the sound contracts", flush=True)
        failed, passed = first.tests({mutant.killer for mutant in mutants}, QUICK)
        unready = failed | {mutant.killed_by for mutant in mutants if mutant.killer[1]} - passed
        if unready:
            sys.exit(f"on the sound contracts these do not pass: {', '.join(sorted(unready))}")
        benches: queue.SimpleQueue[Bench] = queue.SimpleQueue()
        benches.put(first)
        for number in range(1, jobs):
            # With what it has compiled; node_modules stays a link, and the first one's socket is its own.
            copied = Path(name, str(number))
            shutil.copytree(Path(name, "0"), copied, symlinks=True, ignore=shutil.ignore_patterns("solc"))
            benches.put(bench_in(copied))

        def judge(mutant: Mutant) -> bool:
            bench = benches.get()
            try:
                verdict = bench.judge(mutant)
            finally:
                benches.put(bench)
            print(f"{mutant.group}: {mutant.stands_for}: {verdict or 'found'}", flush=True)
            return not verdict

        with ThreadPoolExecutor(jobs) as pool:
            return list(pool.map(judge, mutants)).count(False)


def main() -> None:
    """Do what the arguments ask for."""
    mutants = read_lists()
    groups = sorted({mutant.group for mutant in mutants})
    parser = argparse.ArgumentParser(description="Break the contracts and see that a test finds each break.")
    parser.add_argument("groups", nargs="*", metavar="LIST", help=f"of these lists only: {', '.join(groups)}")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time (2)")
    parser.add_argument("--write", action="store_true", help="write docs/mutants.md and end")
    parser.add_argument("--check", action="store_true", help="only tell whether the lists fit the sources")
    options = parser.parse_args()
    unknown = sorted({*options.groups} - {*groups})
    if unknown:
        parser.error(f"no such list: {', '.join(unknown)}")

    if options.write:
        PAGE.write_text(page(mutants))
        return
    if options.check:
        wrong = list(faults(mutants, contracts_folder()))
        if PAGE.read_text() != page(mutants):
            wrong.append("docs/mutants.md is not what the lists say: run `python scripts/mutants.py --write`")
        sys.exit("\n".join(wrong) or 0)
    node()  # forge's compiler is contracts/tools/solc.js
    wanted = [mutant for mutant in mutants if mutant.group in options.groups or not options.groups]
    lost = run(wanted, options.jobs)
    print(f"{len(wanted) - lost} of {len(wanted)} mutants found")
    sys.exit(1 if lost else 0)


if __name__ == "__main__":
    main()
