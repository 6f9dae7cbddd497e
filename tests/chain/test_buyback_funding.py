"""USDC on its way to the burner: as much as is owed and is not there, once, whatever dies in between."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from entitlement.chain.artifacts import Artifacts
from entitlement.chain.contracts import Contracts, connect
from entitlement.chain.networks import Network
from entitlement.chain.treasury import Treasury
from entitlement.core.acts import ActKind, Because
from entitlement.core.buyback import Verdict
from entitlement.core.buyback_funding import FundingState, plan_funding
from entitlement.core.epochs import Epoch
from entitlement.core.errors import InvalidRequest, TransactionFailed
from entitlement.core.units import Usdc, wallet
from entitlement.flows.fund_buybacks import FundBuybacks
from entitlement.flows.record_acts import RecordActs
from entitlement.store import buyback_fundings
from entitlement.store.leadership import alone_at_buybacks
from entitlement.store.session import session_factory
from tests.chain.buyback_stage import BY, DEPTH, DOLLAR, HALF, Flows, Stage, flows, opened_market
from tests.chain.lying_node import lying_node
from tests.crashes import Deaths, Died

TREASURY, OTHER = 5, 6
HELD = 50_000
BECAUSE = Because("ada", "as announced")
POINTS_MAX = 200


@pytest.fixture(scope="module")
def stage(network: Network, artifacts: Artifacts) -> Iterator[Stage]:
    with opened_market(network, artifacts) as made:
        made.do("DevDollar", "mint", made.system.address(TREASURY), HELD * DOLLAR)
        yield made


@pytest.fixture(autouse=True)
def _undone(stage: Stage) -> Iterator[None]:
    snapshot = stage.system.devnet.snapshot()
    yield
    stage.system.devnet.revert(snapshot)


def funding(
    stage: Stage, made: Flows, sessions: sessionmaker[Session], *, who: int = TREASURY, url: str | None = None
) -> FundBuybacks:
    system = stage.system
    # A connection of its own, so that what a test does to it concerns nobody else.
    contracts = Contracts(connect(url or system.anvil.url), system.artifacts, system.deployment.addresses)
    treasury = Treasury(contracts, system.reader, stage.usdc, system.account(who))
    alone = partial(alone_at_buybacks, made.sessions.kw["bind"])
    return FundBuybacks(sessions, made.planner, wallet(stage.burner), alone, treasury)


def burner_has(stage: Stage) -> int:
    return int(stage.system.contracts.view("DevDollar", "balanceOf", stage.burner))


def mining(stage: Stage, times: int = 20) -> Callable[[], bool]:
    """A wait in which the chain goes on."""
    left = iter(range(times, -1, -1))

    def wait() -> bool:
        stage.settle(DEPTH)
        return next(left) > 0

    return wait


def never() -> bool:
    return False


@pytest.mark.parametrize(
    ("wanted", "held", "balance", "most", "verdict", "amount"),
    [
        (900, 0, 900, None, Verdict.ACT, 900),
        (900, 400, 900, None, Verdict.ACT, 500),
        (900, 900, 900, None, Verdict.NOTHING, 0),
        (900, 1_000, 900, None, Verdict.NOTHING, 0),
        (99, 0, 900, None, Verdict.NOTHING, 0),
        (900, 0, 899, None, Verdict.PERSON, 900),
        (900, 0, 899, 899, Verdict.ACT, 899),
        (900, 0, None, None, Verdict.ACT, 900),
        (900, 400, 900, 1_000, Verdict.ACT, 500),
    ],
)
def test_what_is_owed_and_is_not_there_is_sent_and_no_more_than_a_person_says(
    wanted: int, held: int, balance: int | None, most: int | None, verdict: Verdict, amount: int
) -> None:
    plan = plan_funding(
        wanted=Usdc(wanted),
        held=Usdc(held),
        minimum=Usdc(100),
        balance=None if balance is None else Usdc(balance),
        most=None if most is None else Usdc(most),
    )
    assert (plan.verdict, plan.amount) == (verdict, amount)


def test_the_burner_is_sent_what_is_owed_once_and_a_buyback_spends_it(
    stage: Stage, sessions: sessionmaker[Session]
) -> None:
    made = flows(stage, sessions)
    made.owe(4_000, HALF)
    stage.fund_burner(1_000)
    fund = funding(stage, made, sessions)
    with pytest.raises(InvalidRequest):
        fund.fund(Because("ada", ""), never)
    plan = fund.plan()
    assert (plan.verdict, plan.wanted, plan.amount) == (Verdict.ACT, 4_000 * DOLLAR, 3_000 * DOLLAR)
    assert burner_has(stage) == 1_000 * DOLLAR
    done = fund.fund(BECAUSE, mining(stage))
    assert done.verdict is Verdict.ACT
    assert burner_has(stage) == 4_000 * DOLLAR
    [kept] = fund.transfers()
    assert (kept.state, kept.amount, kept.sender) == (
        FundingState.FINAL,
        3_000 * DOLLAR,
        stage.system.wallet(TREASURY),
    )
    [act] = [each for each in RecordActs(sessions).since(Epoch(0)) if each.kind is ActKind.BUYBACK_FUND]
    assert (act.because, act.subject, act.figures) == (
        BECAUSE,
        stage.burner.lower(),
        {"usdc": 3_000 * DOLLAR},
    )
    assert fund.fund(BECAUSE, never).verdict is Verdict.NOTHING
    assert made.runner.run(mining(stage), most_lots=1).runs[0].spent == 4_000 * DOLLAR
    made.runner.resume(mining(stage), until_final=True)
    # What was bought is owed no more, and what was sent for it is not missed.
    assert fund.fund(BECAUSE, never).verdict is Verdict.NOTHING
    assert burner_has(stage) == 0


def test_what_no_final_block_has_is_gone_on_with_and_nothing_else_is_sent(
    stage: Stage, sessions: sessionmaker[Session]
) -> None:
    made = flows(stage, sessions)
    made.owe(4_000, HALF)
    fund = funding(stage, made, sessions)
    with stage.blocks_by_hand():
        assert fund.fund(BECAUSE, never).verdict is Verdict.PERSON
        assert fund.plan().verdict is Verdict.PERSON
        other = funding(stage, made, sessions, who=OTHER).fund(BECAUSE, never)
        assert (other.verdict, "go on by its key" in other.reason) == (Verdict.PERSON, True)
        assert fund.fund(BECAUSE, never).verdict is Verdict.PERSON
    stage.settle(1)
    assert burner_has(stage) == 4_000 * DOLLAR
    assert fund.fund(BECAUSE, never).verdict is Verdict.PERSON, "it is in a block, and not final"
    stage.system.devnet.reorg(1)
    assert fund.fund(BECAUSE, mining(stage)).verdict is Verdict.ACT
    assert burner_has(stage) == 4_000 * DOLLAR
    assert len(fund.transfers()) == 1


def test_where_its_nonce_went_to_another_transaction_nothing_was_sent_and_the_journal_says_so(
    stage: Stage, sessions: sessionmaker[Session]
) -> None:
    made = flows(stage, sessions)
    made.owe(4_000, HALF)
    fund = funding(stage, made, sessions)
    with stage.blocks_by_hand():
        assert fund.fund(BECAUSE, never).verdict is Verdict.PERSON
        stage.system.rpc.call("anvil_dropAllTransactions")
    stage.do("VVV", "approve", stage.burner, 0, who=TREASURY)
    done = fund.fund(BECAUSE, mining(stage))
    assert (done.verdict, "another transaction" in done.reason) == (Verdict.PERSON, True)
    assert (burner_has(stage), fund.transfers()[0].state) == (0, FundingState.REPLACED)
    assert fund.fund(BECAUSE, mining(stage)).verdict is Verdict.ACT
    assert burner_has(stage) == 4_000 * DOLLAR


def test_nothing_is_sent_past_a_veto_beside_a_run_or_by_who_has_too_little(
    stage: Stage, sessions: sessionmaker[Session]
) -> None:
    made = flows(stage, sessions)
    made.owe(4_000, HALF)
    fund = funding(stage, made, sessions)
    poor = funding(stage, made, sessions, who=OTHER).fund(BECAUSE, never)
    assert (poor.verdict, "the sender has 0" in poor.reason) == (Verdict.PERSON, True)
    made.govern.veto(BY, until=None)
    assert fund.fund(BECAUSE, never).verdict is Verdict.REFUSED
    made.govern.allow(BY)
    stage.fund_burner(1_000)
    with stage.blocks_by_hand():
        made.runner.run(never, most_lots=1)
        beside = fund.fund(BECAUSE, never)
        assert (beside.verdict, "resume it first" in beside.reason) == (Verdict.PERSON, True)
    assert fund.transfers() == []


def test_a_node_that_hides_what_the_burner_has_does_not_get_it_sent_twice(
    stage: Stage, sessions: sessionmaker[Session]
) -> None:
    honest = flows(stage, sessions)
    honest.owe(4_000, HALF)
    assert funding(stage, honest, sessions).fund(BECAUSE, mining(stage)).verdict is Verdict.ACT
    with lying_node(stage.system.anvil.url) as node:
        balance_of = f"0x70a08231{'0' * 24}{stage.burner[2:].lower()}"

        def hidden(params: list[Any], truth: str) -> str:
            return f"0x{0:064x}" if params[0].get("data") == balance_of else truth

        node.lie("eth_call", hidden)
        made = flows(stage, sessions, url=node.url)
        told = funding(stage, made, sessions).fund(BECAUSE, never)
    assert (told.verdict, "ask another node" in told.reason) == (Verdict.PERSON, True)


def test_the_database_takes_one_open_transfer(stage: Stage, sessions: sessionmaker[Session]) -> None:
    given = {"sender": stage.system.wallet(TREASURY), "amount": Usdc(1), "now": 1}
    burner = wallet(stage.burner)
    with sessions.begin() as session:
        buyback_fundings.add(session, burner, nonce=0, signed=("0x01", b"1"), **given)  # type: ignore[arg-type]
    with pytest.raises(IntegrityError), sessions.begin() as session:
        buyback_fundings.add(session, burner, nonce=1, signed=("0x02", b"2"), **given)  # type: ignore[arg-type]


def test_whoever_dies_wherever_the_burner_is_sent_it_once(
    stage: Stage, sessions: sessionmaker[Session]
) -> None:
    healthy = flows(stage, sessions)
    healthy.owe(40_000, replace(HALF, minimum=Usdc(DOLLAR)))
    mortal_sessions = session_factory(sessions.kw["bind"].execution_options())
    deaths = Deaths(mortal_sessions, by_the_server=False)
    mortal = funding(stage, healthy, mortal_sessions)
    assert mortal._treasury is not None
    provider: Any = mortal._treasury._web3.provider
    ask = provider.make_request

    def mortal_ask(*given: Any) -> Any:  # noqa: ANN401 - whatever the node takes
        answer = ask(*given)
        deaths._point(None)
        return answer

    provider.make_request = mortal_ask
    finishing, cap, died = funding(stage, healthy, sessions), Usdc(7 * DOLLAR), 0
    for point in range(1, POINTS_MAX):
        before, sent = burner_has(stage), len(finishing.transfers())
        is_over = False
        try:
            with deaths.dying_at(point):
                mortal.fund(BECAUSE, mining(stage), most=cap)
            is_over = True
        except Died:
            died += 1
        if not is_over and len(finishing.transfers()) == sent:
            # It died before it was written down: nothing was sent, and nothing is begun.
            assert burner_has(stage) == before, f"at point {point}"
            continue
        if not is_over and finishing.transfers()[0].state is FundingState.SIGNED:
            assert finishing.fund(BECAUSE, mining(stage), most=cap).verdict is Verdict.ACT
        assert burner_has(stage) == before + cap, f"at point {point}"
        if is_over:
            break
    else:
        pytest.fail("the work never ends")
    assert died > 10, "it hardly ever died"


def test_an_account_with_transactions_that_wait_signs_nothing(
    stage: Stage, sessions: sessionmaker[Session]
) -> None:
    made = flows(stage, sessions)
    made.owe(4_000, HALF)
    fund = funding(stage, made, sessions)
    with stage.blocks_by_hand():
        web3 = stage.system.contracts.web3
        sender = stage.system.address(TREASURY)
        web3.eth.send_transaction({"from": sender, "to": sender, "value": 0})  # type: ignore[typeddict-item]
        with pytest.raises(TransactionFailed, match="let them end first"):
            fund.fund(BECAUSE, never)
    assert fund.transfers() == []
