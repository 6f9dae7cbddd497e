"""Settings: one frozen value, read once from the environment and passed down in parts.

DATABASE_URL                 a PostgreSQL of your own; without it an embedded one runs in the data folder
ENTITLEMENT_DATA_FOLDER      where the embedded database, the chain's state and secrets are kept
ENTITLEMENT_NETWORK          a file in networks/ without its ending
ENTITLEMENT_RPC_URL          the node, or several separated by commas, preferred first; default: the network's
ENTITLEMENT_RPC_REQUESTS_PER_SECOND   what each node is asked at the most; default: as fast as it answers
ENTITLEMENT_QUORUM_RPC_URL   an independent node that must agree on final blocks, in following,
                             reindexing and verifying; default: none
ENTITLEMENT_CHECK_RECEIPTS   true: blocks that may have our logs are compared with all their receipts
ENTITLEMENT_NODE_WS_URL      a node's WebSocket, by which the jobs follow at once; default: polling alone
ENTITLEMENT_DEPLOYMENT       the deployment's file; default: deployments/<chain id>.json
ENTITLEMENT_VERIFY_SECONDS   how often the jobs compare what is stored with the contracts; default: never
ENTITLEMENT_VERIFY_WALLETS   how many wallets they compare at once where there are more
ENTITLEMENT_FREE_REQUESTS_PER_MINUTE, _PRO_...   how fast an account of a tier may ask for credit
ENTITLEMENT_ANONYMOUS_REQUESTS_PER_MINUTE   how fast a network address may ask without a credential
ENTITLEMENT_REFUSALS_PER_MINUTE   how often it may show one that is not known; 0, for both: without limit
ENTITLEMENT_TRUSTED_PROXIES  addresses or networks, separated by commas, whose X-Forwarded-For is believed;
                             default: nobody's
ENTITLEMENT_PROOFS_FOLDER    where the public files of closed days are; default: proofs in the data folder
ENTITLEMENT_PUBLISHER_KEYSTORE, _PUBLISHER_PASSWORD_FILE, _PUBLISHER_SIGNER_URL   who signs the days' roots,
                             beside PUBLISHER_PRIVATE_KEY; default: none are published
ENTITLEMENT_PUBLISH_SECONDS  how often those jobs look whether a day's root is due; default: every ten minutes
ENTITLEMENT_STRIPE_WEBHOOK_SECRET   by which card payments are signed; default: none are taken
ENTITLEMENT_OPERATOR_KEY_FILE, _OPERATOR_KEY_PASSWORD, _OPERATOR_KEY   who signs receipts and statements
ENTITLEMENT_OPERATORS        wallets, separated by commas, whose sessions see /v1/admin; default: nobody's
ENTITLEMENT_TREASURY         addresses, separated by commas, whose USDC the daily statement names too
ENTITLEMENT_KEEPER_KEYSTORE, _KEEPER_PASSWORD_FILE   whose key signs buybacks; the jobs then run them
ENTITLEMENT_KEEPER_SIGNER_URL, _KEEPER_ADDRESS   instead: a remote signer, and its account
ENTITLEMENT_KEEPER_RPC_URL   where buybacks are sent, such as a private relay; default: the node
ENTITLEMENT_POKER_KEYSTORE, _POKER_PASSWORD_FILE, _POKER_SIGNER_URL, _POKER_ADDRESS   whose key keeps
                             the prices of a pair, beside POKER_PRIVATE_KEY; default: nobody pokes
ENTITLEMENT_POKER_COST_MOST  wei that a poke may cost; default: 0.0001 coins
ENTITLEMENT_WEB_FOLDER       the dashboard's files; default: web/dist, as `make web` makes it
ENTITLEMENT_WEB_RPC_URL      a node that browsers may ask; default: the reader's own wallet is asked
ENTITLEMENT_WEB_GATEWAY_URL  the gateway's address as the dashboard tells it
ENTITLEMENT_WEB_LIST_MODELS  true: the dashboard asks that gateway for its models; default: it does not
ENTITLEMENT_WEB_WALLETCONNECT_PROJECT_ID, _WEB_COINBASE   more wallets; default: those in the browser alone
ENTITLEMENT_API_HOST, _API_PORT, _SIGN_IN_DOMAINS, _TOKEN_SECRET, _POLL_SECONDS, _METRICS_PORT,
                             _API_METRICS_PORT

A variable that is empty counts as one that is not set.
"""

from pathlib import Path
from typing import Annotated

from pydantic import AliasChoices, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from entitlement.core.address_rates import ANONYMOUS_REQUESTS, GUESSES
from entitlement.core.errors import SetupError
from entitlement.core.tiers import FREE_REQUESTS, PRO_REQUESTS
from entitlement.proxies import Proxy

PREFIX = "ENTITLEMENT_"
PROJECT_FOLDER = Path(__file__).parents[1]
MOST_PER_MINUTE = 60_000_000
"""Rates are kept in microseconds."""


def _separated(text: object) -> object:
    if isinstance(text, str):
        return frozenset(part.strip() for part in text.split(",") if part.strip())
    return text


Address = Annotated[str, Field(pattern="^0x[0-9a-fA-F]{40}$")]


class Settings(BaseSettings):
    """Everything the service can be told."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="ignore")

    data_folder: Path = Path(".entitlement")
    database_url: SecretStr | None = Field(
        default=None, validation_alias=AliasChoices("database_url", "DATABASE_URL")
    )
    """Secret, since it may carry a password."""
    network: str = "anvil"
    rpc_url: str | None = None
    """One node, or several that stand in for each other, separated by commas."""
    rpc_requests_per_second: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """A cap for each node by itself; each question of a batch counts."""
    quorum_rpc_url: str | None = None
    """Of another operator than `rpc_url`: what both say of a final block is believed, or nothing is."""
    node_ws_url: Annotated[str, Field(pattern="^wss?://")] | None = None
    """Says when there is a new block. What the block is, is asked of `rpc_url`, which still is polled too."""
    check_receipts: bool = False
    """Thorough: one more, and larger, answer for each block that may have our logs."""
    deployment: Path | None = None
    api_host: str = "127.0.0.1"
    api_port: Annotated[int, Field(ge=1, le=65_535)] = 8500
    sign_in_domains: Annotated[frozenset[str], NoDecode, BeforeValidator(_separated)] = frozenset()
    """Hosts that a sign-in message may be for, separated by commas; default: the API's own address."""
    token_secret: Annotated[SecretStr, Field(min_length=32)] | None = None
    """Signs the tokens of `generate_web3_key`; default: made once and kept in the data folder."""
    stripe_webhook_secret: Annotated[SecretStr, Field(min_length=16)] | None = None
    """Of the endpoint `/v1/webhooks/stripe`, as the provider shows it."""
    archive_after_days: Annotated[int, Field(ge=42)] | None = None
    """So long a week of the journal and the usage stays; default: for ever. A day's statement is made up for
    within 31 days, so not for less."""
    forget_deliveries_after_days: Annotated[int, Field(ge=7)] | None = None
    """After so many days what a webhook was told is deleted; default: never."""
    proofs_folder: Path | None = None
    """For the jobs that write the files and the API that serves them; who misses one makes it again."""
    publisher_keystore: Path | None = None
    """An encrypted key (JSON, version 3) of the account that publishes roots."""
    publisher_password_file: Path | None = None
    """The keystore's password is its first line."""
    publisher_signer_url: str | None = None
    """A signer that keeps the publisher's key and answers eth_signTransaction."""
    publish_seconds: Annotated[int, Field(ge=1)] = 600
    """A day has one root: what comes between is whether a fork has dropped it."""
    operator_key: SecretStr | None = None
    """Signs receipts and statements: a private key. Better kept in a keystore."""
    operator_key_file: Path | None = None
    """An encrypted keystore with that key; default: on a development network one in the data folder."""
    operator_key_password: SecretStr | None = None
    treasury: Annotated[frozenset[Address], NoDecode, BeforeValidator(_separated)] = frozenset()
    """Whose USDC the daily statement names too, beside the deployment's revenue and buybacks."""
    operators: Annotated[frozenset[Address], NoDecode, BeforeValidator(_separated)] = frozenset()
    """Wallets whose sessions may read `/v1/admin`; it changes nothing."""
    metrics_port: Annotated[int, Field(ge=1, le=65_535)] | None = None
    """Where the jobs process serves its metrics, on this machine only; default: nowhere."""
    api_metrics_port: Annotated[int, Field(ge=1, le=65_535)] | None = None
    """Where a process of the API serves its own, on this machine only; default: nowhere."""
    verify_seconds: Annotated[int, Field(ge=1)] | None = None
    """The node must have kept the state of the final block, as an archive node has; hence not by itself."""
    verify_wallets: Annotated[int, Field(ge=1)] = 500
    free_requests_per_minute: Annotated[int, Field(ge=1, le=MOST_PER_MINUTE)] = FREE_REQUESTS
    """Of an account, before its credit is even looked at."""
    pro_requests_per_minute: Annotated[int, Field(ge=1, le=MOST_PER_MINUTE)] = PRO_REQUESTS
    anonymous_requests_per_minute: Annotated[int, Field(ge=0, le=MOST_PER_MINUTE)] = ANONYMOUS_REQUESTS
    """Of a network address, in each process of the API."""
    refusals_per_minute: Annotated[int, Field(ge=0, le=MOST_PER_MINUTE)] = GUESSES
    """Of a network address, before the database is asked; a credential that was good here is not counted."""
    trusted_proxies: Annotated[frozenset[Proxy], NoDecode, BeforeValidator(_separated)] = frozenset()
    """Of the addresses that they name, the last one counts that is none of theirs."""
    poll_seconds: Annotated[float, Field(gt=0, le=10)] = 1.0
    """How long is waited between two looks at the chain; health calls a follower stalled after 30 s."""

    web_folder: Path = PROJECT_FOLDER / "web" / "dist"
    web_rpc_url: Annotated[str, Field(pattern="^https?://[^\\s;,']+$")] | None = None
    """Goes into the page's policy: whoever runs it sees the addresses that the page asks about."""
    web_gateway_url: Annotated[str, Field(pattern="^https?://[^\\s;,']+$")] = "http://127.0.0.1:8501"
    web_list_models: bool = False
    """Whether the page asks the gateway for its models: that must name the page's origin for it."""
    web_walletconnect_project_id: Annotated[str, Field(pattern="^[0-9a-f]{32}$")] | None = None
    web_coinbase: bool = False
    """Whether Coinbase Smart Wallet is offered, which opens a page of its maker."""

    keeper_keystore: Path | None = None
    """An encrypted key; the jobs run buybacks only where a keeper's key or signer is named."""
    keeper_password_file: Path | None = None
    """Its first line opens the keystore; default: the variable KEYSTORE_PASSWORD."""
    keeper_signer_url: str | None = None
    keeper_address: str | None = None
    """Who signs: for a remote signer; where it is given the key must be this one's."""
    keeper_rpc_url: str | None = None
    """Only what was signed goes there; everything is read from `rpc_url`."""
    poker_keystore: Path | None = None
    """An encrypted key of an account of its own; only where buybacks trade in a pair."""
    poker_password_file: Path | None = None
    """Its first line opens the keystore; default: the variable KEYSTORE_PASSWORD."""
    poker_signer_url: str | None = None
    poker_address: str | None = None
    """Who signs: for a remote signer; where it is given the key must be this one's."""
    poker_cost_most: Annotated[int, Field(ge=1)] = 10**14
    """Wei of the chain's own coin; a day has at most 360 pokes."""

    def domains(self) -> frozenset[str]:
        """Return the hosts that a sign-in message may be for."""
        if self.sign_in_domains:
            return self.sign_in_domains
        return frozenset(f"{host}:{self.api_port}" for host in (self.api_host, "127.0.0.1", "localhost"))


def read_settings(**given: object) -> Settings:
    """Return the settings of the environment, with what is `given` put over them. Raises SetupError."""
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})  # pyright: ignore[reportArgumentType] - pydantic checks them
    except ValidationError as error:
        # Never the input itself: some of these are secrets.
        problems = "; ".join(
            f"{PREFIX}{'_'.join(str(part) for part in each['loc']).upper()}: {each['msg']}"
            for each in error.errors(include_input=False, include_url=False)
        )
        raise SetupError(
            f"The settings are wrong: {problems}.", remedy="Mend the environment variables named."
        ) from None
