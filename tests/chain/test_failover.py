"""The reader over real nodes of which some are dead, tired, lying or of another chain."""

from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from entitlement.chain.anvil import AnvilProcess, AnvilSettings
from entitlement.chain.client import RpcChainReader
from entitlement.core.blocks import Header
from entitlement.core.errors import NodeUnavailable, WrongChain
from entitlement.core.events import ChainEvent
from tests.chain.lying_node import LyingNode, NodeError, RawAnswer, lying_node
from tests.chain.system import System

ONE = 10**18
DEAD = "http://127.0.0.1:1"


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
def truth(system: System) -> tuple[list[Header], list[ChainEvent]]:
    return read(system.reader, system)


def read(reader: RpcChainReader, system: System) -> tuple[list[Header], list[ChainEvent]]:
    headers = reader.headers(system.deployment.start_block, reader.head().number)
    return headers, reader.events(headers)


def test_a_dead_node_before_a_good_one_costs_nothing_but_time(
    system: System, truth: tuple[list[Header], list[ChainEvent]]
) -> None:
    reader = system.reader_of(f"{DEAD},{system.anvil.url}")
    assert read(reader, system) == truth
    reader.close()


@pytest.mark.parametrize(
    "fault",
    [
        RawAnswer(status=502),
        RawAnswer(body=b"<html>"),
        RawAnswer(status=429),
        RawAnswer(hang_seconds=3),
        RawAnswer(body=b'{"jsonrpc":"2.0","id":0,"error":{"code":-32005,"message":"rate limit exceeded"}}'),
    ],
)
def test_a_node_that_fails_in_the_middle_is_changed_for_the_next(
    fault: RawAnswer, node: LyingNode, system: System, truth: tuple[list[Header], list[ChainEvent]]
) -> None:
    reader = system.reader_of(f"{node.url},{system.anvil.url}")
    headers = reader.headers(system.deployment.start_block, reader.head().number)
    node.raw = [fault]
    assert (headers, reader.events(headers)) == truth
    assert reader.head() == system.reader.head()
    reader.close()


def test_a_node_that_has_pruned_its_logs_is_changed_for_one_that_has_them(
    node: LyingNode, system: System, truth: tuple[list[Header], list[ChainEvent]]
) -> None:
    node.lie("eth_getLogs", lambda _, __: NodeError(-32000, "history is not available"))
    reader = system.reader_of(f"{node.url},{system.anvil.url}")
    assert read(reader, system) == truth
    assert node.asked["eth_getLogs"] < 10
    reader.close()


def test_a_node_of_another_chain_is_left_out_and_all_of_them_are_an_error(
    node: LyingNode, system: System, truth: tuple[list[Header], list[ChainEvent]]
) -> None:
    node.lie("eth_chainId", lambda _, __: "0x1")
    reader = system.reader_of(f"{node.url},{system.anvil.url}")
    with capture_logs() as logs:
        assert read(reader, system) == truth
    assert "node_of_another_chain" in str(logs)
    assert not set(node.asked) - {"eth_chainId"}
    reader.close()
    alone = system.reader_of(f"{node.url},{node.url}")
    with pytest.raises(WrongChain, match="serves chain 1"):
        alone.head()
    alone.close()


def test_a_range_that_one_node_refuses_is_asked_of_it_in_parts(
    node: LyingNode, system: System, truth: tuple[list[Header], list[ChainEvent]]
) -> None:
    def narrow(params: list[dict[str, str]], logs: object) -> object:
        if "blockHash" in params[0]:
            return logs
        blocks = int(params[0]["toBlock"], 16) - int(params[0]["fromBlock"], 16) + 1
        return logs if blocks <= 3 else NodeError(-32602, "exceed maximum block range: 3")

    node.lie("eth_getLogs", narrow)
    reader = system.reader_of(f"{node.url},{DEAD}")
    assert read(reader, system) == truth
    ranges = [params for method, params in node.params if method == "eth_getLogs" and "toBlock" in params[0]]
    assert len(ranges) <= 2 + len(truth[0]) // 3 + 1
    reader.close()


def test_when_a_node_comes_back_after_all_were_dead_it_is_asked_at_once(system: System) -> None:
    with AnvilProcess(AnvilSettings()) as elsewhere:
        port = elsewhere.port
    reader = system.reader_of(f"{DEAD},http://127.0.0.1:{port}")
    for _ in range(4):
        with pytest.raises(NodeUnavailable):
            reader.chain_id()
    with AnvilProcess(AnvilSettings(port=port)):
        assert reader.chain_id() == 31337
    reader.close()
