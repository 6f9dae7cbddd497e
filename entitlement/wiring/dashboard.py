"""What the dashboard is told beforehand: its chain and contracts, and whom beside us it may speak with."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from entitlement import __version__
from entitlement.chain.deployment.record import deployment_path, read_deployment
from entitlement.chain.networks import Network
from entitlement.settings import Settings

WALLETCONNECT_HOSTS = (
    "https://*.walletconnect.com",
    "https://*.walletconnect.org",
    "wss://*.walletconnect.com",
    "wss://*.walletconnect.org",
)
WALLETCONNECT_FRAME = "https://verify.walletconnect.org"
COINBASE_HOSTS = ("https://keys.coinbase.com", "https://rpc.wallet.coinbase.com")


@dataclass(frozen=True, slots=True)
class Outside:
    """The parties that a browser may ask beside us; each is named by the operator, none by default."""

    rpc_url: str | None
    """A node for readers without a wallet; without one a reader's own wallet is asked."""
    walletconnect_project_id: str | None
    coinbase: bool
    models_at: str | None = None
    """The gateway's origin, where the page may ask it for its models."""

    @property
    def hosts(self) -> tuple[str, ...]:
        """What a browser may connect to."""
        found = tuple(each for each in (self.rpc_url, self.models_at) if each is not None)
        found += () if self.walletconnect_project_id is None else WALLETCONNECT_HOSTS
        return found + (COINBASE_HOSTS if self.coinbase else ())

    @property
    def frames(self) -> tuple[str, ...]:
        """What may be shown inside the page: WalletConnect's, by which a wallet sees whose page asks it."""
        found = () if self.walletconnect_project_id is None else (WALLETCONNECT_FRAME,)
        return found + ((COINBASE_HOSTS[0],) if self.coinbase else ())


@dataclass(frozen=True, slots=True)
class DashboardConfig:
    """What is written into the page."""

    chain_id: int
    chain_name: str
    is_devnet: bool
    block_seconds: int
    explorer: str | None
    start_block: int
    addresses: dict[str, str]
    """Contract -> address, `USDC` among them."""
    gateway_url: str
    outside: Outside

    def as_json(self) -> dict[str, object]:
        """Return it as the page reads it."""
        return {
            "version": __version__,
            "chain": {
                "id": self.chain_id,
                "name": self.chain_name,
                "isDevelopment": self.is_devnet,
                "blockSeconds": self.block_seconds,
                "explorer": self.explorer,
                "rpcUrl": self.outside.rpc_url,
                "startBlock": self.start_block,
            },
            "addresses": self.addresses,
            "gatewayUrl": self.gateway_url,
            "listsModels": self.outside.models_at is not None,
            "walletConnectProjectId": self.outside.walletconnect_project_id,
            "coinbase": self.outside.coinbase,
        }


def dashboard_config(settings: Settings, network: Network) -> DashboardConfig:
    """Return it. Raises DeploymentMissing where nothing was deployed."""
    deployment = read_deployment(settings.deployment or deployment_path(network.chain_id))
    # A development chain is on this machine, where the reader is: its node may be asked by the page.
    own_node = (settings.rpc_url or network.rpc_url).split(",")[0] if network.is_devnet else None
    return DashboardConfig(
        chain_id=network.chain_id,
        chain_name=network.name,
        is_devnet=network.is_devnet,
        block_seconds=network.block_seconds,
        explorer=network.explorer,
        start_block=deployment.start_block,
        addresses={**deployment.addresses, "USDC": deployment.market.usdc},
        gateway_url=settings.web_gateway_url,
        outside=Outside(
            rpc_url=settings.web_rpc_url or own_node,
            walletconnect_project_id=settings.web_walletconnect_project_id,
            coinbase=settings.web_coinbase,
            models_at=_origin(settings.web_gateway_url) if settings.web_list_models else None,
        ),
    )


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
