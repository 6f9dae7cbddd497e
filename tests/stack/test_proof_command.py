"""Roots and proofs as people reach them: a command that publishes, jobs that do, and a wallet's own proof."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from entitlement.api.app import create_app
from entitlement.chain.artifacts import load_artifacts
from entitlement.chain.deployment.record import write_deployment
from entitlement.chain.networks import load_network
from entitlement.chain.roots import RootsOnChain
from entitlement.cli.publisher import development_publisher
from entitlement.core.epochs import Epoch, ends_at
from entitlement.core.holds import LATE_CAPTURE_SECONDS
from entitlement.core.ledger import Source
from entitlement.flows.follow_chain import FollowChain, FollowLimits
from entitlement.flows.shift_clock import ShiftClock
from entitlement.jobs import Configured, Jobs
from entitlement.settings import Settings, read_settings
from entitlement.store import access
from entitlement.store.clock import service_time
from entitlement.store.leadership import Leadership, Role
from entitlement.wiring.publishing import open_publishing
from entitlement.wiring.service import service_on
from tests.chain.system import DEPLOYER, System, deployed
from tests.gateway.running import running
from tests.proofs import TODAY
from tests.stack.conftest import Typed
from tests.stack.processes import until
from tests.support import NOON, USD, catch_up, grant

ALICE = 1
Sessions = sessionmaker[Session]


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    with deployed(load_network("anvil"), load_artifacts()) as made:
        yield made


@pytest.fixture
def environment(system: System, database: Engine, tmp_path: Path) -> dict[str, str]:
    record = tmp_path / "deployment.json"
    write_deployment(system.deployment, record)
    return {
        "DATABASE_URL": database.url.render_as_string(hide_password=False),
        "ENTITLEMENT_DATA_FOLDER": str(tmp_path),
        "ENTITLEMENT_TOKEN_SECRET": "s" * 32,
        "ENTITLEMENT_RPC_URL": system.anvil.url,
        "ENTITLEMENT_DEPLOYMENT": str(record),
    }


@pytest.fixture
def following(system: System, sessions: Sessions) -> Iterator[FollowChain]:
    """A day with a grant that is over, on the chain and by the clock."""
    before = system.devnet.snapshot()
    clock = ShiftClock(sessions, network="tests", is_devnet=True)
    clock.jump_to(NOON)
    with sessions.begin() as session:
        account_id = access.open_account(session, system.wallet(ALICE), service_time(session))
    grant(sessions, account_id, Source.DIEM, 2 * USD)
    over = ends_at(TODAY) + LATE_CAPTURE_SECONDS
    system.devnet.jump_to(over)
    limits = FollowLimits(blocks_per_step=1_000)
    made = FollowChain(system.reader, sessions, limits, start_block=system.deployment.start_block)
    catch_up(made)
    clock.jump_to(over)
    yield made
    system.devnet.revert(before)


def key_of(system: System, number: int) -> str:
    return "0x" + bytes(system.account(number).key).hex()


def test_a_local_stack_publishes_as_whom_the_chain_names_and_not_at_all_where_it_has_no_key(
    system: System,
) -> None:
    roots_, timelock = system.contracts.address("EpochRoots"), system.contracts.address("Timelock")
    before = system.devnet.snapshot()
    system.rpc.call("anvil_impersonateAccount", timelock)
    system.rpc.call("anvil_setBalance", timelock, hex(10**18))
    for named, found in ((system.address(ALICE), system.address(ALICE)), (timelock, None)):
        data = system.contracts.call_data("EpochRoots", "namePublisher", named)
        # In a block when it answers; `eth_sendTransaction` answers before.
        done = system.rpc.call("eth_sendTransactionSync", {"from": timelock, "to": roots_, "data": data})
        assert done["status"] == "0x1"
        signer = development_publisher(system.contracts)
        assert (signer and signer.address) == found
    system.rpc.call("anvil_stopImpersonatingAccount", timelock)
    system.devnet.revert(before)
    signer = development_publisher(system.contracts)
    assert (signer and signer.address) == system.address(DEPLOYER)


@pytest.mark.usefixtures("following")
def test_a_day_is_published_by_a_command_whose_dry_run_says_so_and_its_owner_has_a_proof_that_holds(
    typed: Typed, system: System, environment: dict[str, str], database: Engine, tmp_path: Path
) -> None:
    def proof(*arguments: str, **more: str) -> tuple[int, str]:
        done = typed("proof", *arguments, **environment, **more)
        return done.code, done.out + done.err

    publish = ("publish",)
    assert f"epoch {TODAY} can be closed" in proof("publish", "--dry-run")[1]
    code, said = proof(*publish)
    assert (code, "Nobody signs the roots" in said) == (1, True)
    code, said = proof(*publish, PUBLISHER_PRIVATE_KEY=key_of(system, 3))
    assert (code, "holds the key of" in said) == (1, True)
    assert RootsOnChain(system.contracts).standing(TODAY) is None
    key = key_of(system, DEPLOYER)
    code, said = proof(*publish, PUBLISHER_PRIVATE_KEY=key)
    assert (code, f"epoch {TODAY} published" in said) == (0, True), said
    assert "nothing is due" in proof(*publish, PUBLISHER_PRIVATE_KEY=key)[1]
    assert "nothing is due" in proof("publish", "--dry-run")[1]

    settings = read_settings(
        database_url=environment["DATABASE_URL"],
        data_folder=tmp_path,
        token_secret="s" * 32,
        rpc_url=system.anvil.url,
        deployment=Path(environment["ENTITLEMENT_DEPLOYMENT"]),
    )
    kept = tmp_path / "mine.json"
    with running(create_app(service_on(settings, database))) as url:
        mine = ("--url", url, "--dev-account", str(ALICE))
        code, said = proof("--epoch", str(TODAY), "--out", str(kept), *mine)
        assert (code, "granted $2.00, spent $0.00" in said) == (0, True), said
        code, said = proof(*mine)
        assert (code, said) == (0, kept.read_text())
    code, said = proof("check", str(kept), "--rpc", system.anvil.url)
    assert (code, "the proof holds" in said) == (0, True), said
    standing = RootsOnChain(system.contracts).standing(TODAY)
    assert standing is not None
    assert standing.commitment.root.hex() in kept.read_text()


def test_the_jobs_publish_where_a_publisher_is_configured(
    system: System,
    following: FollowChain,
    environment: dict[str, str],
    database: Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings: Settings = read_settings()
    service = service_on(settings, database)
    with open_publishing(settings, service.sessions, lambda _: system.account(DEPLOYER)) as publishing:
        jobs = Jobs(
            service,
            following,
            Leadership(database, Role.JOBS),
            poll_seconds=0.05,
            configured=Configured(publishing=publishing),
        )
        thread = threading.Thread(target=jobs.run)
        thread.start()
        try:
            until(lambda: REGISTRY.get_sample_value("entitlement_published_epoch") == TODAY)
        finally:
            jobs.stop()
            thread.join(30)
    assert RootsOnChain(system.contracts).standing(TODAY) is not None
    assert RootsOnChain(system.contracts).standing(Epoch(TODAY + 1)) is None
