"""Attacks on buybacks, staged on a real pool: what each costs at the most, or that it is refused."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from eth_typing import HexStr
from eth_utils.crypto import keccak
from sqlalchemy.orm import Session, sessionmaker

from entitlement.chain.artifacts import Artifacts
from entitlement.chain.buyback_logs import DONATED, EXECUTED
from entitlement.chain.keeper import TIP_MOST
from entitlement.chain.networks import Network
from entitlement.core.buyback import Verdict, runs_within, worst_loss
from entitlement.core.buyback_run import Run, RunState
from entitlement.core.epochs import SECONDS_PER_EPOCH
from entitlement.core.errors import InconsistentNode, TransactionFailed
from entitlement.core.units import WEI_PER_TOKEN, mul_div_up
from tests.chain.buyback_stage import (
    DOLLAR,
    HALF,
    HOP,
    LIQUIDITY,
    WIDEST,
    WINDOW,
    Flows,
    Stage,
    flows,
    opened_market,
)
from tests.chain.lying_node import LyingNode, lying_node

THIEF = 0
"""The development account whose key is the keeper's."""
OWED = 9_000


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


def call(signature: str) -> str:
    return "0x" + keccak(text=signature)[:4].hex()


def dearer(stage: Stage, ticks: int) -> int:
    """The tick at which VVV costs so many ticks more than its mean."""
    market = stage.market()
    return market.mean_tick + (-ticks if market.depth.is_usdc_token0 else ticks)


def moved(stage: Stage, ticks: int) -> None:
    """Somebody with much money makes VVV dearer."""
    stage.do("DevTrader", "moveTo", dearer(stage, ticks))


# --- others who trade -----------------------------------------------------------------------------------


def ahead_of_us(stage: Stage, ticks: int) -> Callable[[], bool]:
    """In the block that has our run, ahead of it: somebody buys, and sells again behind it."""
    waits = 0

    def wait() -> bool:
        nonlocal waits
        waits += 1
        if waits == 1:
            trader = stage.system.contracts.address("DevTrader")
            back = stage.market().depth.sqrt_price
            # Anvil puts first who offers the most: ours is between the two.
            sent = (("moveTo", dearer(stage, ticks), 10**11), ("moveToPrice", back, 9 * 10**8))
            for function, target, fee in sent:
                data = stage.system.contracts.call_data("DevTrader", function, target)
                transaction = {
                    "from": stage.system.address(4),
                    "to": trader,
                    "data": data,
                    "gas": hex(2_000_000),
                    "maxFeePerGas": hex(fee),
                    "maxPriorityFeePerGas": "0x1",
                }
                stage.system.rpc.call("eth_sendTransaction", transaction)
        stage.system.devnet.mine()
        return waits < 8

    return wait


def trader_worth(stage: Stage) -> int:
    """What the trader has, in USDC at the mean price."""
    trader = stage.system.contracts.address("DevTrader")
    vvv = stage.system.contracts.view("VVV", "balanceOf", trader)
    price = stage.market().reference_price
    return stage.system.contracts.view("DevDollar", "balanceOf", trader) + vvv * DOLLAR // price


@pytest.mark.parametrize(
    ("ticks", "ends"),
    [(10, RunState.FINAL), (40, RunState.FINAL), (60, RunState.REFUSED), (400, RunState.REFUSED)],
)
def test_a_sandwich_costs_no_more_than_the_slippage_or_the_run_does_not_happen(
    stage: Stage, sessions: sessionmaker[Session], ticks: int, ends: RunState
) -> None:
    made, supply, price = flows(stage, sessions), stage.supply(), stage.market().reference_price
    made.owe(OWED)
    quote = made.planner.plan().plan.lots[0].quote
    with stage.blocks_by_hand():
        made.runner.run(ahead_of_us(stage, ticks), most_lots=1)
        (run,) = made.runner.resume(made.settled(), until_final=True).runs
    assert run.state is ends
    if ends is RunState.FINAL:
        assert run.burned is not None
        assert quote > run.burned >= mul_div_up(quote, 10_000 - HALF.slippage, 10_000)
        lost = (quote - run.burned) * DOLLAR // price
        assert 0 < lost <= OWED * DOLLAR * HALF.slippage // 10_000
    else:
        # It cost the gas of a refusal, and what is owed is still owed.
        assert (stage.supply(), stage.next_run()) == (supply, 0)
        assert made.planner.plan().plan.owed.wanted == OWED * DOLLAR


def test_a_spot_away_from_the_mean_is_refused_and_comes_back(
    stage: Stage, sessions: sessionmaker[Session]
) -> None:
    made = flows(stage, sessions)
    made.owe(OWED)
    moved(stage, 200)
    outcome = made.runner.run(made.settled(), most_lots=1)
    assert (outcome.verdict, outcome.runs) == (Verdict.REFUSED, ())
    assert "the price is at tick" in outcome.reason
    moved(stage, 0)
    assert made.runner.run(made.settled(), most_lots=1).verdict is Verdict.ACT


def test_a_mean_is_moved_only_by_who_holds_the_price_for_the_whole_window(
    stage: Stage, sessions: sessionmaker[Session]
) -> None:
    made = flows(stage, sessions)
    made.owe(OWED)
    quote, home = made.planner.plan().plan.lots[0].quote, stage.market().mean_tick
    worth = trader_worth(stage)
    moved(stage, 300)
    for _ in range(2):
        assert made.planner.plan().plan.verdict is Verdict.REFUSED
        stage.tick_away(WINDOW // 5)
    # As long as the mean remembers, the price is away from it. Once it does not, this is the price.
    stage.tick_away(WINDOW)
    (run,) = made.runner.run(made.settled(), most_lots=1).runs
    stage.do("DevTrader", "moveTo", home)
    stage.tick_away(2 * WINDOW)
    assert run.burned is not None
    # 300 ticks are 3.05 %: that is what it costs us. Nobody traded against the price that was held, as in a
    # market they would; even so the attacker gets less than half of it, for what the pool kept both ways.
    assert quote * 9_690 // 10_000 < run.burned < quote
    lost = (quote - run.burned) * DOLLAR // stage.market().reference_price
    assert trader_worth(stage) - worth < lost // 2


def test_a_drained_pool_is_refused(stage: Stage, sessions: sessionmaker[Session]) -> None:
    made = flows(stage, sessions)
    made.owe(OWED)
    stage.do("DevTrader", "removeLiquidity", -WIDEST, WIDEST, LIQUIDITY - 10**11)
    plan = made.planner.plan().plan
    assert (plan.verdict, "the pool takes" in plan.reason) == (Verdict.REFUSED, True)
    assert made.runner.run(made.settled(), most_lots=1).verdict is Verdict.REFUSED


def test_a_pool_that_is_drained_in_part_is_bought_from_in_smaller_lots(
    stage: Stage, sessions: sessionmaker[Session]
) -> None:
    made = flows(stage, sessions)
    made.owe(OWED)
    whole = made.planner.plan().plan
    stage.do("DevTrader", "removeLiquidity", -WIDEST, WIDEST, LIQUIDITY - 10**17)
    part = made.planner.plan().plan
    assert len(whole.lots) == 1 < len(part.lots)
    assert part.amount == whole.amount


def before_ours(stage: Stage, to: str, data: str) -> Callable[[], bool]:
    """In the block that has our run, ahead of it: another transaction; then the chain goes on."""
    waits = 0

    def wait() -> bool:
        nonlocal waits
        waits += 1
        if waits == 1:
            transaction = {
                "from": stage.system.address(4),
                "to": to,
                "data": data,
                "gas": hex(2_000_000),
                "maxFeePerGas": hex(10**11),
                "maxPriorityFeePerGas": hex(10**10),
            }
            stage.system.rpc.call("eth_sendTransaction", transaction)
        stage.system.devnet.mine()
        return waits < 8

    return wait


def failed_in_a_block(stage: Stage, run: Run) -> bool:
    """Whether what was signed for the run was executed, and reverted."""
    web3 = stage.system.contracts.web3
    return web3.eth.get_transaction_receipt(HexStr(run.attempts[0].hash))["status"] == 0


def test_liquidity_that_is_pulled_after_the_run_was_signed_costs_a_refusal_and_nothing_is_bought(
    stage: Stage, sessions: sessionmaker[Session]
) -> None:
    made, supply = flows(stage, sessions), stage.supply()
    made.owe(OWED)
    pull = ("removeLiquidity", -WIDEST, WIDEST, LIQUIDITY - 10**11)
    data = stage.system.contracts.call_data("DevTrader", *pull)
    with stage.blocks_by_hand():
        trader = stage.system.contracts.address("DevTrader")
        made.runner.run(before_ours(stage, trader, data), most_lots=1)
        (run,) = made.runner.resume(made.settled(), until_final=True).runs
    assert (run.state, failed_in_a_block(stage, run)) == (RunState.REFUSED, True)
    assert (stage.supply(), stage.next_run()) == (supply, 0)
    plan = made.planner.plan().plan
    assert (plan.verdict, plan.owed.wanted) == (Verdict.REFUSED, OWED * DOLLAR)


def test_a_blacklist_that_comes_after_the_run_was_signed_ends_it_with_nothing_spent(
    stage: Stage, sessions: sessionmaker[Session]
) -> None:
    made, held = flows(stage, sessions), stage.market().held
    made.owe(OWED)
    with stage.blocks_by_hand():
        # The run is with the nodes; before a block has it, USDC begins to refuse the burner.
        assert made.runner.run(lambda: False, most_lots=1).verdict is Verdict.PERSON
        blacklist(stage, stage.burner)
        (run,) = made.runner.resume(made.settled(), until_final=True).runs
    assert (run.state, failed_in_a_block(stage, run)) == (RunState.REFUSED, True)
    assert (stage.market().held, stage.next_run()) == (held, 0)


# --- a stolen key ---------------------------------------------------------------------------------------


def test_a_stolen_keepers_key_costs_at_most_what_the_floor_leaves_open_once_in_a_hop(stage: Stage) -> None:
    bounds = stage.market().bounds
    began, lost, runs = stage.system.devnet.head().timestamp, 0, 0
    ticks = best_for_a_thief(stage)
    while stage.system.devnet.head().timestamp - began <= SECONDS_PER_EPOCH:
        taken = steal(stage, runs, ticks)
        assert taken is not None
        lost, runs = lost + taken, runs + 1
        # Against every bound, at once: it is refused.
        for number, usdc in ((runs, bounds.lot), (runs - 1, bounds.lot), (runs + 1, bounds.lot)):
            with pytest.raises(TransactionFailed, match=r"RunTooSoon|NotNextRun"):
                execute(stage, number, usdc)
        stage.tick_away(HOP)
        with pytest.raises(TransactionFailed, match="LotOutOfBounds"):
            execute(stage, runs, bounds.lot + 1)
    most = worst_loss(bounds, runs_within(SECONDS_PER_EPOCH, bounds))
    assert runs <= runs_within(SECONDS_PER_EPOCH, bounds) == 7
    assert most == 1_400 * DOLLAR
    # The thief comes near what is possible: this is what the key is worth.
    assert most // 3 < lost <= most


def best_for_a_thief(stage: Stage) -> int:
    """By how many ticks to move the price first, so that the first run costs the most."""
    found: dict[int, int] = {}
    for ticks in range(0, 150, 10):
        snapshot = stage.system.devnet.snapshot()
        taken = steal(stage, 0, ticks)
        stage.system.devnet.revert(snapshot)
        if taken is not None:
            found[ticks] = taken
    assert max(found.values()) > found[0], "to sandwich it pays"
    return max(found, key=lambda ticks: found[ticks])


def steal(stage: Stage, run: int, ticks: int) -> int | None:
    """Let the keeper be its own counterparty; return what that cost the burner, or None if it is refused."""
    supply, held = stage.supply(), held_by(stage)
    price = stage.market().reference_price
    moved(stage, ticks)
    try:
        execute(stage, run, stage.market().bounds.lot)
    except TransactionFailed:
        return None
    moved(stage, 0)
    return (held - held_by(stage)) - (supply - stage.supply()) * DOLLAR // price


def held_by(stage: Stage) -> int:
    return stage.system.contracts.view("DevDollar", "balanceOf", stage.burner)


def execute(stage: Stage, run: int, usdc: int) -> None:
    """What a thief sends: with no minimum, and for all time."""
    stage.do("BuybackBurner", "execute", run, usdc, 0, 2**40, who=THIEF)


# --- paused, blacklisted --------------------------------------------------------------------------------


def test_what_the_guardian_paused_is_refused_also_after_the_plan_was_made(
    stage: Stage, sessions: sessionmaker[Session]
) -> None:
    made = flows(stage, sessions)
    made.owe(OWED)
    planned = made.planner.plan()
    assert planned.plan.verdict is Verdict.ACT
    stage.do("Guardian", "pauseEntries", 3_600)
    # The guardian of this chain is the same account: its next nonce is another one now.
    planned = replace(planned, account=made.keeper.account(stage.system.reader.head()))
    with made.runner.exclusively():
        made_too_early = made.runner._run_lot(planned, made.settled(), plan_id=None, until_final=True)
    assert made_too_early.runs[0].state is RunState.REFUSED
    assert made_too_early.runs[0].attempts == (), "the node tried it, and nothing was signed"
    outcome = made.runner.run(made.settled(), most_lots=1)
    assert (outcome.verdict, "the guardian has paused" in outcome.reason) == (Verdict.REFUSED, True)


def test_usdc_that_blacklists_the_burner_is_refused_and_nothing_is_signed(
    stage: Stage, sessions: sessionmaker[Session]
) -> None:
    made = flows(stage, sessions)
    made.owe(OWED)
    blacklist(stage, stage.burner)
    outcome = made.runner.run(made.settled(), most_lots=1)
    assert (outcome.verdict, outcome.runs) == (Verdict.REFUSED, ())
    assert "the contract would refuse the first lot" in outcome.reason


def blacklist(stage: Stage, who: str) -> None:
    """Let USDC refuse every transfer of one account: its code goes behind a few instructions that look."""
    usdc, behind = stage.usdc, "0x" + "be" * 20
    code = stage.system.contracts.web3.eth.get_code(usdc)  # type: ignore[arg-type]
    stage.system.rpc.call("anvil_setCode", behind, "0x" + code.hex())
    is_transfer = "5f3560e01c63a9059cbb14"  # the call's first four bytes are transfer's
    is_listed = f"3373{who[2:]}1416"  # and its caller is the one
    pass_on = f"365f5f375f5f365f73{behind[2:]}5af43d5f5f3e"  # a delegatecall with all of it
    head = is_transfer + is_listed
    refuse_at = (len(head) + len("60ff57") + len(pass_on) + len("60ff573d5ffd5b3d5ff3")) // 2
    well_at = (len(head) + len("60ff57") + len(pass_on) + len("60ff573d5ffd")) // 2
    end = f"60{well_at:02x}573d5ffd5b3d5ff35b5f5ffd"
    stage.system.rpc.call("anvil_setCode", usdc, f"0x{head}60{refuse_at:02x}57{pass_on}{end}")
    assert stage.system.contracts.view("DevDollar", "balanceOf", who) > 0, "everything else goes on"


# --- a node that lies -----------------------------------------------------------------------------------


@pytest.fixture
def liar(stage: Stage) -> Iterator[LyingNode]:
    with lying_node(stage.system.anvil.url) as node:
        yield node


def of_call(signature: str, lie: Callable[[str], str]) -> Callable[[list[Any], Any], Any]:
    """A lie about one function alone."""

    def tell(params: list[Any], truth: Any) -> Any:  # noqa: ANN401 - as the node's
        return lie(truth) if truth and str(params[0].get("data", "")).startswith(call(signature)) else truth

    return tell


def word(answer: str, place: int, change: Callable[[int], int]) -> str:
    start = 2 + 64 * place
    value = change(int(answer[start : start + 64], 16))
    return answer[:start] + f"{value % 2**256:064x}" + answer[start + 64 :]


EXECUTE = "execute(uint256,uint256,uint256,uint256)"


def test_a_quote_that_the_pools_state_does_not_give_needs_a_person(
    stage: Stage, liar: LyingNode, sessions: sessionmaker[Session]
) -> None:
    made = flows(stage, sessions, url=liar.url)
    made.owe(OWED)
    assert made.planner.plan().plan.verdict is Verdict.ACT
    for percent in (90, 110):
        liar.lie(
            "eth_call", of_call(EXECUTE, lambda told, by=percent: word(told, 1, lambda v: v * by // 100))
        )
        outcome = made.runner.run(made.settled(), most_lots=1)
        assert (outcome.verdict, outcome.runs) == (Verdict.PERSON, ())
        assert "by the pool's state it is" in outcome.reason


@pytest.mark.parametrize(
    ("case", "signature", "lie"),
    [
        ("less liquidity", "liquidity()", lambda told: word(told, 0, lambda value: value // 2)),
        ("another price", "slot0()", lambda told: word(told, 0, lambda value: value * 1_001 // 1_000)),
        ("more USDC", "balanceOf(address)", lambda told: word(told, 0, lambda value: value * 2)),
        ("a later turn", "nextRunAt()", lambda told: word(told, 0, lambda value: value + 1)),
    ],
)
def test_a_state_that_a_second_node_does_not_confirm_needs_a_person(
    stage: Stage,
    liar: LyingNode,
    sessions: sessionmaker[Session],
    case: str,
    signature: str,
    lie: Callable[[str], str],
) -> None:
    made = flows(stage, sessions, url=liar.url, second=stage.system.anvil.url)
    made.owe(OWED)
    assert made.planner.plan().plan.verdict is Verdict.ACT
    liar.lie("eth_call", of_call(signature, lie))
    plan = made.planner.plan().plan
    assert (plan.verdict, "two nodes differ" in plan.reason) == (Verdict.PERSON, True), (case, plan.reason)


def test_whatever_a_node_says_of_the_price_the_contracts_floor_holds(
    stage: Stage, liar: LyingNode, sessions: sessionmaker[Session]
) -> None:
    made = flows(stage, sessions, url=liar.url)
    made.owe(OWED)
    planned = made.planner.plan()
    (lot,) = planned.plan.lots
    # As bad as a lying node could make it: with no second one to ask, the keeper asks for nothing at all.
    worthless = made_worthless(planned)
    with stage.blocks_by_hand(), made.runner.exclusively():
        run = made.runner._run_lot(worthless, ahead_of_us(stage, 50), plan_id=None, until_final=True).runs[0]
    assert run.state is RunState.FINAL
    assert run.burned is not None
    assert lot.floor <= run.burned < lot.quote
    with stage.blocks_by_hand(), made.runner.exclusively():
        stage.tick_away(HOP)
        again = made_worthless(made.planner.plan(most=lot.usdc))
    assert again.plan.verdict is Verdict.NOTHING, "what was bought is not owed again"


def made_worthless(planned: Any) -> Any:  # noqa: ANN401 - a plan, with a minimum that is none
    lots = tuple(replace(lot, minimum=1, floor=1) for lot in planned.plan.lots)
    return replace(planned, plan=replace(planned.plan, lots=lots))


def test_a_node_that_hides_a_run_contradicts_the_burners_count(
    stage: Stage, liar: LyingNode, sessions: sessionmaker[Session]
) -> None:
    made = flows(stage, sessions, url=liar.url)
    made.owe(OWED)
    made.runner.run(made.settled(), most_lots=1)
    made.runner.resume(made.settled(), until_final=True)
    liar.lie("eth_getLogs", lambda _, logs: [log for log in logs if log["topics"][0] != EXECUTED])
    with pytest.raises(InconsistentNode, match="has counted 1 runs"):
        made.planner.plan()
    liar.lies.clear()
    assert made.planner.plan().plan.owed.wanted == 0


@pytest.mark.parametrize(
    "log",
    [7, {}, {"topics": None}, {"topics": []}, {"topics": [EXECUTED]}, {"topics": [DONATED], "data": "0x"}],
)
def test_a_run_that_a_node_tells_in_no_form_of_one_is_a_contradiction(
    stage: Stage, liar: LyingNode, sessions: sessionmaker[Session], log: object
) -> None:
    liar.lie("eth_getLogs", lambda *_: [log])
    with pytest.raises(InconsistentNode):
        flows(stage, sessions, url=liar.url).planner.plan()


def test_a_node_that_hides_a_receipt_does_not_make_it_buy_again(
    stage: Stage, liar: LyingNode, sessions: sessionmaker[Session]
) -> None:
    made, supply = flows(stage, sessions, url=liar.url), stage.supply()
    made.owe(OWED)
    liar.lie("eth_getTransactionReceipt", lambda *_: None)
    outcome = made.runner.run(made.settled(), most_lots=1)
    burned = supply - stage.supply()
    assert (outcome.runs[0].state, burned > 0) == (RunState.REPLACED, True)
    assert made.planner.plan().plan.verdict is Verdict.NOTHING
    assert made.runner.run(made.settled(), most_lots=3).verdict is Verdict.NOTHING
    assert supply - stage.supply() == burned


def test_a_node_that_asks_for_a_huge_tip_is_given_a_small_one(
    stage: Stage, liar: LyingNode, sessions: sessionmaker[Session]
) -> None:
    made = flows(stage, sessions, url=liar.url)
    made.owe(OWED)
    liar.lie("eth_maxPriorityFeePerGas", lambda *_: hex(10**12))
    (run,) = made.runner.run(made.settled(), most_lots=1).runs
    assert [each.tip for each in run.attempts] == [TIP_MOST]


def test_a_key_that_is_not_the_keepers_signs_nothing(stage: Stage, sessions: sessionmaker[Session]) -> None:
    made: Flows = flows(stage, sessions, who=3)
    made.owe(OWED)
    outcome = made.runner.run(made.settled(), most_lots=1)
    assert (outcome.verdict, outcome.runs) == (Verdict.PERSON, ())
    assert "the keeper is" in outcome.reason


def test_usdc_that_was_sent_to_the_burner_is_no_reason_to_buy(
    stage: Stage, sessions: sessionmaker[Session]
) -> None:
    made = flows(stage, sessions)
    made.owe(200)
    stage.fund_burner(50_000)
    stage.do("VVV", "transfer", stage.burner, 7 * WEI_PER_TOKEN)
    (run,) = made.runner.run(made.settled(), most_lots=3).runs
    assert run.spent == 200 * DOLLAR
    (seen,) = made.reads.through(stage.system.reader.head())
    assert (seen.donated, seen.burned) == (7 * WEI_PER_TOKEN, run.burned)
