from dataclasses import replace

import pytest

from entitlement.core.health import FollowHealth, Readiness

BOUNDS = Readiness(blocks_behind=10, seconds_since_step=60, seconds_behind=600)
HEALTH = FollowHealth(
    chain_id=1,
    head_number=100,
    head_timestamp=0,
    final_number=95,
    final_timestamp=0,
    node_number=110,
    seconds_since_step=60,
    seconds_behind=600,
    problem=None,
)


def test_at_the_bounds_the_service_is_ready() -> None:
    assert BOUNDS.reasons(HEALTH) == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"problem": "the line is dead"}, "the last step failed: the line is dead"),
        ({"node_number": 111}, "11 blocks behind the node"),
        ({"seconds_since_step": 61}, "last asked 61 s ago"),
        ({"seconds_behind": 601}, "601 s old"),
    ],
)
def test_what_stands_against_it_is_said_with_the_figures(changes: dict[str, object], reason: str) -> None:
    found = BOUNDS.reasons(replace(HEALTH, **changes))  # type: ignore[arg-type]
    assert len(found) == 1
    assert reason in found[0]


def test_before_the_first_step_it_is_not_ready() -> None:
    assert "not been followed" in BOUNDS.reasons(None)[0]


def test_every_reason_is_named_at_once() -> None:
    worst = replace(HEALTH, problem="x", node_number=10**6, seconds_since_step=10**6, seconds_behind=10**6)
    assert len(BOUNDS.reasons(worst)) == 4
