"""What Prometheus reads: the follower and its nodes in figures, and a runbook that names only what exists."""

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from urllib.request import urlopen

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import Engine
from structlog.testing import capture_logs

from entitlement import metrics
from entitlement.chain.anvil import AnvilProcess, AnvilSettings
from entitlement.chain.rpc import JsonRpc, RpcLimits
from entitlement.chain.toolchain import PROJECT
from entitlement.core.errors import ChainError, NodesDisagree, NodeUnavailable, SetupError
from entitlement.flows.verify_positions import Verification
from entitlement.jobs import Configured, Jobs, Verifying
from entitlement.store import verification
from entitlement.store.leadership import Leadership, Role
from entitlement.store.verification import Verified
from entitlement.wiring.service import Service
from tests.chain.lying_node import NodeError, lying_node
from tests.gateway.running import free_port
from tests.stack.processes import until
from tests.stack.test_jobs import at_work, long_chain, service
from tests.support import BLOCK_SECONDS, follower

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
    chain.finality_depth = 3
    with at_work(service, chain, database):
        until(lambda: value("entitlement_chain_head_block") == 30)
        until(lambda: value("entitlement_chain_final_lag_seconds") == 3 * BLOCK_SECONDS)  # the last one set
        assert value("entitlement_chain_node_block") == 30
        assert value("entitlement_chain_lag_blocks") == 0
        assert value("entitlement_chain_lag_seconds") == 0
        assert value("entitlement_chain_final_lag_blocks") == 30 - chain.final_head().number
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


def test_a_process_of_the_api_tells_its_own_figures_and_none_of_the_chain() -> None:
    # Such a process has loaded it, and each rate is told from the beginning.
    import_module("entitlement.api.addresses")
    port = free_port()
    metrics.serve_metrics("127.0.0.1", port, metrics.OF_API, setting="API_METRICS_PORT")
    with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        text = answer.read().decode()
    assert 'entitlement_api_requests_refused_by_address_total{rate="anonymous"}' in text
    assert "entitlement_chain" not in text
    with pytest.raises(SetupError) as refused:
        metrics.serve_metrics("127.0.0.1", port, metrics.OF_API, setting="API_METRICS_PORT")
    assert "ENTITLEMENT_API_METRICS_PORT" in (refused.value.remedy or "")


def test_the_runbook_names_only_metrics_that_exist() -> None:
    families = [*REGISTRY.collect(), *metrics.OF_API.collect()]
    known = {sample.name for family in families for sample in family.samples}
    known |= {family.name for family in families}
    text = (PROJECT / "docs/runbook.md").read_text()
    named = set(re.findall(r"\bentitlement_\w+", text))
    assert len(named) >= 8
    bases = {name.removesuffix(end) for name in known for end in ("_total", "_bucket", "_count", "_sum")}
    for name in named:
        assert name in known or re.sub(r"_(total|bucket|count|sum)$", "", name) in bases, name


def test_every_alert_of_the_runbook_is_explained_in_a_part_of_its_own() -> None:
    text = (PROJECT / "docs/runbook.md").read_text()
    alerts = [row.split("|")[1].strip() for row in text.splitlines() if row.startswith("| ")][1:]
    assert len(alerts) >= 10
    parts = {part.partition("\n")[0].lower(): part for part in text.split("\n## ")[1:]}
    for alert in alerts:
        assert len(parts.get(alert, "")) > 150, f"nothing is said of what to do about {alert!r}"


def test_why_nothing_is_granted_and_what_was_verified_is_measured_from_what_is_stored(
    service: Service, database: Engine
) -> None:
    with at_work(service, long_chain(3), database) as jobs:
        until(lambda: service.accounts.health() is not None)
        keep = partial(verification.keep, is_whole=True)
        for differences in (2, 0, 2):
            with service.sessions.begin() as session:
                outcome = Verified(2, 77 + differences, 9, differences, None)
                keep(session, outcome, first_difference="told by a test" if differences else None)
            jobs.watch()
            stopped = value("entitlement_granting_stopped", reason="verification")
            assert stopped == bool(differences)
            assert value("entitlement_granting_stopped", reason="following") == 0
            assert value("entitlement_verification_differences") == differences
            assert value("entitlement_verification_block") == 2
            assert value("entitlement_verification_wallets") == 9
        assert value("entitlement_verification_last_success_timestamp_seconds") == 77


@dataclass
class Findings:
    """A verification with a given outcome."""

    differences: list[str]

    def sample(self, _limit: int) -> Verification:
        return Verification(7, 5, self.differences)


@pytest.mark.parametrize("differences", [[], ["told by a test"]], ids=["right", "wrong"])
def test_the_jobs_verify_on_their_schedule_and_say_what_they_found(
    service: Service, database: Engine, differences: list[str]
) -> None:
    following = follower(long_chain(3), service.sessions)
    following.step()
    outcome = "differences" if differences else "ok"
    before = value("entitlement_verification_runs_total", outcome=outcome)
    verifying = Verifying(Findings(differences), 3_600, 10)  # type: ignore[arg-type]
    jobs = Jobs(service, following, Leadership(database, Role.JOBS), 1, Configured(verifying))
    with capture_logs() as logs:
        thread = threading.Thread(target=jobs.run)
        thread.start()
        try:
            until(lambda: value("entitlement_verification_runs_total", outcome=outcome) > before)
            until(lambda: any(each["event"].startswith("verif") for each in logs))
        finally:
            jobs.stop()
            thread.join(30)
    line = next(each for each in logs if each["event"].startswith("verif"))
    assert (line["block"], line["wallets"]) == (7, 5)
    assert line["log_level"] == ("critical" if differences else "info")
    assert line.get("first") == (differences[0] if differences else None)


@dataclass
class Fails:
    """A verification that does not come to its end."""

    error: ChainError

    def sample(self, _limit: int) -> Verification:
        raise self.error


DISAGREE = NodesDisagree(block=7, first="one.example", first_said="5", second="two.example", second_said="6")


@pytest.mark.parametrize(
    ("error", "level", "event"),
    [
        (DISAGREE, "critical", "granting_stopped"),
        (NodeUnavailable(method="eth_call", reason="told by a test"), "warning", "job_failed"),
    ],
)
def test_two_nodes_that_disagree_are_as_loud_in_a_verification_as_in_following(
    service: Service, database: Engine, error: ChainError, level: str, event: str
) -> None:
    following = follower(long_chain(3), service.sessions)
    following.step()
    outcome = type(error).__name__
    before = value("entitlement_verification_runs_total", outcome=outcome)
    verifying = Verifying(Fails(error), 3_600, 10)  # type: ignore[arg-type]
    jobs = Jobs(service, following, Leadership(database, Role.JOBS), 1, Configured(verifying))
    thread = threading.Thread(target=jobs.run)
    with capture_logs() as logs:
        thread.start()
        try:
            until(lambda: any(each.get("job") == "verify" for each in logs))
        finally:
            jobs.stop()
            thread.join(30)
    line = next(each for each in logs if each.get("job") == "verify")
    assert (line["event"], line["log_level"], line["error"]) == (event, level, outcome)
    assert line["reason"] == str(error)
    assert value("entitlement_verification_runs_total", outcome=outcome) == before + 1


def test_a_final_block_that_is_gone_is_logged_as_what_it_is_and_measured(
    service: Service, database: Engine
) -> None:
    chain = long_chain(5)
    following = follower(chain, service.sessions)
    following.step()
    chain.drop(2)
    for _ in range(3):
        chain.mine()
    jobs = Jobs(service, following, Leadership(database, Role.JOBS), 0.05)
    thread = threading.Thread(target=jobs.run)
    with capture_logs() as logs:
        thread.start()
        try:
            until(lambda: any(each["event"] == "granting_stopped" for each in logs))
            jobs.watch()
        finally:
            jobs.stop()
            thread.join(30)
    line = next(each for each in logs if each["event"] == "granting_stopped")
    expected = {"log_level": "critical", "job": "follow", "error": "FinalBlockChanged"}
    assert line | expected == line
    assert value("entitlement_granting_stopped", reason="following") == 1
    assert value("entitlement_follow_steps_total", outcome="FinalBlockChanged") >= 1
