"""Histories that were worth keeping: what the model and the contracts said then, they say now."""

from pathlib import Path

import pytest

from tests.machine.shorter import play_script
from tests.machine.stages import Theatre
from tests.machine.steps import read_script, write_script

REPLAYS = sorted((Path(__file__).parent / "replays").glob("*.json"))


@pytest.mark.parametrize("path", REPLAYS, ids=lambda path: path.stem)
def test_a_history_is_played_again_as_it_was(path: Path, theatre: Theatre) -> None:
    found = play_script(theatre, read_script(path))
    if found is not None:
        raise found


def test_there_are_replays() -> None:
    assert {"a_rate_of_zero", "midnights", "a_ramp"} <= {path.stem for path in REPLAYS}


@pytest.mark.parametrize("path", REPLAYS, ids=lambda path: path.stem)
def test_a_script_that_is_read_is_written_as_it_was(path: Path) -> None:
    assert write_script(read_script(path)) == path.read_text()
