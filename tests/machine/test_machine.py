import os
from collections import Counter
from contextlib import nullcontext

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.machine.histories import enough
from tests.machine.machine import Machine
from tests.machine.play import DONE, Disagreement, Play, Tally
from tests.machine.shorter import shortest
from tests.machine.stages import Theatre

SEEDS = os.environ.get("SEEDS")
"""So many histories on each stage, at random; else a few, always the same."""
SHAPES = 26
"""In a history: each is one call or two, with a wait or without."""

DONE_AT_LEAST = {
    "young": {"StakedVVV.stake": 10, "StakedVVV.claim": 5, "StakedVVV.requestUnstake": 5},
    "grown": {
        "StakedVVV.stake": 15,
        "StakedVVV.requestUnstake": 30,
        "StakedVVV.cancelUnstake": 10,
        "StakedVVV.claimUnstake": 20,
        "StakedVVV.claim": 20,
        "StakedVVV.compound": 5,
        "StakedVVV.payTreasury": 5,
        "DiemMint.mintDiem": 5,
        "DiemMint.mintExactOut": 20,
        "DiemMint.burnDiem": 30,
        "InferenceStake.stake": 15,
        "InferenceStake.requestUnstake": 30,
        "InferenceStake.cancelUnstake": 10,
        "InferenceStake.claimUnstake": 20,
        "InferenceStake.delegate": 20,
        "InferenceStake.endDelegation": 20,
        "Guardian.pauseEntries": 5,
    },
}
"""How often each call must have succeeded: a machine that is refused everywhere tests nothing."""

MET = {
    "young": {"MintingNotOpen", "ZeroAmount", "TicketNotOpen"},
    "grown": {"TicketNotDue", "DelegationLocked", "NotDelegationParty", "TermOutOfBounds"}
    | {"InsufficientUndelegated", "InsufficientUnlocked", "LockExceedsMaximum", "OutputBelowMinimum"},
}
"""The errors that must have been met."""


@pytest.mark.parametrize(("stage", "histories"), [("young", 16), ("grown", 64)])
@pytest.mark.timeout(36_000)
def test_the_contracts_do_what_the_model_says_whatever_is_done_in_whatever_order(
    stage: str, histories: int, theatre: Theatre, capsys: pytest.CaptureFixture[str]
) -> None:
    def lacking(tally: Tally) -> tuple[dict[str, int], set[str]]:
        least = DONE_AT_LEAST[stage].items()
        too_few = {call: tally[call, DONE] for call, times in least if tally[call, DONE] < times}
        return too_few, MET[stage] - {outcome for _, outcome in tally}

    tally = enough(
        lambda many: _play(stage, many, theatre), int(SEEDS or histories), lambda t: any(lacking(t))
    )
    with capsys.disabled() if SEEDS else nullcontext():
        print(f"\non the {stage} stage\n{_table(tally)}")  # noqa: T201  to a person
    assert lacking(tally) == ({}, set())


def _play(stage: str, histories: int, theatre: Theatre) -> Tally:
    tally: Tally = Counter()

    def ended(play: Play) -> None:
        tally.update(play.tally)
        tally["(histories)", DONE] += 1

    try:
        run_state_machine_as_test(lambda: Machine(theatre.begin(stage), ended), settings=_settings(histories))
    except Disagreement as found:
        raise shortest(theatre, found) from None
    return tally


def _settings(histories: int) -> settings:
    return settings(
        max_examples=histories,
        stateful_step_count=SHAPES,
        derandomize=SEEDS is None,
        phases=[Phase.generate],  # shorter.py makes a failure short
        report_multiple_bugs=False,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


def _table(tally: Tally) -> str:
    """A line for each call: how often it was done, and how often it was refused for what."""
    lines: list[str] = []
    for call in sorted({call for call, _ in tally}):
        outcomes = {outcome: times for (each, outcome), times in tally.items() if each == call}
        refused = ", ".join(f"{name} {times}" for name, times in sorted(outcomes.items()) if name != DONE)
        lines.append(f"{call:<32}{outcomes.get(DONE, 0):>6}  {refused}")
    return "\n".join(lines)
