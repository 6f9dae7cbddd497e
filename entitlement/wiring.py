"""Wiring: the one place where settings become a running service."""

import secrets
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from alembic.util import CommandError
from pydantic import SecretStr
from sqlalchemy import URL, Engine
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.orm import Session, sessionmaker

from entitlement.chain.artifacts import load_artifacts
from entitlement.chain.client import RpcChainReader
from entitlement.chain.contracts import Contracts, connect
from entitlement.chain.deployment.record import Deployment, deployment_path, read_deployment
from entitlement.chain.networks import Network, load_network
from entitlement.core.errors import SetupError
from entitlement.core.health import Readiness
from entitlement.flows.expire_credit import ExpireCredit
from entitlement.flows.follow_chain import FollowChain, FollowLimits
from entitlement.flows.grant_allowances import GrantAllowances
from entitlement.flows.manage_gateways import ManageGateways
from entitlement.flows.manage_keys import ManageKeys
from entitlement.flows.read_account import ReadAccount
from entitlement.flows.shift_clock import ShiftClock
from entitlement.flows.sign_in import Audience, SignIn
from entitlement.flows.spend_credit import SpendCredit
from entitlement.flows.verify_positions import VerifyPositions
from entitlement.flows.web3_keys import Web3Keys
from entitlement.settings import Settings
from entitlement.store.schema import is_current, migrate
from entitlement.store.server import EmbeddedPostgres, database_url, engine
from entitlement.store.session import session_factory

BLOCKS_BEHIND_MAX = 50
SECONDS_SINCE_STEP_MAX = 30
BLOCK_AGE_MAX_IN_BLOCKS = 20
"""A chain whose newest block is older than so many block times has stalled."""
SMALLEST_BLOCK_AGE_MAX = 60


@dataclass(frozen=True)
class Service:
    """Every flow, ready to be called."""

    network: Network
    sessions: sessionmaker[Session]
    audience: Audience
    readiness: Readiness
    spend: SpendCredit
    keys: ManageKeys
    gateways: ManageGateways
    sign_in: SignIn
    web3_keys: Web3Keys
    accounts: ReadAccount
    grants: GrantAllowances
    expiry: ExpireCredit
    clock: ShiftClock


@contextmanager
def open_service(settings: Settings) -> Generator[Service]:
    """Connect to the database, bring it to this program's revision, and wire the flows to it."""
    with open_database(settings) as made:
        yield service_on(settings, made)


def service_on(settings: Settings, made: Engine) -> Service:
    """Wire the flows to a database that is open. Raises NotADevnet where a real network's clock was moved."""
    service = build_service(settings, load_network(settings.network), session_factory(made))
    service.clock.check()
    return service


@contextmanager
def open_database(settings: Settings) -> Generator[Engine]:
    """Start the embedded database if no other is named, migrate it, and hand out a pool of connections.

    Raises SetupError where the database is not one, does not answer, or is a later program's.
    """
    if not __debug__:
        raise SetupError(
            "Python was started with -O, which drops the assertions that guard the ledger.",
            remedy="Start it without -O and without PYTHONOPTIMIZE.",
        )
    server = None
    if settings.database_url is None:
        server = EmbeddedPostgres(settings.data_folder / "postgres")
        url: URL = server.url
    else:
        url = _own_database(settings.database_url)
    made = engine(url)
    try:
        _bring_up_to_date(made)
        yield made
    finally:
        made.dispose()
        if server is not None:
            server.stop()


def _own_database(given: SecretStr) -> URL:
    try:
        return database_url(given.get_secret_value())
    except (ArgumentError, ValueError):
        # Not what was wrong with it: the text may hold a password.
        raise SetupError(
            "DATABASE_URL is not the address of a database.",
            remedy="Give postgresql://user:password@host/database, or leave it out for the embedded server.",
        ) from None


def _bring_up_to_date(made: Engine) -> None:
    try:
        with made.connect() as connection:
            current = is_current(connection)
    except DBAPIError as error:
        reason = str(error.orig).partition("\n")[0]
        raise SetupError(
            f"The database does not answer: {reason}.", remedy="Start it, or mend DATABASE_URL."
        ) from None
    if current:
        return
    try:
        migrate(made)
    except CommandError as error:
        raise SetupError(
            f"The database is not of this program's making, or of a later one's: {error}.",
            remedy="Install the version that the database was used with last, or name another database.",
        ) from None


def build_service(settings: Settings, network: Network, sessions: sessionmaker[Session]) -> Service:
    """Return the flows over `sessions`."""
    keys = ManageKeys(sessions)
    audience = Audience(settings.domains(), network.chain_id)
    return Service(
        network=network,
        sessions=sessions,
        audience=audience,
        readiness=Readiness(
            blocks_behind=BLOCKS_BEHIND_MAX,
            seconds_since_step=SECONDS_SINCE_STEP_MAX,
            seconds_behind=max(SMALLEST_BLOCK_AGE_MAX, network.block_seconds * BLOCK_AGE_MAX_IN_BLOCKS),
        ),
        spend=SpendCredit(sessions),
        keys=keys,
        gateways=ManageGateways(sessions),
        sign_in=SignIn(sessions, audience),
        web3_keys=Web3Keys(sessions, keys, token_secret(settings)),
        accounts=ReadAccount(sessions),
        grants=GrantAllowances(sessions),
        expiry=ExpireCredit(sessions),
        clock=ShiftClock(sessions, network=network.name, is_devnet=network.is_devnet),
    )


@contextmanager
def open_follower(
    settings: Settings, sessions: sessionmaker[Session], *, may_undo_final: bool = False
) -> Generator[FollowChain]:
    """Hand out the follower of the deployment that the settings name.

    Final blocks are undone on development networks, and where a person says so.
    """
    with _open_reader(settings) as (reader, deployment, network):
        limits = FollowLimits(
            blocks_per_step=network.blocks_per_request, may_undo_final=may_undo_final or network.is_devnet
        )
        yield FollowChain(reader, sessions, limits, start_block=deployment.start_block)


@contextmanager
def open_verification(settings: Settings, sessions: sessionmaker[Session]) -> Generator[VerifyPositions]:
    """Hand out the verification of the deployment that the settings name."""
    with _open_reader(settings) as (reader, deployment, network):
        web3 = connect(settings.rpc_url or network.rpc_url)
        yield VerifyPositions(sessions, reader, Contracts(web3, load_artifacts(), deployment.addresses))


@contextmanager
def _open_reader(settings: Settings) -> Generator[tuple[RpcChainReader, Deployment, Network]]:
    network = load_network(settings.network)
    deployment = read_deployment(settings.deployment or deployment_path(network.chain_id))
    reader = RpcChainReader(settings.rpc_url or network.rpc_url, network, deployment, load_artifacts())
    try:
        yield reader, deployment, network
    finally:
        reader.close()


def token_secret(settings: Settings) -> SecretStr:
    """Return the secret that signs tokens; made once and kept in the data folder where none is set."""
    if settings.token_secret is not None:
        return settings.token_secret
    if settings.database_url is not None:
        raise SetupError(
            "ENTITLEMENT_TOKEN_SECRET is not set.",
            remedy="With a database of your own, give all its processes the same 32 random bytes in it.",
        )
    path = settings.data_folder / "token-secret"
    _create_private(path, secrets.token_hex(32))
    return SecretStr(path.read_text())


def _create_private(path: Path, content: str) -> None:
    """Write a file that only its owner can read, unless it is there; two processes at once agree on one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    draft.touch(mode=0o600)
    draft.write_text(content)
    try:
        # A hard link appears whole or not at all, and never replaces what another process made first.
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
