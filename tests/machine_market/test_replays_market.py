"""Histories of the market that were worth keeping: what was said then, model and contracts say now."""

from pathlib import Path

import pytest

from tests.machine.shorter import play_script
from tests.machine.steps import read_script, write_script
from tests.machine_market.stages import MarketTheatre

REPLAYS = sorted((Path(__file__).parent / "replays").glob("*.json"))


@pytest.mark.parametrize("path", REPLAYS, ids=lambda path: path.stem)
def test_a_history_of_the_market_is_played_again_as_it_was(path: Path, market_theatre: MarketTheatre) -> None:
    found = play_script(market_theatre, read_script(path))
    if found is not None:
        raise found


def test_there_are_replays_of_the_market() -> None:
    assert {"two_runs_and_a_used_permit"} <= {path.stem for path in REPLAYS}


@pytest.mark.parametrize("path", REPLAYS, ids=lambda path: path.stem)
def test_a_script_of_the_market_that_is_read_is_written_as_it_was(path: Path) -> None:
    assert write_script(read_script(path)) == path.read_text()
