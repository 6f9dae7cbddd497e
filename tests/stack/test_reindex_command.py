"""Rebuilding against a real node: beside a follower and its users, as a command, and killed."""

import signal
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session, sessionmaker

from entitlement.chain.artifacts import load_artifacts
from entitlement.chain.deployment.record import write_deployment
from entitlement.chain.networks import load_network
from entitlement.flows.follow_chain import FollowChain, FollowLimits
from entitlement.flows.reindex_chain import ReindexChain
from entitlement.flows.verify_positions import VerifyPositions
from entitlement.store.leadership import Leadership, Role
from entitlement.store.shadow import open_shadow
from tests.chain.lying_node import lying_node
from tests.chain.random_users import RandomUsers
from tests.chain.system import System, deployed
from tests.flows.test_follow_anything import everything_of
from tests.stack.conftest import Typed
from tests.stack.processes import address_of, running, until

SEED = 5
ACTS = 60
DAMAGE = "UPDATE positions SET vvv_unlocked = vvv_unlocked + 1 WHERE NOT pending"

Sessions = sessionmaker[Session]


@pytest.fixture(scope="module")
def lively() -> Iterator[tuple[System, RandomUsers]]:
    with deployed(load_network("anvil"), load_artifacts()) as system:
        users = RandomUsers(system, SEED)
        users.settle_in()
        for _ in range(ACTS):
            users.act()
        yield system, users


@pytest.fixture
def follower(lively: tuple[System, RandomUsers], sessions: Sessions) -> FollowChain:
    system, _ = lively
    limits = FollowLimits(blocks_per_step=1_000, may_undo_final=True)
    made = FollowChain(system.reader, sessions, limits, start_block=system.deployment.start_block)
    catch_up(made)
    return made


def catch_up(follower: FollowChain) -> None:
    while not follower.step().is_caught_up:
        pass


def damage(database: Engine) -> None:
    with database.begin() as connection:
        assert connection.execute(text(DAMAGE)).rowcount


def assert_true(system: System, sessions: Sessions) -> None:
    verification = VerifyPositions(sessions, system.reader, system.contracts)
    assert verification.run(None, lambda _done, _of: None).differences == []


def test_beside_a_follower_and_busy_users_it_mends_and_verification_agrees(
    lively: tuple[System, RandomUsers], follower: FollowChain, sessions: Sessions, database: Engine
) -> None:
    system, users = lively
    damage(database)
    reader = system.reader_of(system.anvil.url)
    ended = threading.Event()

    def live() -> None:
        while not ended.is_set():
            users.act()
            catch_up(follower)

    living = threading.Thread(target=live)
    living.start()
    try:
        flow = ReindexChain(
            reader,
            sessions,
            partial(open_shadow, database),
            blocks_per_step=20,
            start_block=system.deployment.start_block,
        )
        assert flow.run(lambda *_: None, dry_run=False).is_mended
    finally:
        ended.set()
        living.join()
        reader.close()
    catch_up(follower)
    assert_true(system, sessions)


@pytest.fixture
def environment(lively: tuple[System, RandomUsers], database: Engine, tmp_path: Path) -> dict[str, str]:
    system, _ = lively
    write_deployment(system.deployment, tmp_path / "deployment.json")
    return {
        "DATABASE_URL": address_of(database.url),
        "ENTITLEMENT_RPC_URL": system.anvil.url,
        "ENTITLEMENT_DEPLOYMENT": str(tmp_path / "deployment.json"),
        "ENTITLEMENT_TOKEN_SECRET": "0123456789abcdef" * 4,
    }


@pytest.mark.usefixtures("follower")
@pytest.mark.parametrize("options", [(), ("--from-events",)], ids=["from the chain", "from the events"])
def test_the_command_tells_mends_and_says_by_its_exit_code_what_a_dry_run_found(
    lively: tuple[System, RandomUsers],
    sessions: Sessions,
    database: Engine,
    environment: dict[str, str],
    options: tuple[str, ...],
    typed: Typed,
) -> None:
    system, _ = lively
    same = typed("reindex", *options, "--dry-run", **environment)
    assert (same.code, same.err) == (0, "")
    assert "all as it was stored" in same.out
    damage(database)
    found = typed("reindex", *options, "--dry-run", **environment)
    assert found.code == 1
    assert "vvv_unlocked is stored as" in found.out
    assert "what is stored is now" not in found.out
    mended = typed("reindex", *options, **environment)
    assert (mended.code, mended.err) == (0, "")
    assert "what is stored is now as it was rebuilt" in mended.out
    assert_true(system, sessions)


@pytest.mark.usefixtures("follower")
def test_two_nodes_that_disagree_are_told_by_the_commands_and_nothing_is_written(
    lively: tuple[System, RandomUsers],
    sessions: Sessions,
    database: Engine,
    environment: dict[str, str],
    typed: Typed,
) -> None:
    system, _ = lively
    with lying_node(system.anvil.url) as second:
        environment["ENTITLEMENT_QUORUM_RPC_URL"] = second.url
        for command in (("reindex", "--dry-run"), ("verify",)):
            same = typed(*command, **environment)
            assert (same.code, same.err) == (0, "")
        damage(database)
        damaged = everything_of(sessions)
        other = "0x" + "12" * 32
        final = hex(system.devnet.head().number)
        second.lie(
            "eth_getBlockByNumber",
            lambda params, block: block | {"hash": other} if params[0] == final else block,
        )
        rebuilt, verified = typed("reindex", **environment), typed("verify", **environment)
        assert (rebuilt.code, verified.code) == (1, 1)
        for told in (rebuilt, verified):
            assert f"says {other}: nothing" in told.err
            assert "Traceback" not in told.err
        assert "nothing was written" in rebuilt.err
        assert "nothing more is granted" in verified.err
        assert everything_of(sessions) == damaged
        # Of the stored events alone no node is asked.
        asked = sum(second.asked.values())
        assert typed("reindex", "--from-events", **environment).code == 0
        assert sum(second.asked.values()) == asked


@pytest.mark.usefixtures("follower")
def test_of_two_at_once_the_second_is_told_to_wait(
    database: Engine, environment: dict[str, str], typed: Typed
) -> None:
    first = Leadership(database, Role.REINDEX)
    assert first.is_taken()
    second = typed("reindex", "--from-events", **environment)
    first.give_up()
    assert second.code == 1
    assert "Another process rebuilds" in second.err


@pytest.mark.usefixtures("follower")
def test_one_that_is_killed_before_it_commits_changes_nothing_and_the_next_one_mends(
    lively: tuple[System, RandomUsers],
    sessions: Sessions,
    database: Engine,
    environment: dict[str, str],
    tmp_path: Path,
    typed: Typed,
) -> None:
    system, _ = lively
    damage(database)
    # Its last transaction waits for the cursor, which a follower may hold.
    with database.begin() as follows, running("reindex", log=tmp_path / "log", **environment) as killed:
        follows.execute(text("SELECT 1 FROM chain_state FOR UPDATE"))
        until(lambda: is_waiting(database) or killed.process.poll() is not None)
        assert killed.process.poll() is None, killed.text
        killed.send(signal.SIGKILL)
        killed.ends()
    assert has_shadow(database)
    assert typed("reindex", "--dry-run", **environment).code == 1, "what is stored is as it was"
    assert typed("reindex", **environment).code == 0
    assert_true(system, sessions)
    assert not has_shadow(database)


def is_waiting(database: Engine) -> bool:
    with database.begin() as connection:
        query = text(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%FOR UPDATE%'"
        )
        return bool(connection.execute(query).scalar_one())


def has_shadow(database: Engine) -> bool:
    with database.begin() as connection:
        return connection.execute(text("SELECT to_regnamespace('reindex')")).scalar_one() is not None
