"""The life of a run: what is next, for each thing that can be seen."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entitlement.core.buyback_run import (
    ATTEMPTS_MAX,
    OPEN,
    REPLACE_AFTER_SECONDS,
    Act,
    Attempt,
    Included,
    Kind,
    Run,
    RunState,
    Sight,
    next_act,
    under_way,
)
from entitlement.core.fees import Fees, raised
from entitlement.core.units import Usdc, Wallet, Wei

NOW, DEADLINE = 1_000_000, 1_001_000
EXECUTE = Attempt(1, Kind.EXECUTE, "0x1", b"1", 100, 10, NOW - 1)
CANCEL = replace(EXECUTE, number=2, kind=Kind.CANCEL, hash="0x2")
RUN = Run(
    id=1,
    plan_id=None,
    number=5,
    keeper=Wallet("0x" + "1" * 40),
    nonce=9,
    usdc=Usdc(100),
    minimum=Wei(50),
    floor=Wei(40),
    deadline=DEADLINE,
    state=RunState.SENT,
    attempts=(EXECUTE,),
)
QUIET = Sight(block=70, time=NOW, final_block=60, next_run=5, nonce=9, included=None, is_known=True)


def in_block(
    attempt: Attempt = EXECUTE, *, block: int = 65, final: bool = False, failed: bool = False
) -> Included:
    return Included(attempt, block, final, not failed, Usdc(100), Wei(60))


PLANNED = replace(RUN, state=RunState.PLANNED, attempts=())
UNSENT = replace(RUN, state=RunState.SIGNED, attempts=(replace(EXECUTE, sent_at=None),))
MINED = replace(RUN, state=RunState.MINED, block=65, hash="0x1")
CANCELLED = replace(RUN, attempts=(EXECUTE, CANCEL))
SLOW = NOW + REPLACE_AFTER_SECONDS
TIRED = replace(RUN, attempts=tuple(replace(EXECUTE, number=each + 1) for each in range(ATTEMPTS_MAX)))


@pytest.mark.parametrize(
    ("case", "run", "seen", "act", "state"),
    [
        ("planned, and its turn", PLANNED, {}, Act.SIGN, None),
        ("planned, too late", PLANNED, {"time": DEADLINE + 1}, Act.SETTLE, RunState.REFUSED),
        ("planned, another's turn", PLANNED, {"next_run": 6}, Act.SETTLE, RunState.REFUSED),
        ("signed, and perhaps sent", UNSENT, {"is_known": True}, Act.SEND, None),
        ("signed", UNSENT, {"is_known": False}, Act.SEND, None),
        ("waiting", RUN, {}, Act.WAIT, None),
        ("forgotten by the node", RUN, {"is_known": False}, Act.SEND, None),
        ("at its deadline", RUN, {"time": DEADLINE, "is_known": False}, Act.REPLACE, None),
        ("past its deadline", RUN, {"time": DEADLINE + 1}, Act.CANCEL, None),
        ("signed, past its deadline", UNSENT, {"time": DEADLINE + 1}, Act.CANCEL, None),
        ("too slow", RUN, {"time": SLOW}, Act.REPLACE, None),
        ("too slow and forgotten", RUN, {"time": SLOW, "is_known": False}, Act.REPLACE, None),
        ("replaced often enough", TIRED, {"time": SLOW}, Act.PERSON, None),
        ("its number is taken", RUN, {"next_run": 6}, Act.CANCEL, None),
        ("an earlier run is gone", RUN, {"next_run": 4}, Act.WAIT, None),
        ("a cancel waits", CANCELLED, {"time": NOW + 5}, Act.WAIT, None),
        ("a cancel is too slow", CANCELLED, {"time": SLOW}, Act.CANCEL, None),
        ("in a block", RUN, {"included": in_block()}, Act.SETTLE, RunState.MINED),
        ("in the same block as before", MINED, {"included": in_block()}, Act.WAIT, None),
        ("in another block", MINED, {"included": in_block(block=66)}, Act.SETTLE, RunState.MINED),
        ("final", MINED, {"included": in_block(final=True)}, Act.SETTLE, RunState.FINAL),
        ("failed, not final", RUN, {"included": in_block(failed=True)}, Act.SETTLE, RunState.MINED),
        (
            "failed for good",
            MINED,
            {"included": in_block(failed=True, final=True)},
            Act.SETTLE,
            RunState.REFUSED,
        ),
        ("cancelled", CANCELLED, {"included": in_block(CANCEL, final=True)}, Act.SETTLE, RunState.REFUSED),
        (
            "the run itself in spite of a cancel",
            CANCELLED,
            {"included": in_block(final=True)},
            Act.SETTLE,
            RunState.FINAL,
        ),
        ("dropped by a fork", MINED, {}, Act.SETTLE, RunState.SENT),
        ("its nonce is used", RUN, {"nonce": 10}, Act.SETTLE, RunState.SENT),
        ("used, not final", replace(RUN, taken_at=68), {"nonce": 10}, Act.WAIT, None),
        ("used for good", replace(RUN, taken_at=60), {"nonce": 10}, Act.SETTLE, RunState.REPLACED),
        ("free again", replace(RUN, taken_at=60), {}, Act.SETTLE, RunState.SENT),
        ("a shorter chain", replace(RUN, taken_at=80), {"nonce": 10}, Act.SETTLE, RunState.SENT),
    ],
)
def test_what_is_next(case: str, run: Run, seen: dict[str, object], act: Act, state: RunState | None) -> None:
    decision = next_act(run, replace(QUIET, **seen))  # type: ignore[arg-type]
    assert (decision.act, decision.state) == (act, state), (case, decision.reason)


runs = st.sampled_from([PLANNED, UNSENT, RUN, MINED, CANCELLED, TIRED, replace(RUN, taken_at=68)])
sights = st.builds(
    Sight,
    block=st.integers(60, 80),
    time=st.sampled_from([NOW, SLOW, DEADLINE, DEADLINE + 1]),
    final_block=st.integers(50, 70),
    next_run=st.integers(4, 6),
    nonce=st.integers(8, 11),
    included=st.sampled_from([None, in_block(), in_block(final=True), in_block(failed=True)]),
    is_known=st.booleans(),
)


@given(runs, sights)
def test_nothing_is_given_up_that_could_still_execute(run: Run, sight: Sight) -> None:
    decision = next_act(run, sight)
    if decision.state in {RunState.REFUSED, RunState.REPLACED}:
        never_signed = not run.attempts
        in_vain = sight.included is not None and sight.included.is_final and not sight.included.succeeded
        taken = sight.nonce > run.nonce and run.taken_at is not None and sight.final_block >= run.taken_at
        assert never_signed or in_vain or taken


@given(runs, sights)
def test_nothing_is_signed_past_the_deadline_or_out_of_turn(run: Run, sight: Sight) -> None:
    decision = next_act(run, sight)
    if decision.act in {Act.SIGN, Act.REPLACE}:
        assert sight.time <= run.deadline
        assert sight.next_run == run.number
        assert sight.nonce <= run.nonce


@given(st.integers(1, 10**12), st.integers(1, 10**12), st.integers(0, 10**12), st.integers(0, 10**12))
def test_a_replacement_offers_an_eighth_more_of_both_parts(
    fee: int, tip: int, asked: int, usual: int
) -> None:
    found = raised(Fees(fee, tip), Fees(asked, usual))
    assert found.most * 1_000 >= fee * 1_125
    assert found.tip * 1_000 >= tip * 1_125
    assert found.most >= asked
    assert found.tip >= usual


def test_a_run_counts_as_bought_while_it_may_execute_and_once_by_the_chain() -> None:
    for state in RunState:
        assert under_way([replace(RUN, state=state)], set()) == (100 if state in OPEN else 0)
        assert under_way([replace(RUN, state=state)], {5}) == 0
