"""Buybacks against real contracts: a plan's figures are the chain's, and a run is executed once."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from entitlement.chain.artifacts import Artifacts
from entitlement.chain.networks import Network
from entitlement.core.buyback import Lot, Verdict
from entitlement.core.buyback_run import Kind, RunState
from entitlement.core.errors import BuybackBusy
from entitlement.core.pool_depth import further_limit
from entitlement.core.units import Usdc, Wei
from tests.chain.buyback_stage import DOLLAR, WIDEST, Stage, flows, opened_market


@pytest.fixture(scope="module")
def stage(network: Network, artifacts: Artifacts) -> Iterator[Stage]:
    with opened_market(network, artifacts) as made:
        yield made


@pytest.fixture(autouse=True)
def _undone(stage: Stage) -> Iterator[None]:
    """Each test begins with the market as it was opened."""
    snapshot = stage.system.devnet.snapshot()
    yield
    stage.system.devnet.revert(snapshot)


AMOUNTS = (1, 100, 9_999, 10_000)


@pytest.mark.parametrize("ranges", ["one range", "many ranges"])
def test_what_a_lot_brings_is_computed_to_the_wei_from_the_pools_state(stage: Stage, ranges: str) -> None:
    stage.fund_burner(20_000)
    if ranges == "many ranges":
        spot = stage.market().spot_tick // 60 * 60
        for lower, upper, amount in ((-180, 60, 3), (-60, 120, 5), (0, 60, 7), (60, 180, 2)):
            stage.do("DevTrader", "addLiquidity", spot + lower, spot + upper, amount * 10**17)
        stage.do("DevTrader", "removeLiquidity", -WIDEST, WIDEST, 98 * 10**16)
    market = stage.market()
    for dollars in AMOUNTS:
        fill = market.depth.fill(Usdc(dollars * DOLLAR), market.bound)
        lot = Lot(Usdc(dollars * DOLLAR), fill.bought, Wei(0), Wei(0), 0)
        tried = stage.reading().trial(market, lot)
        assert (tried.spent, tried.bought) == (fill.spent, fill.bought), dollars
    limit = further_limit(market.depth, impact=40, bound=market.bound)
    assert market.depth.fill(Usdc(10**15), limit).sqrt_price == limit


def test_without_a_policy_nothing_is_owed(stage: Stage, sessions: sessionmaker[Session]) -> None:
    stage.fund_burner(1_000)
    planned = flows(stage, sessions).planner.plan()
    assert planned.plan.verdict is Verdict.NOTHING


def test_half_of_what_was_spent_is_owed_and_a_run_burns_for_it(
    stage: Stage, sessions: sessionmaker[Session]
) -> None:
    stage.fund_burner(20_000)
    made = flows(stage, sessions)
    made.owe(3_000)
    planned = made.planner.plan().plan
    assert (planned.verdict, planned.amount, len(planned.lots)) == (Verdict.ACT, 3_000 * DOLLAR, 1)
    before = stage.supply()
    outcome = made.runner.run(made.settled(), most_lots=1)
    (run,) = outcome.runs
    assert (outcome.verdict, run.state, run.number) == (Verdict.ACT, RunState.MINED, 0)
    assert made.runner.resume(made.settled(), until_final=True).runs[0].state is RunState.FINAL
    assert stage.supply() == before - run.burned
    (seen,) = made.reads.through(stage.system.reader.head())
    assert (seen.number, seen.spent, seen.burned, seen.transaction_hash) == (
        *(0, 3_000 * DOLLAR, run.burned),
        run.hash,
    )
    assert made.reads.kept() == [seen]
    again = made.planner.plan().plan
    assert (again.verdict, again.owed.wanted) == (Verdict.NOTHING, 0)
    assert made.runner.run(made.settled(), most_lots=1).verdict is Verdict.NOTHING


def test_a_transaction_that_no_block_takes_is_replaced_by_its_own_nonce(
    stage: Stage, sessions: sessionmaker[Session]
) -> None:
    stage.fund_burner(20_000)
    made = flows(stage, sessions)
    made.owe(3_000)
    with stage.blocks_by_hand():
        outcome = made.runner.run(stage.dear(180, blocks=4), most_lots=1)
        (run,) = outcome.runs
        assert (outcome.verdict, run.state) == (Verdict.PERSON, RunState.SENT)
        assert made.planner.plan().plan.owed.wanted == 0, "what may still be spent is not owed a second time"
        assert len(run.attempts) > 1
        for earlier, later in pairwise(run.attempts):
            assert later.kind is Kind.EXECUTE
            assert later.max_fee * 1_000 >= earlier.max_fee * 1_125
            assert later.tip * 1_000 >= earlier.tip * 1_125
        assert stage.next_run() == 0
        stage.cheap()
        ended = made.runner.resume(made.settled(), until_final=True).runs[0]
    assert (ended.state, ended.spent) == (RunState.FINAL, 3_000 * DOLLAR)
    assert stage.next_run() == 1


def test_a_run_that_no_block_took_before_its_deadline_is_cancelled_and_burns_nothing(
    stage: Stage, sessions: sessionmaker[Session]
) -> None:
    stage.fund_burner(20_000)
    made, supply = flows(stage, sessions), stage.supply()
    made.owe(3_000)
    with stage.blocks_by_hand():
        made.runner.run(stage.dear(700, blocks=2), most_lots=1)
        assert stage.next_run() == 0
        stage.cheap()
        outcome = made.runner.resume(made.settled(), until_final=True)
    (run,) = outcome.runs
    assert (outcome.verdict, run.state, run.newest and run.newest.kind) == (
        *(Verdict.REFUSED, RunState.REFUSED),
        Kind.CANCEL,
    )
    assert (stage.next_run(), stage.supply()) == (0, supply)
    # What was not bought is owed as before, and the account's next nonce is free.
    assert made.planner.plan().plan.owed.wanted == 3_000 * DOLLAR
    assert made.runner.run(made.settled(), most_lots=1).runs[0].spent == 3_000 * DOLLAR


def test_a_run_that_a_fork_drops_is_sent_again_the_same_bytes(
    stage: Stage, sessions: sessionmaker[Session]
) -> None:
    stage.fund_burner(20_000)
    made = flows(stage, sessions)
    made.owe(3_000)
    (mined,) = made.runner.run(made.settled(), most_lots=1).runs
    assert (mined.state, stage.next_run()) == (RunState.MINED, 1)
    stage.system.devnet.reorg(1)
    assert stage.next_run() == 0
    (run,) = made.runner.resume(made.settled(), until_final=True).runs
    assert (run.state, stage.next_run()) == (RunState.FINAL, 1)
    assert run.attempts[0].raw == mined.attempts[0].raw
    assert len(run.attempts) == 1


def test_a_nonce_that_another_transaction_has_used_ends_the_run_once_that_is_final(
    stage: Stage, sessions: sessionmaker[Session]
) -> None:
    stage.fund_burner(20_000)
    made = flows(stage, sessions)
    made.owe(3_000)
    (mined,) = made.runner.run(made.settled(), most_lots=1).runs
    stage.system.devnet.reorg(1)
    stage.do("VVV", "transfer", stage.system.address(5), 1)
    asked: list[RunState] = []

    def wait() -> bool:
        open_run = made.open_run()
        asked.append(open_run.state)
        assert open_run.taken_at is not None
        return made.settled()()

    (run,) = made.runner.resume(wait, until_final=True).runs
    assert (run.state, run.nonce) == (RunState.REPLACED, mined.nonce)
    assert asked, "it was believed before it was final"
    assert stage.next_run() == 0


def test_two_processes_are_not_at_it_at_once(stage: Stage, sessions: sessionmaker[Session]) -> None:
    stage.fund_burner(20_000)
    one, other = flows(stage, sessions), flows(stage, sessions)
    one.owe(3_000)
    with one.runner.exclusively():
        with pytest.raises(BuybackBusy):
            other.runner.run(other.settled(), most_lots=1)
        with pytest.raises(BuybackBusy):
            other.runner.resume(other.settled())
    assert stage.next_run() == 0
    assert other.runner.run(other.settled(), most_lots=1).verdict is Verdict.ACT


def test_the_journal_itself_takes_no_second_run_while_one_may_still_execute(
    stage: Stage, sessions: sessionmaker[Session]
) -> None:
    stage.fund_burner(20_000)
    made = flows(stage, sessions)
    made.owe(3_000)
    planned = made.planner.plan()
    (run,) = made.runner.run(made.settled(), most_lots=1).runs
    assert run.state is RunState.MINED
    with pytest.raises(IntegrityError, match="buyback_runs_open"):
        made.runner.run_planned(planned, made.settled(), plan_id=1)
    assert made.planner.plan().plan.owed.wanted == 0, "what is mined is counted once"
