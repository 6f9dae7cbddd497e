"""The reader in front of a node that fails, contradicts itself or lies: it says so, or finds the truth."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from entitlement.chain.client import RpcChainReader
from entitlement.chain.rpc import JsonRpc, RpcLimits
from entitlement.core.blocks import Finality, FinalityRule, Header
from entitlement.core.errors import ChainError, InconsistentNode, NodeUnavailable, WrongChain
from entitlement.core.events import ChainEvent
from tests.chain.lying_node import LyingNode, NodeError, RawAnswer, lying_node
from tests.chain.system import IMPATIENT, System

ONE = 10**18


@pytest.fixture(scope="module", autouse=True)
def history(system: System) -> None:
    system.fund(1)
    for amount in (1, 2, 3):
        system.transact(1, "StakedVVV", "stake", system.address(1), amount * ONE)
        system.devnet.mine(2)


@pytest.fixture
def node(system: System) -> Iterator[LyingNode]:
    with lying_node(system.anvil.url) as made:
        yield made


@pytest.fixture
def reader(node: LyingNode, system: System) -> Iterator[RpcChainReader]:
    made = system.reader_of(node.url)
    yield made
    made.close()


@pytest.fixture
def tagging_reader(node: LyingNode, system: System) -> Iterator[RpcChainReader]:
    """A reader of a network whose nodes say by a tag what is final."""
    by_tag = replace(system.network, finality=Finality(FinalityRule.FINALIZED))
    made = system.reader_of(node.url, by_tag)
    yield made
    made.close()


@pytest.fixture
def headers(system: System) -> list[Header]:
    return system.reader.headers(system.deployment.start_block, system.reader.head().number)


@pytest.fixture
def truth(system: System, headers: list[Header]) -> list[ChainEvent]:
    return system.reader.events(headers)


def by_range(lie: Callable[[Any], Any]) -> Callable[[list[Any], Any], Any]:
    """Lie about ranges only; asked by hash, the node is honest."""
    return lambda params, logs: logs if "blockHash" in params[0] else lie(logs)


def changed_first(logs: list[Any], **changes: object) -> list[Any]:
    return [logs[0] | changes, *logs[1:]] if logs else logs


# --- logs that are kept back, or are not ours ----------------------------------------------------------


def test_logs_kept_back_of_a_range_are_found_by_hash(
    node: LyingNode, reader: RpcChainReader, headers: list[Header], truth: list[ChainEvent]
) -> None:
    node.lie("eth_getLogs", by_range(lambda _: []))
    assert reader.headers(headers[0].number, headers[-1].number) == headers
    assert reader.events(headers) == truth
    assert len(truth) == 4


def test_one_block_kept_back_of_a_range_is_found_by_hash(
    node: LyingNode, reader: RpcChainReader, headers: list[Header], truth: list[ChainEvent]
) -> None:
    node.lie(
        "eth_getLogs",
        by_range(
            lambda logs: [log for log in logs if int(log["blockNumber"], 16) != truth[2].at.block_number]
        ),
    )
    assert reader.events(headers) == truth


def test_only_blocks_whose_filter_leaves_it_open_are_asked_twice(
    node: LyingNode, reader: RpcChainReader, headers: list[Header], truth: list[ChainEvent]
) -> None:
    node.lie("eth_getLogs", by_range(lambda _: []))
    reader.headers(headers[0].number, headers[-1].number)
    reader.events(headers)
    again = [params[0]["blockHash"] for method, params in node.params if "blockHash" in str(params)]
    assert again == [event.at.block_hash for event in truth]


def test_a_filter_that_says_maybe_is_settled_by_a_silent_answer_and_the_block_itself(
    node: LyingNode, reader: RpcChainReader, headers: list[Header], truth: list[ChainEvent]
) -> None:
    """On a busy chain nearly every filter says maybe: here all of them do."""
    node.lie("eth_getBlockByNumber", lambda _, block: block and block | {"logsBloom": "0x" + "ff" * 256})
    node.lie("eth_getBlockByHash", lambda _, block: block and block | {"logsBloom": "0x" + "ff" * 256})
    assert reader.headers(headers[0].number, headers[-1].number) == headers
    assert reader.events(headers) == truth
    assert node.asked["eth_getBlockByHash"] == len(headers) - len(truth)


def test_a_chain_without_filters_is_asked_block_by_block(
    node: LyingNode, reader: RpcChainReader, headers: list[Header], truth: list[ChainEvent]
) -> None:
    for method in ("eth_getBlockByNumber", "eth_getBlockByHash"):
        node.lie(method, lambda _, block: block and {k: v for k, v in block.items() if k != "logsBloom"})
    node.lie("eth_getLogs", by_range(lambda _: []))
    assert reader.events(headers) == truth


def test_a_silent_block_that_the_node_no_longer_has_is_not_believed_to_be_silent(
    node: LyingNode, reader: RpcChainReader, headers: list[Header]
) -> None:
    reader.headers(headers[0].number, headers[-1].number)
    node.lie("eth_getLogs", lambda _, __: [])
    node.lie("eth_getBlockByHash", lambda _, __: None)
    with pytest.raises(InconsistentNode, match="not on the node any more"):
        reader.events(headers)


def test_a_filter_that_denies_our_logs_is_a_contradiction(
    node: LyingNode, reader: RpcChainReader, headers: list[Header]
) -> None:
    node.lie("eth_getBlockByNumber", lambda _, block: block and block | {"logsBloom": "0x" + "00" * 256})
    reader.headers(headers[0].number, headers[-1].number)
    with pytest.raises(InconsistentNode, match="its filter excludes them"):
        reader.events(headers)


@pytest.mark.parametrize(
    ("case", "lie"),
    [
        ("another block of the range", lambda logs: changed_first(logs, blockNumber=logs[1]["blockNumber"])),
        ("a block beyond the range", lambda logs: changed_first(logs, blockNumber="0xfffff")),
        ("a block of another fork", lambda logs: changed_first(logs, blockHash="0x" + "12" * 32)),
        ("no block at all", lambda logs: changed_first(logs, blockNumber=None)),
        ("removed", lambda logs: changed_first(logs, removed=True)),
        ("twice the same", lambda logs: [logs[0], *logs]),
        ("cut data", lambda logs: changed_first(logs, data="0x")),
        ("cut topics", lambda logs: changed_first(logs, topics=logs[0]["topics"][:1])),
        ("an object for the list", lambda logs: {"logs": logs}),
        ("null for the list", lambda _: None),
        ("texts for the logs", lambda logs: [str(log) for log in logs]),
    ],
)
def test_logs_that_do_not_fit_are_not_believed(
    case: str, lie: Callable[[Any], Any], node: LyingNode, reader: RpcChainReader, headers: list[Header]
) -> None:
    node.lie("eth_getLogs", lambda _, logs: lie(logs))
    with pytest.raises(InconsistentNode):
        reader.events(headers)
    assert case


def test_logs_of_another_block_are_not_believed_when_asked_by_hash(
    node: LyingNode, reader: RpcChainReader, headers: list[Header], system: System, truth: list[ChainEvent]
) -> None:
    other = system.rpc.call("eth_getLogs", {"blockHash": truth[0].at.block_hash})
    node.lie("eth_getLogs", lambda params, _: other if "blockHash" in params[0] else [])
    with pytest.raises(InconsistentNode, match="was answered with the log at"):
        reader.events(headers)


def test_a_node_that_ignores_the_filter_of_contracts_changes_nothing(
    node: LyingNode, reader: RpcChainReader, headers: list[Header], truth: list[ChainEvent], system: System
) -> None:
    span = {"fromBlock": hex(headers[0].number), "toBlock": hex(headers[-1].number)}
    everything = system.rpc.call("eth_getLogs", span)
    node.lie("eth_getLogs", by_range(lambda _: everything))
    assert len(everything) > len(truth)
    assert reader.events(headers) == truth


# --- blocks ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("case", "lie"),
    [
        ("null in the middle", lambda number, block: None if number == 5 else block),
        ("another height", lambda number, block: block | {"number": hex(number + 1)}),
        ("another parent", lambda _, block: block | {"parentHash": "0x" + "34" * 32}),
        ("no hash", lambda _, block: block | {"hash": None}),
        ("a short filter", lambda _, block: block | {"logsBloom": "0xff"}),
        ("a time beyond all bounds", lambda _, block: block | {"timestamp": hex(2**70)}),
        ("a list", lambda _, block: [block]),
    ],
)
def test_blocks_that_do_not_fit_are_not_believed(
    case: str, lie: Callable[[int, Any], Any], node: LyingNode, reader: RpcChainReader, headers: list[Header]
) -> None:
    reader.head()  # the deployment's first block was checked before the lies begin
    node.lie("eth_getBlockByNumber", lambda params, block: lie(int(params[0], 16), block))
    with pytest.raises(InconsistentNode):
        reader.headers(headers[0].number, headers[-1].number)
    assert case


def test_another_block_for_a_height_is_not_believed(node: LyingNode, reader: RpcChainReader) -> None:
    reader.head()
    node.lie("eth_getBlockByNumber", lambda _, block: block | {"number": "0x4"})
    with pytest.raises(InconsistentNode, match="asked for block 3, got block 4"):
        reader.header(3)


def test_a_final_block_that_is_not_known_yet_is_worth_another_try(
    node: LyingNode, tagging_reader: RpcChainReader
) -> None:
    node.lie("eth_getBlockByNumber", lambda params, block: None if params[0] == "finalized" else block)
    with pytest.raises(NodeUnavailable, match="finalized"):
        tagging_reader.final_head()


def test_a_finalized_block_below_the_deployment_counts_as_its_first_block(
    node: LyingNode, tagging_reader: RpcChainReader, system: System
) -> None:
    first = system.rpc.call("eth_getBlockByNumber", "0x1", False)  # noqa: FBT003
    node.lie("eth_getBlockByNumber", lambda params, block: first if params[0] == "finalized" else block)
    assert tagging_reader.final_head().hash == system.deployment.start_block_hash


def test_a_node_behind_the_deployment_is_worth_another_try(
    node: LyingNode, reader: RpcChainReader, system: System
) -> None:
    start = hex(system.deployment.start_block)
    node.lie("eth_getBlockByNumber", lambda params, block: None if params[0] == start else block)
    with pytest.raises(NodeUnavailable, match="has not reached"):
        reader.head()


@pytest.mark.parametrize("told", ["0x1", "0x2105"])
def test_a_node_of_another_chain_is_refused(told: str, node: LyingNode, reader: RpcChainReader) -> None:
    node.lie("eth_chainId", lambda _, __: told)
    with pytest.raises(WrongChain):
        reader.head()


@pytest.mark.parametrize("told", [None, 31337, "31337", "0x", ["0x7a69"]])
def test_a_chain_id_that_is_none_is_not_believed(
    told: object, node: LyingNode, reader: RpcChainReader
) -> None:
    node.lie("eth_chainId", lambda _, __: told)
    with pytest.raises(InconsistentNode):
        reader.chain_id()


# --- ranges and batches that are too large ---------------------------------------------------------------


@pytest.mark.parametrize("largest", [1, 2, 5])
def test_a_range_is_halved_until_the_node_takes_it(
    largest: int, node: LyingNode, reader: RpcChainReader, headers: list[Header], truth: list[ChainEvent]
) -> None:
    def refuse(params: list[Any], logs: object) -> object:
        wanted = params[0]
        if "blockHash" in wanted:
            return logs
        blocks = int(wanted["toBlock"], 16) - int(wanted["fromBlock"], 16) + 1
        return logs if blocks <= largest else NodeError(-32005, "query returned more than 10000 results")

    node.lie("eth_getLogs", refuse)
    assert reader.events(headers) == truth
    # Halving, and each block that spoke once more by its hash: an answer ended there.
    assert node.asked["eth_getLogs"] < 2 * len(headers) + 2 * len(truth)


def test_a_node_that_refuses_a_single_block_is_unavailable_and_not_asked_for_ever(
    node: LyingNode, reader: RpcChainReader, headers: list[Header]
) -> None:
    node.lie("eth_getLogs", lambda _, __: NodeError(-32005, "not today"))
    with pytest.raises(NodeUnavailable, match="not today"):
        reader.events(headers)
    assert node.asked["eth_getLogs"] < 3 + len(headers).bit_length() + 1


def test_batches_are_halved_until_the_node_takes_them(
    node: LyingNode, reader: RpcChainReader, headers: list[Header]
) -> None:
    node.batches_refused_above = 3
    assert reader.headers(headers[0].number, headers[-1].number) == headers


# --- faults that pass, and faults that do not -------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        RawAnswer(status=500, times=2),
        RawAnswer(status=503, body=b"busy", times=2),
        RawAnswer(status=429, times=1),
        RawAnswer(body=b"<html>gateway</html>", times=2),
        RawAnswer(body=b"", times=1),
        RawAnswer(body=b'{"jsonrpc":"2.0","id":0,"error":{"code":-32603,"message":"tired"}}', times=2),
    ],
)
def test_a_fault_that_passes_is_waited_out(
    fault: RawAnswer, node: LyingNode, reader: RpcChainReader, system: System
) -> None:
    node.raw = [fault]
    assert reader.head() == system.reader.head()
    assert node.asked["raw"] == fault.times


@pytest.mark.parametrize(
    ("fault", "tries"),
    [
        (RawAnswer(status=500), 3),
        (RawAnswer(body=b"nonsense"), 3),
        (RawAnswer(body=b'{"jsonrpc":"2.0","id":0,"error":{"code":-32603,"message":"tired"}}'), 3),
        (RawAnswer(status=401, body=b"no key"), 1),
        (RawAnswer(status=301), 1),
        (RawAnswer(body=b'{"jsonrpc":"2.0","id":0,"error":{"code":-32601,"message":"no method"}}'), 1),
        (RawAnswer(body=b'{"jsonrpc":"2.0","id":0,"error":"bad"}'), 3),
    ],
)
def test_a_fault_that_stays_ends_after_a_few_tries(
    fault: RawAnswer, tries: int, node: LyingNode, reader: RpcChainReader
) -> None:
    node.raw = [fault]
    with pytest.raises(NodeUnavailable):
        reader.head()
    assert node.asked["raw"] == tries


@pytest.mark.parametrize(
    "body",
    [
        b'{"jsonrpc":"2.0","id":7,"result":"0x7a69"}',
        b'{"jsonrpc":"2.0","id":0}',
        b'{"jsonrpc":"2.0","id":false,"result":"0x7a69"}',
        b'"0x7a69"',
        b"[1]",
        b"[]",
        b"null",
        b'[{"jsonrpc":"2.0","id":0,"result":"0x1"},{"jsonrpc":"2.0","id":0,"result":"0x2"}]',
    ],
)
def test_an_answer_to_another_question_is_not_believed(
    body: bytes, node: LyingNode, reader: RpcChainReader
) -> None:
    node.raw = [RawAnswer(body=body)]
    with pytest.raises(InconsistentNode):
        reader.chain_id()


@pytest.mark.parametrize(
    "fault",
    [
        RawAnswer(hang_seconds=10),
        RawAnswer(body=b" " * 400 + b"{}", drip_seconds=0.05),
    ],
)
def test_a_node_that_hangs_or_drips_is_given_up_in_time(fault: RawAnswer, node: LyingNode) -> None:
    node.raw = [fault]
    limits = RpcLimits(connect_seconds=1, answer_seconds=0.5, tries=2, first_wait_seconds=0.01)
    started = time.monotonic()
    with JsonRpc(node.url, limits) as rpc, pytest.raises(NodeUnavailable, match=r"in time|too long"):
        rpc.call("eth_chainId")
    assert time.monotonic() - started < 8


def test_an_error_never_shows_the_url_which_may_hold_a_key(node: LyingNode, system: System) -> None:
    reader = system.reader_of(node.url + "/v2/secret-key")
    for fault in (
        RawAnswer(status=500),
        RawAnswer(status=401),
        RawAnswer(body=b"nonsense"),
        RawAnswer(hang_seconds=3),
    ):
        node.raw = [fault]
        with pytest.raises(ChainError) as caught:
            reader.head()
        assert "secret-key" not in str(caught.value)
    reader.close()
    assert IMPATIENT.tries == 3
