"""The lists of mutants in contracts/mutants: read them, check that they fit, make their page."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from entitlement.chain.toolchain import PROJECT

LISTS = PROJECT / "contracts" / "mutants"
PAGE = PROJECT / "docs" / "mutants.md"
HEADING = """# Mutants

Breaks that were made in the contracts on purpose, one at a time, and the test that found each: what keeps the
tests themselves honest. `make mutants` makes them all again in a copy and fails if one is not found;
`make mutants ARGS=Guardian` those of one list. Written by `python scripts/mutants.py --write` from
`contracts/mutants`.
"""


@dataclass(frozen=True)
class Mutant:
    """One break: `was` stands exactly once in `file`, which is a path below contracts/src."""

    group: str
    """The list it is in: a contract, with its bases and libraries."""
    stands_for: str
    """What it does to the contract, as a sentence for people."""
    file: str
    was: str
    becomes: str
    killed_by: str
    """Test contract and test function with a dot between; without the function while it is looked for."""

    @property
    def killer(self) -> tuple[str, str]:
        """The test contract, and the function or nothing."""
        contract, _, function = self.killed_by.partition(".")
        return contract, function


def read_lists(folder: Path = LISTS) -> list[Mutant]:
    """Return the mutants of all lists, in the order of the page."""
    return [
        Mutant(group=path.stem, **entry)
        for path in sorted(folder.glob("*.toml"))
        for entry in tomllib.loads(path.read_text())["mutant"]
    ]


def faults(mutants: list[Mutant], contracts: Path) -> Iterator[str]:
    """Say of each mutant that no longer fits the sources or the tests what is wrong with it."""
    tests = "\n".join(path.read_text() for path in (contracts / "test").rglob("*.sol"))
    for mutant in mutants:
        times = (contracts / "src" / mutant.file).read_text().count(mutant.was)
        if times != 1:
            yield f"{mutant.file}: stands {times} times in the source: {mutant.was!r}"
        if mutant.was == mutant.becomes:
            yield f"{mutant.file}: changes nothing: {mutant.was!r}"
        contract, function = mutant.killer
        if not re.search(rf"\bcontract {contract}\b", tests) or f"function {function}(" not in tests:
            yield f"{mutant.file}: there is no test {mutant.killed_by}"


def page(mutants: list[Mutant]) -> str:
    """Return the text of docs/mutants.md."""
    parts = [HEADING]
    for group in dict.fromkeys(mutant.group for mutant in mutants):
        rows = [
            f"| {mutant.stands_for} | `{mutant.file}` | `{mutant.killed_by}` |"
            for mutant in mutants
            if mutant.group == group
        ]
        parts.append(
            "\n".join([f"## {group}\n", "| Mutant | In | Found by |", "|---|---|---|", *rows]) + "\n"
        )
    return "\n".join(parts)
