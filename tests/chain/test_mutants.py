"""The lists of mutants fit the sources and their page; `make mutants` makes the mutants themselves."""

from dataclasses import replace

import pytest

from entitlement.chain.toolchain import contracts_folder
from scripts import mutant_lists as mutants

MUTANTS = mutants.read_lists()


def test_every_mutant_still_fits_its_source_and_names_a_test_that_is_there() -> None:
    assert MUTANTS
    assert list(mutants.faults(MUTANTS, contracts_folder())) == []


def test_the_page_is_what_the_lists_say() -> None:
    assert mutants.PAGE.read_text() == mutants.page(MUTANTS), "run `python scripts/mutants.py --write`"


def test_every_contract_with_code_of_its_own_has_mutants() -> None:
    sources = {path.name for path in (contracts_folder() / "src").glob("*.sol")}
    assert sources == {mutant.file for mutant in MUTANTS}


@pytest.mark.parametrize(
    ("case", "change", "fault"),
    [
        ("the source has changed", {"was": "no such text"}, "stands 0 times"),
        ("the text is not unique", {"was": ";"}, "times in the source"),
        ("it changes nothing", {"was": "_totals.tickets", "becomes": "_totals.tickets"}, "changes nothing"),
        ("the test has gone", {"killed_by": "TokensTest.test_Nothing"}, "no test TokensTest.test_Nothing"),
        ("no test was named yet", {"killed_by": "TokensTest"}, "no test TokensTest"),
    ],
)
def test_a_mutant_that_does_not_fit_is_told(case: str, change: dict[str, str], fault: str) -> None:
    mutant = next(mutant for mutant in MUTANTS if mutant.file == "Station.sol")
    assert fault in "\n".join(mutants.faults([replace(mutant, **change)], contracts_folder())), case
