"""Half an answer: some of a block's logs are left out, by range, by hash, or in all that a node says."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from entitlement.chain.client import RpcChainReader
from entitlement.chain.decode import topic_of
from entitlement.core.blocks import Header
from entitlement.core.errors import InconsistentNode, NodeUnavailable
from entitlement.core.events import ChainEvent, DiemMinted, VvvLocked
from tests.chain.lying_node import LyingNode, NodeError, lying_node
from tests.chain.system import IMPATIENT, System

ONE = 10**18


@pytest.fixture(scope="module", autouse=True)
def history(system: System) -> None:
    system.fund(1)
    system.transact(1, "StakedVVV", "stake", system.address(1), 1_000 * ONE)
    system.transact(1, "DiemMint", "mintDiem", 900 * ONE, 0)
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
def thorough(node: LyingNode, system: System) -> Iterator[RpcChainReader]:
    made = RpcChainReader(
        node.url, system.network, system.deployment, system.artifacts, IMPATIENT, check_receipts=True
    )
    yield made
    made.close()


@pytest.fixture
def headers(system: System) -> list[Header]:
    return system.reader.headers(system.deployment.start_block, system.reader.head().number)


@pytest.fixture
def truth(system: System, headers: list[Header]) -> list[ChainEvent]:
    return system.reader.events(headers)


@pytest.fixture
def locked(system: System) -> Callable[[dict[str, Any]], bool]:
    """Tell whether a log is that of VVV being locked, beside a mint of DIEM in the same block."""
    abi = system.artifacts["StakedVVV"].abi
    (topic,) = (topic_of(each) for each in abi if each["type"] == "event" and each["name"] == "Locked")
    return lambda log: log["topics"][0] == topic


def without(logs: list[Any], left_out: Callable[[dict[str, Any]], bool]) -> list[Any]:
    return [log for log in logs if not left_out(log)]


def receipts_without(
    receipts: list[Any], left_out: Callable[[dict[str, Any]], bool], *, renumber: bool
) -> list[Any]:
    kept = [receipt | {"logs": without(receipt["logs"], left_out)} for receipt in receipts]
    numbers = iter(range(10**6))
    return [
        each
        | {"logs": [log | ({"logIndex": hex(next(numbers))} if renumber else {}) for log in each["logs"]]}
        for each in kept
    ]


def changed_data(receipts: list[Any]) -> list[Any]:
    """Change what logs say, but not who says it about whom."""
    return [each | {"logs": [log | {"data": "0x" + "11" * 32} for log in each["logs"]]} for each in receipts]


def test_a_block_that_lacks_one_of_two_logs_by_range_is_asked_again_by_its_hash(
    node: LyingNode,
    reader: RpcChainReader,
    headers: list[Header],
    truth: list[ChainEvent],
    locked: Callable[[dict[str, Any]], bool],
) -> None:
    node.lie("eth_getLogs", lambda params, logs: logs if "blockHash" in params[0] else without(logs, locked))
    assert reader.events(headers) == truth
    assert {DiemMinted, VvvLocked} <= {type(event) for event in truth}


def test_of_blocks_that_lack_nothing_only_the_one_where_the_answer_ended_is_asked_again(
    node: LyingNode, reader: RpcChainReader, headers: list[Header], truth: list[ChainEvent]
) -> None:
    assert reader.events(headers) == truth
    asked = [params[0] for method, params in node.params if method == "eth_getLogs"]
    by_hash = [params["blockHash"] for params in asked if "blockHash" in params]
    assert by_hash == [truth[-1].at.block_hash]


def test_a_log_that_the_filter_excludes_is_no_more_believed_when_told_by_hash(
    node: LyingNode, reader: RpcChainReader, headers: list[Header], truth: list[ChainEvent], system: System
) -> None:
    last = truth[-1].at
    own = system.rpc.call("eth_getLogs", {"blockHash": last.block_hash})
    # A log of another block, told as if it stood behind those of the last one that spoke.
    other = next(
        log
        for log in system.rpc.call("eth_getLogs", {"blockHash": truth[0].at.block_hash})
        if log["topics"][0] not in {each["topics"][0] for each in own}
    )
    place = {name: own[-1][name] for name in ("blockNumber", "blockHash", "transactionHash")}
    forged = other | place | {"logIndex": hex(last.log_index + 100)}
    node.lie("eth_getLogs", lambda params, logs: [*logs, forged] if "blockHash" in params[0] else logs)
    with pytest.raises(InconsistentNode, match="its filter excludes them"):
        reader.events(headers)


def test_fewer_logs_by_hash_than_by_range_are_a_contradiction(
    node: LyingNode,
    reader: RpcChainReader,
    headers: list[Header],
    truth: list[ChainEvent],
    locked: Callable[[dict[str, Any]], bool],
) -> None:
    minted = next(event.at.block_hash for event in truth if isinstance(event, DiemMinted))
    node.lie(
        "eth_getLogs",
        lambda params, logs: (
            [log for log in logs if locked(log)]
            if params[0].get("blockHash") == minted
            else without(logs, locked)
        ),
    )
    with pytest.raises(InconsistentNode, match="fewer logs by its hash"):
        reader.events(headers)


def test_a_log_left_out_of_both_answers_is_found_in_the_receipts_alone(
    node: LyingNode,
    reader: RpcChainReader,
    thorough: RpcChainReader,
    headers: list[Header],
    truth: list[ChainEvent],
    locked: Callable[[dict[str, Any]], bool],
) -> None:
    node.lie("eth_getLogs", lambda _, logs: without(logs, locked))
    assert len(reader.events(headers)) == len(truth) - 1  # the lie that only the thorough way finds
    with pytest.raises(InconsistentNode, match="2 of our logs in its receipts, and 1"):
        thorough.events(headers)


@pytest.mark.parametrize("renumber", [False, True])
def test_a_log_left_out_of_everything_is_missing_in_the_filter(
    *,
    renumber: bool,
    node: LyingNode,
    thorough: RpcChainReader,
    headers: list[Header],
    locked: Callable[[dict[str, Any]], bool],
) -> None:
    node.lie("eth_getLogs", lambda _, logs: without(logs, locked))
    node.lie(
        "eth_getBlockReceipts", lambda _, receipts: receipts_without(receipts, locked, renumber=renumber)
    )
    with pytest.raises(InconsistentNode, match="do not make its filter" if renumber else "not in order"):
        thorough.events(headers)


@pytest.mark.parametrize(
    ("case", "lie"),
    [
        ("another block's", lambda receipts: [each | {"blockHash": "0x" + "12" * 32} for each in receipts]),
        ("not all", lambda receipts: receipts[1:]),
        ("not all", lambda receipts: [*receipts, *receipts]),
        ("not on the node any more", lambda _: None),
        ("not a list", lambda receipts: {"receipts": receipts}),
        ("not a list", lambda receipts: [each | {"logs": None} for each in receipts]),
        ("not an object", lambda _: ["0x"]),
        ("others, as logs", changed_data),
    ],
)
def test_receipts_that_do_not_fit_are_not_believed(
    case: str, lie: Callable[[Any], Any], node: LyingNode, thorough: RpcChainReader, headers: list[Header]
) -> None:
    node.lie("eth_getBlockReceipts", lambda _, receipts: lie(receipts))
    with pytest.raises(InconsistentNode, match=case):
        thorough.events(headers)


def test_the_thorough_way_reads_the_same_and_only_of_blocks_that_may_have_our_logs(
    node: LyingNode, thorough: RpcChainReader, headers: list[Header], truth: list[ChainEvent]
) -> None:
    assert thorough.events(headers) == truth
    asked = {params[0] for method, params in node.params if method == "eth_getBlockReceipts"}
    assert asked == {event.at.block_hash for event in truth}
    assert len(headers) > len(asked)


def test_a_node_without_receipts_of_blocks_says_so(
    node: LyingNode, thorough: RpcChainReader, headers: list[Header]
) -> None:
    node.lie("eth_getBlockReceipts", lambda _, __: NodeError(-32601, "the method does not exist"))
    with pytest.raises(NodeUnavailable, match="eth_getBlockReceipts: the method does not exist"):
        thorough.events(headers)
