"""Buybacks by the clock: announced first, stopped by a veto, carried out lot by lot, and alerts."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from eth_utils.crypto import keccak
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from entitlement import metrics
from entitlement.chain.artifacts import Artifacts
from entitlement.chain.networks import Network, load_network
from entitlement.core.buyback_policy import Policy, Schedule
from entitlement.core.buyback_run import Attempt, Run, RunState
from entitlement.core.epochs import Epoch, epoch_at
from entitlement.core.errors import InvalidRequest, NodeUnavailable
from entitlement.core.units import wallet
from entitlement.flows.govern_buybacks import Standing
from entitlement.flows.schedule_buybacks import LOOK_AGAIN_SECONDS, Happened, ScheduleBuybacks
from entitlement.flows.shift_clock import ShiftClock
from entitlement.jobs import Configured, Jobs
from entitlement.settings import read_settings
from entitlement.store.buyback_rules import By
from entitlement.store.leadership import Leadership, Role
from entitlement.wiring.service import build_service
from tests.chain.buyback_stage import BY, DOLLAR, HALF, HOP, WINDOW, Flows, Stage, flows, opened_market
from tests.chain.lying_node import NodeError, lying_node
from tests.support import ScriptedChain, follower

VETO = 6 * 3_600
SPACING = 5 * 3_600
BY_THRESHOLD = replace(HALF, schedule=Schedule.THRESHOLD, veto=VETO, spacing=SPACING, jitter=1_800)


@pytest.fixture(scope="module")
def stage(network: Network, artifacts: Artifacts) -> Iterator[Stage]:
    with opened_market(network, artifacts) as made:
        made.fund_burner(200_000)
        yield made


@pytest.fixture(autouse=True)
def _undone(stage: Stage) -> Iterator[None]:
    snapshot = stage.system.devnet.snapshot()
    yield
    stage.system.devnet.revert(snapshot)


class Days:
    """The jobs' side of it, and a clock that the chain's goes with."""

    def __init__(self, stage: Stage, sessions: sessionmaker[Session], owed: int, policy: Policy) -> None:
        self.stage, self.made = stage, flows(stage, sessions)
        self.made.owe(owed, policy)
        self.clock = ShiftClock(sessions, network="anvil", is_devnet=True)
        self.restart()

    def restart(self) -> None:
        """A new process: it knows nothing but what is in the database."""
        made: Flows = self.made
        self.schedule = ScheduleBuybacks(made.sessions, made.planner, made.runner, lambda: "a seed")

    def later(self, seconds: int) -> None:
        self.clock.jump_to(self.clock.now() + seconds)
        self.stage.tick_away(seconds)

    def tick(self) -> Happened:
        happened = self.schedule.tick()
        self.stage.settle()
        return happened

    def standing(self) -> Standing:
        return self.made.govern.standing(wallet(self.stage.burner))

    def ticks(self, count: int, seconds: int) -> list[Happened]:
        """So many ticks with a time between them; only those that did something."""
        found = []
        for _ in range(count):
            found.append(self.tick())
            self.later(seconds)
        return [each for each in found if each not in {Happened.NOTHING, Happened.UNDER_WAY}]


def test_what_is_owed_is_announced_waited_with_and_bought_in_lots(
    stage: Stage, sessions: sessionmaker[Session]
) -> None:
    days, before = Days(stage, sessions, 24_000, BY_THRESHOLD), stage.next_run()
    assert days.tick() is Happened.ANNOUNCED
    announced = days.standing().announced
    assert announced is not None
    assert (announced.amount, announced.lots) == (24_000 * DOLLAR, 3)
    assert announced.not_before >= days.clock.now() + VETO - 60
    assert announced.not_before <= announced.next_lot_at <= announced.not_before + 1_800
    days.later(VETO - 600)
    assert days.tick() is Happened.NOTHING
    assert stage.next_run() == before, "nothing is bought before its time"
    days.restart()
    bought_at: list[int] = []
    for _ in range(60):
        happened = days.tick()
        if happened is Happened.BOUGHT:
            bought_at.append(days.clock.now())
        if happened is Happened.DONE:
            break
        days.later(1_800)
    assert stage.next_run() == before + 3
    assert all(later - earlier >= SPACING for earlier, later in pairwise(bought_at))
    assert [(run.state, run.usdc) for run in days.standing().runs] == [(RunState.FINAL, 8_000 * DOLLAR)] * 3
    assert {run.plan_id for run in days.standing().runs} == {announced.id}
    assert days.standing().announced is None
    assert days.ticks(4, LOOK_AGAIN_SECONDS) == [], "nothing more is owed"


def test_a_veto_ends_the_plan_and_holds_until_its_time(stage: Stage, sessions: sessionmaker[Session]) -> None:
    days, before = Days(stage, sessions, 5_000, BY_THRESHOLD), stage.next_run()
    assert days.tick() is Happened.ANNOUNCED
    ended = days.made.govern.veto(By("Ada", "the market is odd"), until=days.clock.now() + 2 * VETO)
    assert ended is not None
    assert days.ticks(3, VETO // 2) == [Happened.STOPPED] * 3
    assert days.made.runner.run(days.made.settled(), most_lots=1).reason == (
        "Ada has stopped buybacks: the market is odd"
    )
    assert stage.next_run() == before
    days.later(VETO)
    assert days.tick() is Happened.ANNOUNCED, "it is announced anew, and can be stopped anew"
    days.made.govern.veto(BY, until=None)
    days.later(400 * 86_400)
    assert days.tick() is Happened.STOPPED
    days.made.govern.allow(BY)
    assert days.tick() is Happened.ANNOUNCED


def test_a_veto_that_comes_before_a_lot_is_signed_stops_it(
    stage: Stage, sessions: sessionmaker[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    days, before = Days(stage, sessions, 5_000, BY_THRESHOLD), stage.next_run()
    assert days.tick() is Happened.ANNOUNCED
    days.later(VETO + 1_800)

    def silent(_: Run) -> Attempt:
        raise NodeUnavailable(method="eth_estimateGas", reason="no answer")

    with monkeypatch.context() as away:
        away.setattr(days.made.keeper, "sign_execute", silent)
        with pytest.raises(NodeUnavailable):
            days.tick()
    assert days.made.open_run().state is RunState.PLANNED
    days.made.govern.veto(By("Ada", "the market is odd"), until=None)
    assert [days.tick(), days.tick()] == [Happened.UNDER_WAY, Happened.STOPPED]
    (run,) = days.standing().runs
    assert (run.state, run.attempts, stage.next_run()) == (RunState.REFUSED, (), before)
    assert run.reason == "not sent: Ada has stopped buybacks: the market is odd"


def test_a_veto_that_comes_while_a_lot_is_signed_stops_it(
    stage: Stage, sessions: sessionmaker[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    days, before = Days(stage, sessions, 5_000, BY_THRESHOLD), stage.next_run()
    assert days.tick() is Happened.ANNOUNCED
    days.later(VETO + 1_800)
    signed = days.made.keeper.sign_execute

    def vetoed(run: Run) -> Attempt:
        days.made.govern.veto(BY, until=None)
        return signed(run)

    monkeypatch.setattr(days.made.keeper, "sign_execute", vetoed)
    assert [days.tick(), days.tick()] == [Happened.ALERTED, Happened.STOPPED]
    assert (days.standing().runs[0].state, stage.next_run()) == (RunState.REFUSED, before)


def test_what_is_refused_is_told_and_looked_at_again_later(
    stage: Stage, sessions: sessionmaker[Session]
) -> None:
    days = Days(stage, sessions, 5_000, BY_THRESHOLD)
    home = stage.market().mean_tick
    stage.do("DevTrader", "moveTo", home + 200)
    assert days.tick() is Happened.ALERTED
    assert metrics.BUYBACK_REFUSED._value.get() == 1
    assert days.tick() is Happened.NOTHING, "once an hour is enough"
    stage.do("DevTrader", "moveTo", home)
    days.later(LOOK_AGAIN_SECONDS)
    assert days.tick() is Happened.ANNOUNCED
    assert metrics.BUYBACK_REFUSED._value.get() == 0
    # A lot that cannot go at its time waits, and the plan says why.
    days.later(VETO + 3_600)
    stage.do("DevTrader", "moveTo", home + 200)
    assert days.tick() is Happened.ALERTED
    announced = days.standing().announced
    assert announced is not None
    assert "the price is at tick" in (announced.reason or "")
    stage.do("DevTrader", "moveTo", home)
    days.later(LOOK_AGAIN_SECONDS + WINDOW)
    assert days.tick() is Happened.BOUGHT


def test_a_run_that_was_left_behind_is_gone_on_with_before_anything_else(
    stage: Stage, sessions: sessionmaker[Session]
) -> None:
    days = Days(stage, sessions, 3_000, BY_THRESHOLD)
    days.later(HOP)
    with stage.blocks_by_hand():
        days.made.runner.run(lambda: False, most_lots=1)
        assert days.made.open_run().state is RunState.SENT
    days.restart()
    assert days.tick() is Happened.UNDER_WAY
    assert days.tick() is Happened.UNDER_WAY
    assert days.standing().runs[0].state is RunState.FINAL
    assert days.standing().open is None


def test_two_jobs_at_once_announce_once(stage: Stage, sessions: sessionmaker[Session]) -> None:
    days = Days(stage, sessions, 3_000, BY_THRESHOLD)
    other = ScheduleBuybacks(sessions, days.made.planner, days.made.runner)
    with days.made.runner.exclusively():
        assert other.tick() is Happened.BUSY
    assert days.tick() is Happened.ANNOUNCED
    assert other.tick() is Happened.NOTHING


def test_without_a_schedule_only_a_person_buys(stage: Stage, sessions: sessionmaker[Session]) -> None:
    days = Days(stage, sessions, 3_000, HALF)
    assert days.ticks(3, 86_400) == []
    assert days.made.runner.run(days.made.settled(), most_lots=1).runs[0].spent == 3_000 * DOLLAR


def test_a_policy_holds_from_a_day_that_is_not_over_and_says_who_and_why(
    stage: Stage, sessions: sessionmaker[Session]
) -> None:
    govern = flows(stage, sessions).govern
    today = epoch_at(ShiftClock(sessions, network="anvil", is_devnet=True).now())
    with pytest.raises(InvalidRequest, match="is over"):
        govern.set_policy(HALF, BY, from_epoch=Epoch(today - 1))
    for by in (By("", "why"), By("who", " "), By("who", "x" * 201), By("x" * 65, "why"), By("who", "a\nb")):
        with pytest.raises(InvalidRequest, match="printable"):
            govern.set_policy(HALF, by)
    govern.set_policy(HALF, By("Ada", "a first try"))
    govern.set_policy(BY_THRESHOLD, By("Bob", "by the clock"))
    govern.set_policy(replace(HALF, revenue_share=1), By("Ada", "less"), from_epoch=Epoch(today + 3))
    assert [(each.since.epoch - today, each.by.made_by) for each in govern.policies()] == [
        (0, "Ada"),
        (0, "Bob"),
        (3, "Ada"),
    ]


def test_a_pool_that_remembers_no_mean_is_refused_and_told(
    stage: Stage, sessions: sessionmaker[Session]
) -> None:
    days = Days(stage, sessions, 3_000, BY_THRESHOLD)
    with lying_node(stage.system.anvil.url) as node:
        days.made.planner._market = stage.reading(node.url)
        reverted = NodeError(3, "execution reverted: OLD")
        market = "0x" + keccak(text="market()")[:4].hex()
        node.lie("eth_call", lambda params, truth: reverted if params[0]["data"] == market else truth)
        assert days.tick() is Happened.ALERTED
        assert days.tick() is Happened.NOTHING
        node.lies.clear()
        days.later(LOOK_AGAIN_SECONDS)
        assert days.tick() is Happened.ANNOUNCED


def test_the_jobs_do_it_by_themselves(
    stage: Stage, sessions: sessionmaker[Session], database: Engine, tmp_path: Path
) -> None:
    days = Days(stage, sessions, 3_000, replace(BY_THRESHOLD, veto=0, jitter=0))
    settings = read_settings(data_folder=tmp_path, token_secret="0123456789abcdef" * 4)
    service = build_service(settings, load_network("anvil"), sessions)
    chain = ScriptedChain()
    chain.mine()
    jobs = Jobs(
        service,
        follower(chain, sessions),
        Leadership(database, Role.JOBS),
        poll_seconds=1,
        configured=Configured(buybacks=days.schedule),
    )
    thread = threading.Thread(target=jobs.run)
    thread.start()
    try:
        look = threading.Event()
        for _ in range(600):
            if days.standing().announced is not None:
                break
            look.wait(0.1)
    finally:
        jobs.stop()
        thread.join(30)
    announced = days.standing().announced
    assert announced is not None
    assert announced.amount == 3_000 * DOLLAR
