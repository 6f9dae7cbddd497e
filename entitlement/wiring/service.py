"""The service: every flow over one database."""

import secrets
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from entitlement.chain.artifacts import load_artifacts
from entitlement.chain.contract_wallets import LIMITS, ContractWallets
from entitlement.chain.deployment.record import deployment_path, read_deployment
from entitlement.chain.endpoints import open_rpc
from entitlement.chain.networks import Network, load_network
from entitlement.chain.public.kept import KeptHistory
from entitlement.chain.public.snapshot import SnapshotReader
from entitlement.core.address_rates import AddressRates, address_rates
from entitlement.core.errors import SetupError
from entitlement.core.health import Readiness
from entitlement.core.tiers import rates_of
from entitlement.core.units import Wallet, wallet
from entitlement.flows.adjust_credit import AdjustCredit
from entitlement.flows.archive_weeks import ArchiveWeeks, Keeping
from entitlement.flows.deliver_webhooks import DeliverWebhooks
from entitlement.flows.expire_credit import ExpireCredit
from entitlement.flows.explain_request import ExplainRequest
from entitlement.flows.grant_allowances import GrantAllowances
from entitlement.flows.grant_purchases import GrantPurchases
from entitlement.flows.make_statements import MakeStatements
from entitlement.flows.manage_gateways import ManageGateways
from entitlement.flows.manage_keys import ManageKeys
from entitlement.flows.manage_webhooks import ManageWebhooks
from entitlement.flows.oversee import Oversee
from entitlement.flows.own_data import OwnData
from entitlement.flows.read_account import ReadAccount
from entitlement.flows.read_proofs import ReadProofs
from entitlement.flows.read_public import ReadPublic
from entitlement.flows.read_purchases import ReadPurchases, Shop
from entitlement.flows.read_standing import ReadStanding
from entitlement.flows.read_statements import ReadStatements
from entitlement.flows.read_usage import ReadUsage
from entitlement.flows.read_wallet import ReadWallet
from entitlement.flows.record_acts import RecordActs
from entitlement.flows.set_membership_terms import SetMembershipTerms
from entitlement.flows.set_pro_rata import SetProRata
from entitlement.flows.shift_clock import ShiftClock
from entitlement.flows.sign_in import Audience, SignIn
from entitlement.flows.sign_receipts import SignReceipts
from entitlement.flows.spend_credit import SpendCredit
from entitlement.flows.suspend_keys import SuspendKeys
from entitlement.flows.take_card_payment import TakeCardPayment
from entitlement.flows.wallet_signatures import WalletSignatures
from entitlement.flows.web3_keys import Web3Keys
from entitlement.outgoing.post import Poster
from entitlement.settings import Settings
from entitlement.store.session import session_factory
from entitlement.wiring.dashboard import DashboardConfig, dashboard_config
from entitlement.wiring.database import open_database
from entitlement.wiring.operator import attester, can_attest, usdc_held
from entitlement.wiring.private_files import create_private
from entitlement.wiring.proofs import deployed_of, epoch_files

BLOCKS_BEHIND_MAX = 50
SECONDS_SINCE_STEP_MAX = 30
SECONDS_SINCE_MOVE_MAX = 60
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
    address_rates: AddressRates
    spend: SpendCredit
    keys: ManageKeys
    gateways: ManageGateways
    sign_in: SignIn
    web3_keys: Web3Keys
    accounts: ReadAccount
    grants: GrantAllowances
    purchases: GrantPurchases
    terms: SetMembershipTerms
    adjust: AdjustCredit
    bought: ReadPurchases
    card: TakeCardPayment | None
    """Where the card provider's secret is configured."""
    pro_rata: SetProRata
    expiry: ExpireCredit
    archive: ArchiveWeeks
    clock: ShiftClock
    usage: ReadUsage
    standing: ReadStanding
    explain: ExplainRequest
    webhooks: ManageWebhooks
    deliveries: DeliverWebhooks
    proofs: ReadProofs
    acts: RecordActs
    suspensions: SuspendKeys
    receipts: SignReceipts
    statements: ReadStatements
    stating: MakeStatements
    public: ReadPublic
    dashboard: Callable[[], DashboardConfig]
    web_folder: Path
    wallets: ReadWallet
    oversight: Oversee
    own_data: OwnData


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


def build_service(settings: Settings, network: Network, sessions: sessionmaker[Session]) -> Service:
    """Return the flows over `sessions`."""
    rates = rates_of(settings.free_requests_per_minute, settings.pro_requests_per_minute)
    keys = ManageKeys(sessions)
    audience = Audience(settings.domains(), network.chain_id)
    secret = token_secret(settings)
    signatures = WalletSignatures(
        ContractWallets(
            lambda: open_rpc(settings.rpc_url or network.rpc_url, LIMITS, chain_id=network.chain_id),
            lambda: load_artifacts()["SignatureCheck"].bytecode,
        )
    )
    poster = Poster(is_devnet=network.is_devnet)
    return Service(
        network=network,
        sessions=sessions,
        audience=audience,
        readiness=Readiness(
            blocks_behind=BLOCKS_BEHIND_MAX,
            seconds_since_step=SECONDS_SINCE_STEP_MAX,
            seconds_since_move=SECONDS_SINCE_MOVE_MAX,
            seconds_behind=max(SMALLEST_BLOCK_AGE_MAX, network.block_seconds * BLOCK_AGE_MAX_IN_BLOCKS),
        ),
        address_rates=address_rates(settings.anonymous_requests_per_minute, settings.refusals_per_minute),
        spend=SpendCredit(sessions, rates),
        keys=keys,
        gateways=ManageGateways(sessions),
        sign_in=SignIn(sessions, audience, signatures),
        web3_keys=Web3Keys(sessions, keys, secret, signatures),
        accounts=ReadAccount(sessions),
        grants=GrantAllowances(sessions),
        purchases=GrantPurchases(sessions),
        terms=SetMembershipTerms(sessions),
        adjust=AdjustCredit(sessions),
        bought=ReadPurchases(sessions, lambda: _shop(settings, network)),
        card=None
        if settings.stripe_webhook_secret is None
        else TakeCardPayment(sessions, settings.stripe_webhook_secret),
        pro_rata=SetProRata(sessions),
        expiry=ExpireCredit(sessions),
        archive=ArchiveWeeks(
            sessions, Keeping(settings.archive_after_days, settings.forget_deliveries_after_days)
        ),
        clock=ShiftClock(sessions, network=network.name, is_devnet=network.is_devnet),
        usage=ReadUsage(sessions),
        standing=ReadStanding(sessions, rates),
        explain=ExplainRequest(sessions),
        webhooks=ManageWebhooks(sessions, poster, secret, is_devnet=network.is_devnet),
        deliveries=DeliverWebhooks(sessions, poster, secret),
        proofs=ReadProofs(sessions, epoch_files(settings, network, sessions), deployed_of(settings, network)),
        acts=RecordActs(sessions),
        suspensions=SuspendKeys(sessions),
        receipts=SignReceipts(sessions, lambda: attester(settings, network)),
        statements=ReadStatements(sessions),
        stating=MakeStatements(
            sessions,
            lambda: attester(settings, network),
            lambda block: usdc_held(settings, network, block),
            lambda: can_attest(settings, network),
        ),
        public=ReadPublic(sessions, lambda: snapshot_reader(settings, network)),
        dashboard=lambda: dashboard_config(settings, network),
        web_folder=settings.web_folder,
        wallets=ReadWallet(sessions),
        oversight=Oversee(
            sessions,
            frozenset(wallet(each) for each in settings.operators),
            lambda: _burner(settings, network),
            lambda block: usdc_held(settings, network, block),
        ),
        own_data=OwnData(sessions),
    )


def _shop(settings: Settings, network: Network) -> Shop:
    """Return where credit is bought. Read when it is asked for: the service runs without a deployment."""
    deployment = read_deployment(settings.deployment or deployment_path(network.chain_id))
    return Shop(network.chain_id, deployment.addresses["CreditSales"], deployment.market.usdc)


def _burner(settings: Settings, network: Network) -> Wallet:
    """Return which contract buys. Raises DeploymentMissing."""
    deployment = read_deployment(settings.deployment or deployment_path(network.chain_id))
    return wallet(deployment.addresses["BuybackBurner"])


def snapshot_reader(settings: Settings, network: Network) -> SnapshotReader:
    """Return who reads the chain for public figures. Raises DeploymentMissing where nothing was deployed."""
    deployment = read_deployment(settings.deployment or deployment_path(network.chain_id))
    path = settings.data_folder / "public-history.json"
    identity = f"{network.chain_id} {deployment.start_block_hash} {deployment.addresses['BuybackBurner']}"
    return SnapshotReader(
        settings.rpc_url or network.rpc_url,
        network,
        deployment,
        load_artifacts(),
        KeptHistory(path, identity),
    )


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
    create_private(path, secrets.token_hex(32))
    return SecretStr(path.read_text())
