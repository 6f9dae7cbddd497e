"""The gas table of docs/contracts.md says what forge measured: contracts/snapshots is its only source."""

import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TRANSACTION = 21_000
"""What any transaction costs before its first instruction."""
YARDSTICK = "Yardstick"
"""The snapshots of contracts that are not ours."""
NAME = re.compile(r"`(.+)`")


def test_each_row_says_what_was_measured() -> None:
    ours, others = snapshots()
    for cells in rows():
        action, target, yardstick = cells[0], cells[3], name_in(cells[4])
        gas = ours[name_in(action)]
        its = others.get(yardstick)
        assert cells == [
            action,
            f"{gas:,}",
            f"{gas - TRANSACTION:,}",
            target,
            cells[4],
            f"{its:,}" if its else "",
            ratio(gas, its) if its else "",
        ]


def test_every_measured_figure_has_its_row() -> None:
    ours, others = snapshots()
    actions = [name_in(cells[0]) for cells in rows()]
    assert sorted(actions) == sorted(ours)
    assert {name_in(cells[4]) for cells in rows()} - {""} == set(others)


def test_no_action_is_above_its_target() -> None:
    with_target = [cells for cells in rows() if cells[3]]
    assert with_target, "the table has targets"
    for cells in with_target:
        assert number(cells[2]) <= number(cells[3]), cells[0]


def rows() -> list[list[str]]:
    """Return the cells of each row: action, gas, without the 21,000, target, yardstick, its gas, ratio."""
    section = (ROOT / "docs" / "contracts.md").read_text().split("\n## Gas\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def snapshots() -> tuple[dict[str, int], dict[str, int]]:
    """Return gas by `Contract.function`, for our contracts and for the yardsticks."""
    ours: dict[str, int] = {}
    others: dict[str, int] = {}
    for path in (ROOT / "contracts" / "snapshots").glob("*.json"):
        for name, gas in json.loads(path.read_text()).items():
            if path.stem == YARDSTICK:
                others[name] = int(gas)
            else:
                ours[f"{path.stem}.{name}"] = int(gas)
    return ours, others


def name_in(cell: str) -> str:
    found = NAME.search(cell)
    return found[1] if found else ""


def number(cell: str) -> int:
    return int(cell.replace(",", ""))


def ratio(gas: int, its: int) -> str:
    """Return gas / its with two decimals, rounded half up."""
    hundredths = (200 * gas + its) // (2 * its)
    return f"{hundredths // 100}.{hundredths % 100:02}"
