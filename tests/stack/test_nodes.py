"""The follower as the settings make it, over real nodes of which one is dead, lags or lies."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker
from structlog.testing import capture_logs

from entitlement.chain.artifacts import load_artifacts
from entitlement.chain.deployment.record import write_deployment
from entitlement.chain.endpoints import DOUBTS_MAX
from entitlement.chain.networks import load_network
from entitlement.core.blocks import Finality, FinalityRule
from entitlement.core.errors import InconsistentNode, NodesDisagree, SetupError
from entitlement.settings import Settings, read_settings
from entitlement.wiring import following, rebuilding, verification
from tests.chain.lying_node import LyingNode, RawAnswer, lying_node
from tests.chain.system import System, deployed
from tests.flows.test_follow_anything import everything_of
from tests.support import catch_up, known

ONE = 10**18
DEPTH = 2
DEAD = "http://127.0.0.1:1"
Sessions = sessionmaker[Session]


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    with deployed(load_network("anvil"), load_artifacts()) as made:
        made.fund(1)
        made.transact(1, "StakedVVV", "stake", made.address(1), 1_000 * ONE)
        made.transact(1, "DiemMint", "mintDiem", 900 * ONE, 0)
        made.devnet.mine(10)
        made.transact(1, "InferenceStake", "stake", made.address(2), 2 * ONE)
        made.devnet.mine(10)
        yield made


@pytest.fixture
def second(system: System) -> Iterator[LyingNode]:
    with lying_node(system.anvil.url) as made:
        yield made


@pytest.fixture
def settings(system: System, second: LyingNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of a network like a real one: final is what lies a little below the head."""
    real = replace(load_network("anvil"), is_devnet=False, finality=Finality(FinalityRule.DEPTH, DEPTH))
    monkeypatch.setattr(following, "load_network", lambda _name: real)
    write_deployment(system.deployment, tmp_path / "31337.json")
    return read_settings(
        rpc_url=f"{DEAD},{system.anvil.url}",
        quorum_rpc_url=second.url,
        check_receipts=True,
        rpc_requests_per_second=5_000,
        deployment=tmp_path / "31337.json",
    )


def assert_right(settings: Settings, sessions: Sessions) -> None:
    with verification.open_verification(
        settings.model_copy(update={"rpc_url": settings.rpc_url and settings.rpc_url.split(",")[1]}), sessions
    ) as verified:
        found = verified.run(known(sessions).final.number, lambda _done, _of: None)
    assert found.differences == []


def test_two_honest_nodes_and_a_dead_one_are_followed_to_what_the_contracts_say(
    settings: Settings, system: System, sessions: Sessions
) -> None:
    with following.open_follower(settings, sessions) as follower:
        catch_up(follower)
    assert known(sessions).final.number == system.devnet.head().number - DEPTH
    assert_right(settings, sessions)


def test_a_node_that_contradicts_itself_is_changed_for_the_next(
    settings: Settings, second: LyingNode, system: System, sessions: Sessions
) -> None:
    second.lie("eth_getLogs", lambda _, logs: [*logs, *logs])
    lying_first = settings.model_copy(
        update={"rpc_url": f"{second.url},{system.anvil.url}", "quorum_rpc_url": None}
    )
    with following.open_follower(lying_first, sessions) as follower:
        for _ in range(DOUBTS_MAX):
            with pytest.raises(InconsistentNode):
                follower.step()
        catch_up(follower)
    assert_right(settings, sessions)


def leave_out_logs(second: LyingNode, system: System) -> int:
    """Leave the logs of a final block out of every answer, with no filters to be convicted by."""
    head = system.devnet.head().number
    final = system.reader.headers(system.deployment.start_block, head - DEPTH)
    spoke = system.reader.events(final)[-1].at.block_number
    second.lie("eth_getLogs", lambda _, logs: [log for log in logs if int(log["blockNumber"], 16) != spoke])
    for method in ("eth_getBlockByNumber", "eth_getBlockByHash"):
        second.lie(method, lambda _, block: block and {k: v for k, v in block.items() if k != "logsBloom"})
    return spoke


def test_a_log_that_the_second_node_has_not_stops_what_is_final(
    settings: Settings, second: LyingNode, system: System, sessions: Sessions
) -> None:
    head = system.devnet.head().number
    spoke = leave_out_logs(second, system)
    settings = settings.model_copy(update={"check_receipts": False})
    with following.open_follower(settings, sessions) as follower:
        with pytest.raises(NodesDisagree, match=rf"block {spoke} is final, .*127\.0\.0\.1 says no event"):
            follower.step()
        assert known(sessions).final.number < head - DEPTH
        second.lies.clear()
        catch_up(follower)
    assert known(sessions).final.number == head - DEPTH


def test_another_hash_of_a_final_block_is_a_disagreement_that_ends_when_they_agree(
    settings: Settings, second: LyingNode, system: System, sessions: Sessions
) -> None:
    final = system.devnet.head().number - DEPTH

    def other(params: list[Any], block: Any) -> Any:  # noqa: ANN401  JSON
        return block | {"hash": "0x" + "12" * 32} if int(params[0], 16) == final else block

    second.lie(
        "eth_getBlockByNumber", lambda params, block: block if params[0] == "latest" else other(params, block)
    )
    with following.open_follower(settings, sessions) as follower:
        with pytest.raises(NodesDisagree) as caught:
            follower.step()
        assert (caught.value.block, caught.value.second_said) == (final, "0x" + "12" * 32)
        second.lies.clear()
        catch_up(follower)
    assert_right(settings, sessions)


def test_a_second_node_that_is_out_or_behind_holds_back_what_is_final_alone(
    settings: Settings, second: LyingNode, system: System, sessions: Sessions
) -> None:
    head = system.devnet.head().number
    second.raw = [RawAnswer(status=429, body=b"")]
    with following.open_follower(settings, sessions) as follower:
        with capture_logs() as logs:
            follower.step()
        assert [line["node"] for line in logs if line["event"] == "quorum_waits"] == ["127.0.0.1"]
        assert known(sessions).final.number < system.deployment.start_block
        assert known(sessions).head.number == head
        second.raw = []
        behind = system.rpc.call("eth_getBlockByNumber", hex(head - 5), False)  # noqa: FBT003
        second.lie("eth_getBlockByNumber", lambda params, block: behind if params[0] == "latest" else block)
        follower.step()
        assert known(sessions).final.number == head - 5 - DEPTH
        second.lies.clear()
        follower.step()
    assert known(sessions).final.number == head - DEPTH
    assert_right(settings, sessions)


def test_a_node_that_agrees_with_itself_is_refused(
    settings: Settings, system: System, sessions: Sessions
) -> None:
    same = settings.model_copy(update={"quorum_rpc_url": f"http://other.example,{system.anvil.url}"})
    with pytest.raises(SetupError, match="is followed itself"), following.open_follower(same, sessions):
        pass


@pytest.mark.parametrize("dry_run", [False, True], ids=["mending", "dry run"])
def test_rebuilding_believes_what_both_nodes_say_and_nothing_else(
    settings: Settings,
    second: LyingNode,
    system: System,
    sessions: Sessions,
    database: Engine,
    *,
    dry_run: bool,
) -> None:
    with following.open_follower(settings, sessions) as follower:
        catch_up(follower)
    before = everything_of(sessions)
    spoke = leave_out_logs(second, system)
    settings = settings.model_copy(update={"check_receipts": False})
    with rebuilding.open_reindexing(settings, database) as reindexing:
        with pytest.raises(NodesDisagree, match=f"block {spoke} is final, .*: nothing was written"):
            reindexing.run(lambda *_: None, dry_run=dry_run)
        assert everything_of(sessions) == before
        second.lies.clear()
        assert not reindexing.run(lambda *_: None, dry_run=dry_run).differs


def test_verification_believes_what_both_nodes_say_and_nothing_else(
    settings: Settings, second: LyingNode, system: System, sessions: Sessions
) -> None:
    settings = settings.model_copy(update={"rpc_url": system.anvil.url})
    with following.open_follower(settings, sessions) as follower:
        catch_up(follower)
    staked, wrong = f"{2 * ONE:064x}", f"{3 * ONE:064x}"
    second.lie("eth_call", lambda _, answer: answer.replace(staked, wrong))
    with verification.open_verification(settings, sessions) as verified:
        with pytest.raises(NodesDisagree, match=rf"diem_staked of .* is {2 * ONE}, and .* is {3 * ONE}"):
            verified.run(None, lambda _done, _of: None)
        assert known(sessions).no_grants_because is not None
        second.lies.clear()
        assert verified.run(None, lambda _done, _of: None).differences == []
    assert known(sessions).no_grants_because is None
