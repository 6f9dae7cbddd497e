"""A short history is checked every time; `make history` lives through longer ones."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.gateway.running import free_port
from tests.history.check import Entry, never_overspent, refused
from tests.history.record import Seen
from tests.history.run import PROCESSES, lived

SECONDS = 10.0


def test_a_history_with_kills_restarts_and_lost_answers_is_one_that_a_right_ledger_could_have(
    capsys: pytest.CaptureFixture[str],
) -> None:
    # Where the machine is busy, it takes longer until all of it has happened.
    for seconds in (SECONDS, 4 * SECONDS):
        verdict, run = lived(1, seconds, [free_port() for _ in range(PROCESSES)])
        with capsys.disabled():
            print(f" {verdict.deliveries} deliveries, {verdict.refusals} refusals, {run.kills} kills", end="")  # noqa: T201
        assert verdict.wrong == ()
        answers = Counter(each.status for each in run.seen)
        if min(answers[201], answers[402], verdict.unknown) > 0:
            break
    else:
        raise AssertionError(f"no history in which everything happens: {answers}")
    assert run.kills > 0
    assert set(answers) <= {200, 201, 402, 409, None}


GRANTED = Entry(1, "grant", "grant", 1, ((1, "issued", "available", 100),))
HELD = Entry(2, "hold:h1", "hold", 1, ((1, "available", "held", 80),))
ENDED = Entry(3, "end:h1", "capture", 1, ((1, "held", "consumed", 30), (1, "held", "available", 50)))


def asked(request_id: str, amount: int, at: float, status: int, **told: object) -> Seen:
    return Seen("hold", 1, request_id, None, amount, at, at + 1, status, told)


@pytest.mark.parametrize(
    ("change", "finds"),
    [
        (lambda entries: entries, 0),
        (lambda entries: [entries[0], replace(entries[1], moves=((1, "available", "held", 101),))], 1),
        (lambda entries: [entries[1], entries[0]], 1),
    ],
)
def test_the_check_finds_what_was_overspent(change: Callable[[list[Entry]], list[Entry]], finds: int) -> None:
    assert len(never_overspent(change([GRANTED, HELD]), {})) == finds
    assert len(never_overspent([GRANTED, HELD], {1: 79})) == 1


@pytest.mark.parametrize(
    ("figure", "at", "is_right"),
    [
        (20, 2.5, True),
        (70, 9.0, True),
        (20, 9.0, False),  # the hold had ended, as its owner knew
        (100, 9.0, False),
        (33, 2.5, False),  # nobody ever had that
    ],
)
def test_the_check_finds_a_refusal_of_what_was_affordable(figure: int, at: float, *, is_right: bool) -> None:
    held = asked("r1", 80, 0.0, 201, hold={"id": "h1"})
    ended = Seen("capture", 1, "r1", "h1", 30, 5.0, 6.0, 200, {"hold": {"id": "h1"}})
    refusal = asked("r2", 90, at, 402, code="insufficient_credit", available=figure)
    assert (refused([GRANTED, HELD, ENDED], [held, ended, refusal], {}) == []) is is_right


@pytest.mark.parametrize(("figure", "is_right"), [(10, True), (20, False), (60, False)])
def test_the_check_finds_a_limit_that_was_not_reached(figure: int, *, is_right: bool) -> None:
    held = asked("r1", 80, 0.0, 201, hold={"id": "h1"})
    refusal = asked("r2", 90, 2.5, 402, code="key_limit_reached", available=figure)
    assert (refused([GRANTED, HELD], [held, refusal], {1: 90}) == []) is is_right
