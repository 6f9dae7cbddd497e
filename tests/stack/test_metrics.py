"""What Prometheus reads: the follower and its nodes in figures, and a runbook that names only what exists."""

import re
from collections.abc import Iterator
from urllib.request import urlopen

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import Engine

from entitlement import metrics
from entitlement.chain.anvil import AnvilProcess, AnvilSettings
from entitlement.chain.rpc import JsonRpc, RpcLimits
from entitlement.chain.toolchain import PROJECT
from entitlement.core.errors import NodeUnavailable, SetupError
from entitlement.wiring.service import Service
from tests.chain.lying_node import NodeError, lying_node
from tests.gateway.running import free_port
from tests.stack.processes import until
from tests.stack.test_jobs import at_work, long_chain, service

__all__ = ["service"]


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


@pytest.fixture(scope="module")
def anvil() -> Iterator[str]:
    with AnvilProcess(AnvilSettings()) as process:
        yield process.url


def test_following_shows_in_the_figures(service: Service, database: Engine) -> None:
    steps = value("entitlement_follow_steps_total", outcome="ok")
    undone = value("entitlement_follow_reorganisations_total")
    events = value("entitlement_follow_events_total")
    metrics.HEAD_BLOCK.set(0)  # another test's follower may have left it anywhere
    chain = long_chain(30)
    with at_work(service, chain, database):
        until(lambda: value("entitlement_chain_head_block") == 30)
        assert value("entitlement_chain_node_block") == 30
        assert value("entitlement_chain_lag_blocks") == 0
        assert value("entitlement_chain_final_block") == chain.final_head().number
        assert value("entitlement_chain_head_timestamp_seconds") == chain.head().timestamp
        chain.drop(5)
        for _ in range(7):
            chain.mine()
        until(lambda: value("entitlement_chain_head_block") == 32)
    assert value("entitlement_follow_steps_total", outcome="ok") > steps
    assert value("entitlement_follow_last_success_timestamp_seconds") > 0
    assert value("entitlement_follow_reorganisations_total") == undone + 1
    assert value("entitlement_follow_reorganisation_blocks_bucket", le="5.0") >= 1
    assert value("entitlement_follow_events_total") == events


def test_a_node_is_counted_by_its_host_and_never_by_its_address(anvil: str) -> None:
    with lying_node(anvil) as node, JsonRpc(node.url + "/v2/secret-key", RpcLimits(tries=1)) as rpc:
        labels = {"node": "127.0.0.1", "method": "eth_blockNumber"}
        good = value("entitlement_node_requests_total", **labels, outcome="ok")
        bad = value("entitlement_node_requests_total", **labels, outcome="Throttled")
        took = value("entitlement_node_request_seconds_count", **labels)
        rpc.call("eth_blockNumber")
        node.lie("eth_blockNumber", lambda _params, _truth: NodeError(-32005, "too many requests"))
        with pytest.raises(NodeUnavailable):
            rpc.call("eth_blockNumber")
    assert value("entitlement_node_requests_total", **labels, outcome="ok") == good + 1
    assert value("entitlement_node_requests_total", **labels, outcome="Throttled") == bad + 1
    assert value("entitlement_node_request_seconds_count", **labels) == took + 2


def test_the_figures_are_served_and_hold_no_secret() -> None:
    port = free_port()
    metrics.serve_metrics("127.0.0.1", port)
    with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        text = answer.read().decode()
    assert "entitlement_chain_head_block" in text
    assert "secret-key" not in text
    with pytest.raises(SetupError, match=f"cannot be served at 127.0.0.1:{port}"):
        metrics.serve_metrics("127.0.0.1", port)


def test_the_runbook_names_only_metrics_that_exist() -> None:
    known = {sample.name for family in REGISTRY.collect() for sample in family.samples}
    known |= {family.name for family in REGISTRY.collect()}
    text = (PROJECT / "docs/runbook.md").read_text()
    named = set(re.findall(r"\bentitlement_\w+", text))
    assert len(named) >= 8
    families = {name.removesuffix(end) for name in known for end in ("_total", "_bucket", "_count", "_sum")}
    for name in named:
        assert name in known or re.sub(r"_(total|bucket|count|sum)$", "", name) in families, name
