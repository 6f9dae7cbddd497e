"""API keys as clients of the live system make, list, change and delete them."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query
from pydantic import StringConstraints

from entitlement.api.auth import Manager, TheService
from entitlement.api.schemas import LONGEST_SIGNATURE_HEX
from entitlement.api.venice.headers import TellingRoute, standing
from entitlement.api.venice.wire import Dollars, Number, Strict, dollars, nano_usd, stamp, unix_time
from entitlement.core.errors import InvalidRequest
from entitlement.core.keys import LONGEST_DESCRIPTION, ApiKey, KeyChange, KeyKind, ModelPrivacy, NewKey
from entitlement.core.limits import KeyLimits, LimitPeriod
from entitlement.core.units import NanoUsd
from entitlement.flows.manage_keys import MadeKey
from entitlement.store.standing import KeyUse
from entitlement.wiring.service import Service

router = APIRouter(prefix="/api/v1/api_keys", tags=["compatible"], route_class=TellingRoute)

KEY_ID = r"^[!-~]{1,64}$"
Description = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_DESCRIPTION)]
Period = Literal["EPOCH", "MONTH", "LIFETIME"]
Expiry = Annotated[str, StringConstraints(max_length=40)]
"""Empty for never, a date (its first second, UTC), or a date and time."""
NANO_USD_PER_FOURTH_DECIMAL = 100_000
Told = [Depends(standing)]


class ConsumptionLimit(Strict):
    """What a key may spend in a period, in whole and fractional dollars; null for no limit."""

    usd: Dollars | None = None
    diem: Dollars | None = None
    vcu: Dollars | None = None


class LimitTold(Strict):
    """What a key may spend in a period, in dollars; /v1 takes larger limits than can be given here."""

    usd: Number | None = None
    diem: Number | None = None
    vcu: Number | None = None


class KeyWish(Strict):
    """A key to make."""

    apiKeyType: KeyKind  # noqa: N815 - the live system's name, here and below
    description: Description
    consumptionLimit: ConsumptionLimit = ConsumptionLimit()  # noqa: N815
    limitPeriod: Period = "EPOCH"  # noqa: N815
    modelPrivacy: ModelPrivacy = ModelPrivacy.ALL  # noqa: N815
    expiresAt: Expiry | None = None  # noqa: N815

    def to_core(self) -> NewKey:
        """Return it as the flows take it. Raises InvalidRequest."""
        limit = self.consumptionLimit
        _check_no_vcu(limit)
        return NewKey(
            description=self.description,
            kind=self.apiKeyType,
            limits=KeyLimits(
                diem=nano_usd(limit.diem),
                usd=nano_usd(limit.usd),
                period=LimitPeriod(self.limitPeriod.lower()),
            ),
            model_privacy=self.modelPrivacy,
            expires_at=_expiry(self.expiresAt),
        )


class Web3KeyWish(KeyWish):
    """A key to make for the wallet that signed the token."""

    description: Description = "Web3 API Key"
    address: Annotated[str, StringConstraints(max_length=80)]
    signature: Annotated[str, StringConstraints(max_length=LONGEST_SIGNATURE_HEX)]
    token: Annotated[str, StringConstraints(max_length=4_096)]


class KeyChangeIn(Strict):
    """What is to be changed of a key; what is left out stays, also within `consumptionLimit`."""

    id: Annotated[str, StringConstraints(pattern=KEY_ID)]
    description: Description | None = None
    expiresAt: Expiry | None = None  # noqa: N815
    consumptionLimit: ConsumptionLimit | None = None  # noqa: N815
    limitPeriod: Period | None = None  # noqa: N815

    def to_core(self) -> KeyChange:
        """Return it as the flows take it. Raises InvalidRequest."""
        limit = self.consumptionLimit or ConsumptionLimit()
        _check_no_vcu(limit)
        named = limit.model_fields_set
        return KeyChange(
            description=self.description,
            period=None if self.limitPeriod is None else LimitPeriod(self.limitPeriod.lower()),
            diem=(nano_usd(limit.diem),) if "diem" in named else None,
            usd=(nano_usd(limit.usd),) if "usd" in named else None,
            expires_at=(_expiry(self.expiresAt),) if "expiresAt" in self.model_fields_set else None,
        )


class TokenOut(Strict):
    """A token to sign."""

    token: str


class TokenAnswer(Strict):
    """The answer with a token."""

    success: Literal[True] = True
    data: TokenOut


class MadeKeyOut(Strict):
    """A new key; its secret is in `apiKey` and never again."""

    apiKey: str  # noqa: N815
    apiKeyType: KeyKind  # noqa: N815
    consumptionLimit: LimitTold  # noqa: N815
    limitPeriod: str  # noqa: N815
    modelPrivacy: ModelPrivacy  # noqa: N815
    description: str
    expiresAt: str | None  # noqa: N815
    id: str


class MadeKeyAnswer(Strict):
    """The answer with a new key."""

    success: Literal[True] = True
    data: MadeKeyOut


class WeekUsage(Strict):
    """Dollars of today and the six days before, with four decimals."""

    usd: str
    vcu: str
    diem: str


class Trailing(Strict):
    """What a key has spent lately."""

    trailingSevenDays: WeekUsage  # noqa: N815


class PeriodUsage(Strict):
    """Dollars that a key has spent in the running period of its limits."""

    usd: Number
    diem: Number


class KeyItem(Strict):
    """A key in a list."""

    id: str
    apiKeyType: KeyKind  # noqa: N815
    consumptionLimits: LimitTold  # noqa: N815
    limitPeriod: str  # noqa: N815
    modelPrivacy: ModelPrivacy  # noqa: N815
    description: str
    createdAt: str  # noqa: N815
    expiresAt: str | None  # noqa: N815
    last6Chars: str  # noqa: N815
    lastUsedAt: str | None  # noqa: N815
    usage: Trailing
    currentPeriodUsage: PeriodUsage  # noqa: N815


class KeysAnswer(Strict):
    """The account's keys that are not revoked."""

    object: Literal["list"] = "list"
    data: list[KeyItem]


class KeyAnswer(Strict):
    """The answer with one key."""

    success: Literal[True] = True
    data: KeyItem


class DoneAnswer(Strict):
    """It was done."""

    success: Literal[True] = True


@router.get("/generate_web3_key")
def web3_token(flows: TheService) -> TokenAnswer:
    """Return a token, valid for 15 minutes and for one key, to be signed by `personal_sign`."""
    return TokenAnswer(data=TokenOut(token=flows.web3_keys.token()))


@router.post("/generate_web3_key")
def web3_key(flows: TheService, body: Web3KeyWish) -> MadeKeyAnswer:
    """Make a key for the wallet that signed the token; it must have VVV staked."""
    made = flows.web3_keys.create(
        address=body.address, signature=body.signature, token=body.token, wish=body.to_core()
    )
    return _made(made)


@router.post("", dependencies=Told)
def create(flows: TheService, asking: Manager, body: KeyWish) -> MadeKeyAnswer:
    """Make a key of the caller's account."""
    return _made(flows.keys.create(asking.account_id, body.to_core()))


@router.get("", dependencies=Told)
def list_all(flows: TheService, asking: Manager) -> KeysAnswer:
    """Return the caller's keys."""
    return KeysAnswer(data=_items(flows, flows.keys.list(asking.account_id)))


@router.patch("", dependencies=Told)
def change(flows: TheService, asking: Manager, body: KeyChangeIn) -> KeyAnswer:
    """Change a key's description, expiry or limits: from the next request on, what it says now holds."""
    key = flows.keys.change(asking.account_id, body.id, body.to_core())
    return KeyAnswer(data=_items(flows, [key])[0])


@router.delete("", dependencies=Told)
def delete(
    flows: TheService, asking: Manager, key_id: Annotated[str, Query(alias="id", pattern=KEY_ID)]
) -> DoneAnswer:
    """Revoke a key."""
    flows.keys.revoke(asking.account_id, key_id)
    return DoneAnswer()


@router.get("/{key_id}", dependencies=Told)
def read(flows: TheService, asking: Manager, key_id: Annotated[str, Path(pattern=KEY_ID)]) -> KeyAnswer:
    """Return one of the caller's keys."""
    return KeyAnswer(data=_items(flows, [flows.keys.live(asking.account_id, key_id)])[0])


def _made(made: MadeKey) -> MadeKeyAnswer:
    key = made.key
    return MadeKeyAnswer(
        data=MadeKeyOut(
            apiKey=made.secret,
            apiKeyType=key.kind,
            consumptionLimit=_limits(key.limits),
            limitPeriod=key.limits.period.upper(),
            modelPrivacy=key.model_privacy,
            description=key.description,
            expiresAt=None if key.expires_at is None else stamp(key.expires_at),
            id=key.id,
        )
    )


def _items(flows: Service, found: Sequence[ApiKey]) -> list[KeyItem]:
    uses = flows.keys.uses(found)
    return [_item(key, uses[key.id]) for key in found]


def _item(key: ApiKey, use: KeyUse) -> KeyItem:
    return KeyItem(
        id=key.id,
        apiKeyType=key.kind,
        consumptionLimits=_limits(key.limits),
        limitPeriod=key.limits.period.upper(),
        modelPrivacy=key.model_privacy,
        description=key.description,
        createdAt=stamp(key.created_at),
        expiresAt=None if key.expires_at is None else stamp(key.expires_at),
        last6Chars=key.last_six,
        lastUsedAt=None if use.last_used_at is None else stamp(use.last_used_at),
        usage=Trailing(
            trailingSevenDays=WeekUsage(
                usd=_four_decimals(use.week_usd),
                vcu=_four_decimals(NanoUsd(0)),
                diem=_four_decimals(use.week_diem),
            )
        ),
        currentPeriodUsage=PeriodUsage(usd=dollars(use.period_usd), diem=dollars(use.period_diem)),
    )


def _limits(limits: KeyLimits) -> LimitTold:
    return LimitTold(usd=_dollars(limits.usd), diem=_dollars(limits.diem))


def _dollars(amount: NanoUsd | None) -> Decimal | None:
    return None if amount is None else dollars(amount)


def _four_decimals(amount: NanoUsd) -> str:
    whole, rest = divmod(amount // NANO_USD_PER_FOURTH_DECIMAL, 10_000)
    return f"{whole}.{rest:04d}"


def _check_no_vcu(limit: ConsumptionLimit) -> None:
    if limit.vcu is not None:
        raise InvalidRequest("VCU ended in August 2025: limit diem or usd", field="consumptionLimit.vcu")


def _expiry(text: str | None) -> int | None:
    return None if not text else unix_time(text, field="expiresAt")
