"""A run whose process dies at any line: whoever comes next finishes it; nothing is bought twice or lost."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker

from entitlement.chain.artifacts import Artifacts
from entitlement.chain.networks import Network
from entitlement.core.buyback_run import OPEN, RunState
from entitlement.core.units import Usdc, Wei, wallet
from entitlement.flows.plan_buyback import Planned
from entitlement.store import buybacks
from entitlement.store.session import session_factory
from tests.chain.buyback_stage import DEPTH, DOLLAR, HOP, Flows, Stage, flows, opened_market
from tests.crashes import Deaths, Died

OWED = 100_000
LOT = Usdc(50 * DOLLAR)
POINTS_MAX = 400
EVERY = {"a block takes it": 1, "it is too cheap and is replaced": 6, "a fork drops it": 6}
"""Of the lines of a story. They begin alike, so the first has those of all; EVERY_LINE=1 has the rest too."""


@pytest.fixture(scope="module")
def stage(network: Network, artifacts: Artifacts) -> Iterator[Stage]:
    with opened_market(network, artifacts) as made:
        made.fund_burner(OWED)
        yield made


@dataclass
class Mortal:
    """Flows that die at a point: a statement, a commit, just after it, or after an answer of the node."""

    made: Flows
    deaths: Deaths

    def __post_init__(self) -> None:
        provider = self.made.keeper._web3.provider
        for name in ("make_request", "make_batch_request"):
            setattr(provider, name, self._mortal(getattr(provider, name)))
        rpc: Any = self.made.keeper._reader._rpc  # type: ignore[attr-defined]
        rpc._post = self._mortal(rpc._post)

    def _mortal(self, ask: Callable[..., Any]) -> Callable[..., Any]:
        def asked(*given: Any) -> Any:  # noqa: ANN401 - whatever the node takes
            answer = ask(*given)
            self.deaths._point(None)
            return answer

        return asked


@pytest.mark.parametrize("story", EVERY)
def test_whoever_dies_wherever_the_run_is_executed_once(
    stage: Stage, sessions: sessionmaker[Session], story: str
) -> None:
    healthy = flows(stage, sessions)
    healthy.owe(OWED)
    mortal_sessions = session_factory(sessions.kw["bind"].execution_options())
    deaths = Deaths(mortal_sessions, by_the_server=False)
    mortal = Mortal(flows(stage, mortal_sessions, url=stage.system.anvil.url, lock=sessions), deaths)
    died, first = 0, one_lot(healthy)
    for point in range(1, POINTS_MAX, 1 if os.environ.get("EVERY_LINE") else EVERY[story]):
        stage.tick_away(HOP + 1)
        planned = due_now(stage, first, healthy)
        number, held = planned.plan.market.next_run, held_by(stage)
        is_over = dies(stage, mortal, planned, point, story)
        died += not is_over
        finish(stage, healthy)
        runs = runs_of(sessions, stage, number)
        assert [run.state for run in runs if run.state in OPEN] == []
        executed = [run for run in runs if run.state is RunState.FINAL]
        assert (len(executed), stage.next_run() - number) in {(1, 1), (0, 0)}, f"at point {point}"
        assert held - held_by(stage) == sum(run.spent or 0 for run in executed)
        assert all(run.spent == LOT for run in executed)
        if runs and not executed:
            # It may end without a purchase: then what it was for is owed as before.
            assert runs[-1].reason is not None
        if is_over:
            break
    else:
        pytest.fail("the work never ends")
    seen = healthy.reads.through(stage.system.reader.head())
    assert [each.number for each in seen] == list(range(stage.next_run()))
    assert died * EVERY[story] > 50, "it hardly ever died"


def dies(stage: Stage, mortal: Mortal, planned: Planned, point: int, story: str) -> bool:
    """Begin a run and die at a point of it; tell whether it got to its end alive."""
    with stage.blocks_by_hand() if story != "a block takes it" else stage.as_it_is():
        try:
            with mortal.deaths.dying_at(point), mortal.made.runner.exclusively():
                mortal.made.runner._run_lot(planned, telling(stage, story), plan_id=None, until_final=True)
        except (Died, DBAPIError):
            return False
        finally:
            stage.cheap()
    return True


def telling(stage: Stage, story: str) -> Callable[[], bool]:
    """What happens on the chain while the run waits."""
    waits = 0

    def wait() -> bool:
        nonlocal waits
        waits += 1
        if story == "it is too cheap and is replaced" and waits == 1:
            stage.system.rpc.call("anvil_setNextBlockBaseFeePerGas", hex(10**13))
            stage.tick_away(200)
            stage.cheap()
        elif story == "a fork drops it" and waits == 2:
            stage.system.devnet.reorg(1)
        else:
            # All at once, where nothing happens in between: each look is a dozen lines to die at.
            stage.system.devnet.mine(1 if story == "a fork drops it" and waits < 3 else DEPTH)
        return waits < 20

    return wait


def finish(stage: Stage, healthy: Flows) -> None:
    def wait() -> bool:
        stage.settle(DEPTH)
        return True

    healthy.runner.resume(wait, until_final=True)


def one_lot(healthy: Flows) -> Planned:
    planned = healthy.planner.plan(most=LOT, jitter=False)
    assert planned.plan.lots[0].usdc == LOT, planned.plan.reason
    return planned


def due_now(stage: Stage, first: Planned, healthy: Flows) -> Planned:
    """The same lot, as the run that is next."""
    head = stage.system.reader.head()
    market = replace(first.plan.market, at=head, next_run=stage.next_run(), next_run_at=head.timestamp)
    (lot,) = first.plan.lots
    lot = replace(lot, minimum=Wei(1), floor=Wei(1))
    return replace(
        first,
        plan=replace(first.plan, market=market, lots=(lot,)),
        account=healthy.keeper.account(head),
    )


def runs_of(sessions: sessionmaker[Session], stage: Stage, number: int) -> list[Any]:
    with sessions.begin() as session:
        newest = buybacks.newest(session, wallet(stage.burner), 3)
    return [run for run in newest if run.number == number]


def held_by(stage: Stage) -> int:
    return stage.system.contracts.view("DevDollar", "balanceOf", stage.burner)
