from dataclasses import replace

import pytest

from entitlement.core.health import FollowHealth, Readiness

BOUNDS = Readiness(blocks_behind=10, seconds_since_step=60, seconds_behind=600, seconds_since_move=90)
HEALTH = FollowHealth(
    chain_id=1,
    head_number=100,
    head_timestamp=0,
    final_number=95,
    final_timestamp=0,
    node_number=110,
    seconds_since_step=60,
    seconds_behind=600,
    seconds_since_move=90,
    node_seconds_behind=600,
    problem=None,
    granting_stopped=None,
    check_failed=None,
)


def test_at_the_bounds_the_service_is_ready() -> None:
    assert BOUNDS.reasons(HEALTH) == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"problem": "the line is dead"}, "the last step failed: the line is dead"),
        ({"node_number": 111}, "11 blocks behind the node"),
        ({"seconds_since_step": 61}, "last asked 61 s ago"),
        (
            {"seconds_behind": 601, "node_seconds_behind": 599},
            "601 s old, more than 600; the node's newest was made 599 s",
        ),
        ({"seconds_since_move": 91}, "has stood at block 100 for 91 s, the node is at 110"),
        ({"seconds_since_move": 91, "node_number": 99}, "has stood at block 100 for 91 s, the node is at 99"),
        ({"granting_stopped": "x", "problem": "x"}, "nothing is granted until a step succeeds: x"),
        ({"check_failed": "y"}, "nothing is granted until a verification succeeds: y"),
    ],
)
def test_what_stands_against_it_is_said_with_the_figures(changes: dict[str, object], reason: str) -> None:
    found = BOUNDS.reasons(replace(HEALTH, **changes))  # type: ignore[arg-type]
    assert len(found) == 1
    assert reason in found[0]


def test_a_chain_that_stands_still_is_no_fault_of_following() -> None:
    assert BOUNDS.reasons(replace(HEALTH, seconds_since_move=10**6, node_number=100)) == []


def test_a_step_that_fails_after_granting_was_stopped_is_told_beside_it() -> None:
    found = BOUNDS.reasons(replace(HEALTH, granting_stopped="x", problem="y"))
    assert ["x" in found[0], "y" in found[1], len(found)] == [True, True, 2]


def test_before_the_first_step_it_is_not_ready() -> None:
    assert "not been followed" in BOUNDS.reasons(None)[0]


def test_every_reason_is_named_at_once() -> None:
    worst = replace(HEALTH, problem="x", node_number=10**6, seconds_since_step=10**6, seconds_behind=10**6)
    assert len(BOUNDS.reasons(worst)) == 4
    worst = replace(worst, granting_stopped="y", check_failed="z")
    assert len(BOUNDS.reasons(worst)) == 6
