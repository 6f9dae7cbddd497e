"""The reader against a real, honest node."""

from dataclasses import replace
from typing import Any

import pytest
from hexbytes import HexBytes

from entitlement.chain.client import RpcChainReader
from entitlement.core.blocks import Finality, FinalityRule, Header
from entitlement.core.errors import DeploymentMismatch, InconsistentNode, NodeUnavailable, WrongChain
from entitlement.core.events import AllowanceChanged, DiemMinted, DiemStaked, VvvLocked, VvvStaked
from entitlement.core.reorg import fork_point, is_linked
from tests.chain.lying_node import lying_node
from tests.chain.system import System

ONE = 10**18


@pytest.fixture(scope="module", autouse=True)
def history(system: System) -> None:
    system.fund(1)
    system.transact(1, "StakedVVV", "stake", system.address(1), 1_000 * ONE)
    system.transact(1, "DiemMint", "mintDiem", 900 * ONE, 0)
    system.devnet.mine(5)
    system.transact(1, "InferenceStake", "stake", system.address(2), 2 * ONE)


def read_all(system: System, reader: RpcChainReader | None = None) -> list[Header]:
    reader = reader or system.reader
    return reader.headers(system.deployment.start_block, reader.head().number)


def test_headers_are_linked_and_end_at_the_head(system: System) -> None:
    headers = read_all(system)
    assert is_linked(headers, None)
    assert headers[-1] == system.reader.head()
    assert headers[0].hash == system.deployment.start_block_hash
    assert system.reader.header(headers[3].number) == headers[3]
    assert system.reader.header(headers[-1].number + 1) is None


def test_events_come_in_the_order_of_the_chain_with_their_blocks(system: System) -> None:
    headers = read_all(system)
    events = system.reader.events(headers)
    assert [type(event) for event in events] == [
        VvvStaked,  # the treasury's
        VvvStaked,
        DiemMinted,
        VvvLocked,
        AllowanceChanged,
        DiemStaked,
    ]
    places = [event.at for event in events]
    assert places == sorted(places)
    hashes = {header.number: header.hash for header in headers}
    assert all(hashes[place.block_number] == place.block_hash for place in places)
    assert events[-1].wallet == system.wallet(2)


def test_events_of_parts_are_the_events_of_the_whole(system: System) -> None:
    headers = read_all(system)
    whole = system.reader.events(headers)
    for cut in range(1, len(headers)):
        assert system.reader.events(headers[:cut]) + system.reader.events(headers[cut:]) == whole


def test_no_blocks_have_no_events(system: System) -> None:
    assert system.reader.events([]) == []


def test_a_reader_that_never_saw_the_headers_finds_the_same_events(system: System) -> None:
    headers = read_all(system)
    fresh = system.reader_of(system.anvil.url)
    assert fresh.events(headers) == system.reader.events(headers)
    fresh.close()


def test_a_small_limit_of_blocks_finds_the_same_events(system: System) -> None:
    headers = read_all(system)
    small = system.reader_of(system.anvil.url, replace(system.network, blocks_per_request=3))
    assert small.events(headers) == system.reader.events(headers)
    small.close()


@pytest.mark.parametrize(
    ("finality", "below"),
    [
        (Finality(FinalityRule.FINALIZED), 2),
        (Finality(FinalityRule.SAFE), 1),
        (Finality(FinalityRule.DEPTH, 3), 3),
        (Finality(FinalityRule.DEPTH, 10**6), None),
    ],
)
def test_the_final_head_follows_the_networks_rule_from_the_start_block_on(
    finality: Finality, below: int | None, system: System
) -> None:
    reader = system.reader_of(system.anvil.url, replace(system.network, finality=finality))
    number = reader.final_head().number
    assert number == (system.deployment.start_block if below is None else system.reader.head().number - below)
    reader.close()


def test_another_chain_is_refused_at_the_first_question(system: System) -> None:
    reader = system.reader_of(system.anvil.url, replace(system.network, chain_id=8453))
    assert reader.chain_id() == 31337
    with pytest.raises(WrongChain, match="8453"):
        reader.head()
    reader.close()


def test_a_chain_without_the_deployments_first_block_is_refused(system: System) -> None:
    elsewhere = replace(system.deployment, start_block_hash="0x" + "11" * 32)
    reader = RpcChainReader(system.anvil.url, system.network, elsewhere, system.artifacts)
    with pytest.raises(DeploymentMismatch, match="start_block_hash"):
        reader.head()
    reader.close()


def test_a_node_that_is_not_there_is_unavailable(system: System) -> None:
    reader = system.reader_of("http://127.0.0.1:1")
    with pytest.raises(NodeUnavailable, match="ConnectError"):
        reader.head()
    reader.close()


def test_after_a_reorganisation_nothing_is_said_about_blocks_that_are_gone(system: System) -> None:
    before = read_all(system)
    system.devnet.reorg(3)
    with pytest.raises((InconsistentNode, NodeUnavailable)):
        system.reader.events(before)
    # Also for a reader that asks for the first time, and for blocks that never had a log.
    fresh = system.reader_of(system.anvil.url)
    with pytest.raises((InconsistentNode, NodeUnavailable)):
        fresh.events(before[-2:])
    fresh.close()


def test_a_reorganisation_between_headers_and_events_is_never_mixed(system: System) -> None:
    """The new chain has other logs at the same heights: they must not be given for the old blocks."""
    snapshot = system.devnet.snapshot()
    system.transact(1, "StakedVVV", "stake", system.address(1), 5 * ONE)
    system.transact(1, "StakedVVV", "stake", system.address(1), 6 * ONE)
    old = read_all(system)
    system.devnet.revert(snapshot)
    system.devnet.mine()
    system.transact(1, "StakedVVV", "stake", system.address(1), 7 * ONE)
    with pytest.raises(InconsistentNode, match="not one of them"):
        system.reader.events(old)
    new = read_all(system)
    fork = fork_point(old, lambda number: getattr(system.reader.header(number), "hash", None))
    assert [event.amount for event in system.reader.events(new) if event.at.block_number > fork.number] == [
        7 * ONE
    ]


def test_transactions_that_a_reorganisation_moves_are_found_in_their_new_blocks(system: System) -> None:
    sent = [
        system.transact(1, "StakedVVV", "stake", system.address(1), amount * ONE)["transactionHash"]
        for amount in (1, 2, 3)
    ]
    raw = [system.rpc.call("eth_getRawTransactionByHash", HexBytes(each).to_0x_hex()) for each in sent]
    before = read_all(system)
    fork = before[-4]
    system.devnet.reorg(3, [(raw[0], 0), (raw[1], 2)])
    after = read_all(system)
    assert after[-4] == fork
    events = system.reader.events(after[-3:])
    assert [(event.at.block_number - fork.number, event.amount) for event in events] == [
        (1, 1 * ONE),
        (3, 2 * ONE),
    ]


def test_a_question_is_asked_for_followed_events_of_our_contracts_only(system: System) -> None:
    with lying_node(system.anvil.url) as node:
        reader = system.reader_of(node.url)
        reader.events(read_all(system, reader))
        reader.close()
    (wanted,) = next(params for method, params in node.params if method == "eth_getLogs")
    addresses = system.deployment.addresses
    assert wanted["address"] == [
        addresses[name].lower() for name in ("StakedVVV", "DiemMint", "InferenceStake", "CreditSales")
    ]
    assert len(wanted["topics"][0]) == 14  # eighteen events, four of which both stations share


def test_half_an_answer_is_made_whole_wherever_it_is_cut(system: System) -> None:
    headers = read_all(system)
    truth = system.reader.events(headers)
    for cut in range(len(truth)):

        def half(params: list[Any], logs: list[Any], cut: int = cut) -> list[Any]:
            return logs if "blockHash" in params[0] else logs[:cut]

        with lying_node(system.anvil.url) as node:
            node.lie("eth_getLogs", half)
            reader = system.reader_of(node.url)
            assert reader.events(headers) == truth, f"cut after {cut} logs"
            reader.close()


def test_half_an_answer_to_the_second_question_does_not_drop_what_the_first_has_said(system: System) -> None:
    headers = read_all(system)
    mint = next(event.at for event in system.reader.events(headers) if isinstance(event, DiemMinted))
    with lying_node(system.anvil.url) as node:
        node.lie("eth_getLogs", lambda params, logs: logs[:1] if "blockHash" in params[0] else logs)
        reader = system.reader_of(node.url)
        with pytest.raises(InconsistentNode, match="fewer logs by its hash"):
            reader.events(headers[: mint.block_number - headers[0].number + 1])
        reader.close()


def test_a_newest_block_whose_height_is_told_too_high_makes_nothing_final(system: System) -> None:
    deep = replace(system.network, finality=Finality(FinalityRule.DEPTH, 3))
    with lying_node(system.anvil.url) as node:
        reader = system.reader_of(node.url, deep)
        assert reader.final_head().number == system.reader.head().number - 3
        node.lie(
            "eth_getBlockByNumber",
            lambda params, block: (
                block | {"number": hex(int(block["number"], 16) + 2)} if params[0] == "latest" else block
            ),
        )
        with pytest.raises((InconsistentNode, NodeUnavailable)):
            reader.final_head()
        node.lie(
            "eth_getBlockByNumber",
            lambda params, block: block | {"hash": "0x" + "56" * 32} if params[0] == "latest" else block,
        )
        with pytest.raises(InconsistentNode, match="another stands at that height"):
            reader.final_head()
        reader.close()
