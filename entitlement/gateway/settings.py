"""Everything the gateway can be told, as one frozen value; `read_settings` takes it from the environment.

ENTITLEMENT_GATEWAY_SERVICE_URL=http://127.0.0.1:8500
ENTITLEMENT_GATEWAY_SERVICE_TOKEN=...
ENTITLEMENT_GATEWAY_UPSTREAMS='{"echo": {"url": "http://127.0.0.1:8502/v1"}}'
ENTITLEMENT_GATEWAY_PRICE_LIST=models.toml
ENTITLEMENT_GATEWAY_PAGE_ORIGINS=https://dashboard.example
ENTITLEMENT_GATEWAY_TRUSTED_PROXIES=10.0.0.7
ENTITLEMENT_GATEWAY_TIME_OUTS__IDLE_SECONDS=30
"""

from pathlib import Path
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from entitlement.client import LeaseTerms
from entitlement.client.requests import LEASE_SECONDS_MAX
from entitlement.core.address_rates import GUESSES
from entitlement.core.errors import SetupError
from entitlement.core.units import NANO_USD_MAX, NanoUsd
from entitlement.gateway.models import Model
from entitlement.gateway.price_list import read_price_list
from entitlement.proxies import Proxy

PREFIX = "ENTITLEMENT_GATEWAY_"

HOLD_MARGIN_SECONDS = 60
"""How much longer a hold lives than the request it pays for: time to capture it."""

_Seconds = Annotated[float, Field(gt=0)]


def _without_slash(url: str) -> str:
    return url.rstrip("/")


_Url = Annotated[str, Field(pattern=r"^https?://[^\s?#]+$"), AfterValidator(_without_slash)]


def _separated(text: object) -> object:
    if isinstance(text, str):
        return frozenset(part.strip() for part in text.split(",") if part.strip())
    return text


Origins = Annotated[
    frozenset[Annotated[str, Field(pattern=r"^https?://[^/\s,]+$")]], BeforeValidator(_separated)
]

Proxies = Annotated[frozenset[Proxy], BeforeValidator(_separated)]


class Upstream(BaseModel):
    """A server that runs models behind an OpenAI-compatible interface."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: _Url
    """Its base, to which `/chat/completions` and the like are added."""
    key: SecretStr | None = None
    """The operator's key there."""


class TimeOuts(BaseModel):
    """How long is waited, in seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    connect_seconds: _Seconds = 5.0
    """For a connection to an upstream."""
    first_byte_seconds: _Seconds = 120.0
    """For the first event of a stream; a whole answer comes at once, so there `total_seconds` holds."""
    idle_seconds: _Seconds = 60.0
    """Between any two pieces of an answer."""
    total_seconds: Annotated[float, Field(gt=0, le=3600 - HOLD_MARGIN_SECONDS)] = 600.0
    """For a whole answer. A hold has to outlive it, and holds live an hour at most."""
    service_seconds: _Seconds = 5.0
    """For credit to be held, retries included, while the client waits."""
    settle_seconds: _Seconds = 1.0
    """How long an answer's end waits for its capture, so that the next request sees the balance right."""
    shutdown_seconds: _Seconds = 10.0
    """For requests to end by themselves at shutdown, and again for their holds to be settled."""


class LeaseSettings(BaseModel):
    """How leases are kept, where they are. Amounts are nano-USD."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    amount: Annotated[int, Field(ge=1, le=NANO_USD_MAX)] = 100_000_000
    """What a key in use has on lease; other gateways of the same account cannot spend it meanwhile."""
    ttl: Annotated[int, Field(ge=2, le=LEASE_SECONDS_MAX)] = 10
    """Seconds; a revoked key stops within them."""
    idle_seconds: _Seconds = 30.0
    """After so long without a request a lease is given back."""
    offline_allowance: Annotated[int, Field(ge=0, le=NANO_USD_MAX)] = 0
    """What each key may spend while the service cannot be reached: the operator's risk. 0: nothing."""

    def terms(self, patience_seconds: float) -> LeaseTerms:
        """Return them as the client takes them."""
        return LeaseTerms(
            amount=NanoUsd(self.amount),
            ttl=self.ttl,
            idle_seconds=self.idle_seconds,
            patience_seconds=patience_seconds,
            offline_allowance=NanoUsd(self.offline_allowance),
        )


class GatewaySettings(BaseModel):
    """What `create_app` needs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    service_url: _Url
    """The credit service."""
    service_token: SecretStr
    """What this gateway authenticates with there."""
    upstreams: dict[str, Upstream]
    models: tuple[Model, ...]
    price_version: str | None = None
    """What the list of prices is called, kept with each cost; None: a hash of the prices."""
    leases: bool = False
    """Whether requests are decided from leases, in this process, instead of by the service one by one."""
    lease_terms: LeaseSettings = LeaseSettings()
    time_outs: TimeOuts = TimeOuts()
    request_bytes_max: Annotated[int, Field(ge=1024)] = 4 * 2**20
    """The largest body of a request."""
    answer_bytes_max: Annotated[int, Field(ge=1024)] = 32 * 2**20
    """The largest body that is taken from an upstream."""
    answers_kept_seconds: _Seconds = 300.0
    """How long an answer is kept in memory for a client that sent an Idempotency-Key."""
    answers_kept_bytes_max: Annotated[int, Field(ge=0)] = 64 * 2**20
    """What all kept answers may take; beyond, the oldest go. 0: none is kept."""
    page_origins: Origins = frozenset()
    """Pages that may read the list of models in a browser, as `https://host`; no other route is open so."""
    refusals_per_minute: Annotated[int, Field(ge=0, le=60_000_000)] = GUESSES
    """How often a network address may show a key that is not known to be good; 0: without limit."""
    trusted_proxies: Proxies = frozenset()
    """Whose X-Forwarded-For is believed."""
    unsettled_max: Annotated[int, Field(ge=1)] = 4096
    """Requests in work and captures not yet acknowledged, together; beyond, new requests are turned away."""

    @model_validator(mode="after")
    def _every_model_has_its_upstream(self) -> Self:
        named = {way.upstream for model in self.models for way in model.ways}
        missing = sorted(named - self.upstreams.keys())
        if missing:
            problem = f"the price list names upstreams that are not configured: {', '.join(missing)}"
            raise ValueError(problem)
        return self


class _Environment(BaseSettings):
    model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter="__", extra="ignore")

    service_url: str
    service_token: SecretStr
    upstreams: dict[str, Upstream]
    price_list: Path = Path("models.toml")
    leases: bool = False
    lease_terms: LeaseSettings = LeaseSettings()
    time_outs: TimeOuts = TimeOuts()
    request_bytes_max: int = GatewaySettings.model_fields["request_bytes_max"].default
    answer_bytes_max: int = GatewaySettings.model_fields["answer_bytes_max"].default
    answers_kept_seconds: float = GatewaySettings.model_fields["answers_kept_seconds"].default
    answers_kept_bytes_max: int = GatewaySettings.model_fields["answers_kept_bytes_max"].default
    page_origins: Annotated[Origins, NoDecode] = frozenset()
    refusals_per_minute: int = GatewaySettings.model_fields["refusals_per_minute"].default
    trusted_proxies: Annotated[Proxies, NoDecode] = frozenset()
    unsettled_max: int = GatewaySettings.model_fields["unsettled_max"].default


def read_settings() -> GatewaySettings:
    """Return the settings that the environment describes; raises `SetupError` naming what is at fault."""
    try:
        environment = _Environment()  # pyright: ignore[reportCallIssue] - the environment fills it
        prices = read_price_list(environment.price_list)
        return GatewaySettings(
            models=prices.models,
            price_version=prices.version,
            **environment.model_dump(exclude={"price_list"}),
        )
    except ValidationError as error:
        # Never the input itself: one of these variables is a secret.
        problems = "; ".join(
            f"{PREFIX}{'__'.join(str(part) for part in each['loc']).upper()}: {each['msg']}"
            for each in error.errors(include_input=False, include_url=False)
        )
        raise SetupError(f"the gateway's settings are wrong: {problems}", remedy=_REMEDY) from None


_REMEDY = f"set {PREFIX}SERVICE_URL, {PREFIX}SERVICE_TOKEN and {PREFIX}UPSTREAMS; docs/protocol.md lists them"
