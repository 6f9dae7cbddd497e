"""Pokes on a real pair: its prices are kept without a gap, by an account that spends no more than it may."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from eth_typing import HexStr
from prometheus_client import REGISTRY
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from entitlement.chain.contracts import Contracts
from entitlement.chain.deployment.record import write_deployment
from entitlement.chain.networks import load_network
from entitlement.chain.poker import SECONDS, VENUE, Done, Poked, Poker, pair_venue_of
from entitlement.chain.replacement import fields_of
from entitlement.core.errors import SetupError, TransactionFailed
from entitlement.jobs import Configured, Jobs
from entitlement.settings import read_settings
from entitlement.store.leadership import Leadership, Role
from entitlement.wiring.poking import open_poking
from entitlement.wiring.service import build_service
from tests.chain.system import System
from tests.chain.test_pair_venue import ANYBODY, WINDOW, open_pair, over_pair
from tests.support import ScriptedChain, follower

COST_MOST = 10**15


@pytest.fixture
def over(system: System) -> Contracts:
    return over_pair(system, open_pair(system))


def poker(system: System, over: Contracts, cost_most: int = COST_MOST) -> Poker:
    contracts = Contracts(over.web3, system.artifacts, {VENUE: over.address(VENUE)})
    return Poker(contracts, system.account(ANYBODY), cost_most=cost_most)


def mined(over: Contracts, poked: Poked) -> None:
    """A node answers with the hash before a block has the transaction."""
    assert poked.hash is not None
    assert over.web3.eth.wait_for_transaction_receipt(HexStr(poked.hash))["status"] == 1


def test_looks_every_few_minutes_give_a_buyback_its_mean_and_one_too_many_sends_nothing(
    system: System, over: Contracts
) -> None:
    made = poker(system, over)
    with pytest.raises(TransactionFailed, match="OLD"):
        over.view("BuybackBurner", "market")
    for _ in range(WINDOW // SECONDS + 2):
        mined(over, made.poke())
        assert made.poke() == Poked(Done.NOT_DUE)
        system.devnet.jump_to(system.devnet.head().timestamp + SECONDS)
    price, _, _ = over.view("BuybackBurner", "market")
    assert price > 0


@pytest.fixture
def halted(system: System, over: Contracts) -> Iterator[Contracts]:
    """A chain that takes no transaction until somebody mines."""
    system.rpc.call("evm_setAutomine", False)  # noqa: FBT003 - the node's own argument
    yield over
    system.rpc.call("evm_setAutomine", True)  # noqa: FBT003 - likewise


def test_a_poke_that_no_block_takes_is_offered_more_under_its_number(
    system: System, halted: Contracts
) -> None:
    made = poker(system, halted)
    first, second = made.poke(), made.poke()
    assert (first.done, second.done) == (Done.SENT, Done.REPLACED)
    assert made._last is not None
    nonce = fields_of(made._last)["nonce"]
    system.devnet.mine(1)
    mined(halted, second)
    address = system.address(ANYBODY)
    assert halted.web3.eth.get_transaction_count(address) == nonce + 1  # type: ignore[arg-type]


def test_a_poke_that_the_node_did_not_take_is_not_outbid_the_next_time(
    system: System, over: Contracts
) -> None:
    """An account that runs dry has enough for the estimate before it has too little for what is signed."""
    made = poker(system, over)
    address = system.address(ANYBODY)
    rich = over.web3.eth.get_balance(address)  # type: ignore[arg-type]
    fields = fields_of(made._signed()[0])
    system.rpc.call("anvil_setBalance", address, hex(fields["gas"] * fields["maxFeePerGas"] - 1))
    for _ in range(40):
        with pytest.raises(TransactionFailed, match="Insufficient funds"):
            made.poke()
    system.rpc.call("anvil_setBalance", address, hex(rich))
    poked = made.poke()
    assert poked.done is Done.SENT
    assert made._last is not None
    assert fields_of(made._last)["maxPriorityFeePerGas"] == fields["maxPriorityFeePerGas"]
    mined(over, poked)


def test_a_poke_that_would_cost_too_much_is_not_sent(system: System, over: Contracts) -> None:
    before = over.web3.eth.get_transaction_count(system.address(ANYBODY), "pending")  # type: ignore[arg-type]
    with pytest.raises(TransactionFailed, match="ENTITLEMENT_POKER_COST_MOST"):
        poker(system, over, cost_most=1).poke()
    assert over.web3.eth.get_transaction_count(system.address(ANYBODY), "pending") == before  # type: ignore[arg-type]


def test_what_stands_in_front_of_a_pair_is_told_from_a_pool_which_needs_no_pokes(
    system: System, over: Contracts, tmp_path: Path
) -> None:
    assert pair_venue_of(over, system.artifacts) == over.address(VENUE)
    assert pair_venue_of(system.contracts, system.artifacts) is None
    record = tmp_path / "deployment.json"
    write_deployment(system.deployment, record)
    settings = read_settings(rpc_url=system.anvil.url, deployment=record, data_folder=tmp_path)
    with pytest.raises(SetupError, match="keeps its prices by itself"):
        open_poking(settings, system.account(ANYBODY))


def test_the_jobs_poke_by_themselves(
    system: System, over: Contracts, sessions: sessionmaker[Session], database: Engine, tmp_path: Path
) -> None:
    settings = read_settings(data_folder=tmp_path, token_secret="0123456789abcdef" * 4)
    chain = ScriptedChain()
    chain.mine()
    jobs = Jobs(
        build_service(settings, load_network("anvil"), sessions),
        follower(chain, sessions),
        Leadership(database, Role.JOBS),
        poll_seconds=1,
        configured=Configured(poking=poker(system, over)),
    )
    assert over.view(VENUE, "poke")
    thread = threading.Thread(target=jobs.run)
    thread.start()
    try:
        look = threading.Event()
        for _ in range(600):
            if not over.view(VENUE, "poke"):
                break
            look.wait(0.1)
    finally:
        jobs.stop()
        thread.join(30)
    assert not over.view(VENUE, "poke")
    assert REGISTRY.get_sample_value("entitlement_poked_timestamp_seconds")
