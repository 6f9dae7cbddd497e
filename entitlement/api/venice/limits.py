"""What a key may still spend and how fast it may ask, and which requests came too fast."""

from typing import Literal

from fastapi import APIRouter, Depends

from entitlement.api.auth import AnyCaller, Manager, TheService
from entitlement.api.venice.headers import TellingRoute, TheStanding, standing
from entitlement.api.venice.wire import Number, Strict, dollars, stamp
from entitlement.core.limits import Currency
from entitlement.core.rates import Rate
from entitlement.flows.read_standing import Standing

router = APIRouter(
    prefix="/api/v1/api_keys/rate_limits",
    tags=["compatible"],
    route_class=TellingRoute,
    dependencies=[Depends(standing)],
)

EVERY_MODEL = "*"
"""Rates are of a key and of its account, and the same for every model."""
MINUTE = 60


class Balances(Strict):
    """What the key can spend: the account's credit, within the key's own limits."""

    USD: Number
    DIEM: Number


class ApiTier(Strict):
    """By which rates the account is served."""

    id: str
    isCharged: bool  # noqa: N815 - the live system's name, here and below


class RateLimit(Strict):
    """So many requests in a minute."""

    amount: int
    type: Literal["RPM"] = "RPM"


class ModelRates(Strict):
    """The rates of a model."""

    apiModelId: str  # noqa: N815
    rateLimits: list[RateLimit]  # noqa: N815


class Limits(Strict):
    """A key's limits as they stand."""

    accessPermitted: bool  # noqa: N815
    apiTier: ApiTier  # noqa: N815
    balances: Balances
    keyExpiration: str | None  # noqa: N815
    nextEpochBegins: str  # noqa: N815
    rateLimits: list[ModelRates]  # noqa: N815


class LimitsAnswer(Strict):
    """The answer with a key's limits."""

    data: Limits


class Refusal(Strict):
    """A request that came too fast."""

    apiKeyId: str  # noqa: N815
    modelId: str | None  # noqa: N815
    rateLimitTier: str  # noqa: N815
    rateLimitType: Literal["RPM"] = "RPM"  # noqa: N815
    timestamp: str


class RefusalsAnswer(Strict):
    """The account's last 50."""

    object: Literal["list"] = "list"
    data: list[Refusal]


@router.get("")
def limits(asking: AnyCaller, found: TheStanding) -> LimitsAnswer:
    """Return what the key that asks can still spend, and how fast it may ask. Any key may."""
    expires_at = None if asking.key is None else asking.key.expires_at
    return LimitsAnswer(
        data=Limits(
            accessPermitted=found.can_spend,
            apiTier=ApiTier(id=found.tier, isCharged=True),
            balances=Balances(USD=dollars(found.left(Currency.USD)), DIEM=dollars(found.left(Currency.DIEM))),
            keyExpiration=None if expires_at is None else stamp(expires_at),
            nextEpochBegins=stamp(found.balance.resets_at),
            rateLimits=[
                ModelRates(apiModelId=EVERY_MODEL, rateLimits=[RateLimit(amount=_per_minute(found))])
            ],
        )
    )


@router.get("/log")
def log(flows: TheService, asking: Manager) -> RefusalsAnswer:
    """Return the account's last 50 refusals by a rate, newest first."""
    return RefusalsAnswer(
        data=[
            Refusal(
                apiKeyId=each.key_id,
                modelId=each.model,
                rateLimitTier=each.tier,
                timestamp=stamp(each.refused_at),
            )
            for each in flows.standing.refusals(asking.account_id)
        ]
    )


def _per_minute(found: Standing) -> int:
    rates = (
        [found.account_rate.rate]
        if found.key_rate is None
        else [found.account_rate.rate, found.key_rate.rate]
    )
    return min(_requests_per_minute(rate) for rate in rates)


def _requests_per_minute(rate: Rate) -> int:
    return rate.requests * MINUTE // rate.seconds
