from pathlib import Path

import pytest

from scripts.contract_coverage import findings

SOURCE = """contract One {
    function two() external {
        if (three) revert Three();
        four();
    }
}
"""
FILE = "src/One.sol"
LINE = (FILE, "if (three) revert Three();")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / FILE).write_text(SOURCE)
    return tmp_path


def report(*records: str) -> str:
    return "\n".join(["TN:", f"SF:{FILE}", "FN:2,One.two", "FNDA:7,One.two", *records, "end_of_record"])


def test_what_is_reached_is_no_finding(folder: Path) -> None:
    assert findings(report("DA:3,7", "BRDA:3,0,0,1", "DA:4,10"), folder, {}) == []


@pytest.mark.parametrize("record", ["DA:3,0", "BRDA:3,0,0,0", "BRDA:3,0,1,-"])
def test_a_line_or_a_branch_that_no_test_reaches_is_named(folder: Path, record: str) -> None:
    (finding,) = findings(report(record, "DA:4,10"), folder, {})
    assert finding == "src/One.sol:3 is not reached in full: if (three) revert Three();"


def test_a_line_is_named_once(folder: Path) -> None:
    assert len(findings(report("DA:3,0", "BRDA:3,0,0,0", "DA:4,0"), folder, {})) == 2


def test_an_accepted_line_is_no_finding_and_excuses_no_other(folder: Path) -> None:
    (finding,) = findings(report("BRDA:3,0,0,0", "DA:4,0"), folder, {LINE: "a reason"})
    assert finding.startswith("src/One.sol:4 ")


def test_an_exception_that_is_not_needed_any_more_is_named(folder: Path) -> None:
    (finding,) = findings(report("BRDA:3,0,0,1"), folder, {LINE: "a reason"})
    assert finding == "src/One.sol needs no exception any more: if (three) revert Three();"
