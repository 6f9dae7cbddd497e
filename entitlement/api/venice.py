"""Routes that clients of the live system know, under /api/v1: the same names, types and status codes.

Here: API keys. Chat and models are the gateway's, which passes these paths on: a client needs one base URL.
"""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, StringConstraints

from entitlement.api.auth import Manager, TheService
from entitlement.core.errors import InvalidRequest
from entitlement.core.keys import LONGEST_DESCRIPTION, ApiKey, KeyKind, ModelPrivacy, NewKey
from entitlement.core.limits import KeyLimits, LimitPeriod
from entitlement.core.units import NANO_USD_PER_USD, NanoUsd
from entitlement.flows.manage_keys import MadeKey

router = APIRouter(prefix="/api/v1/api_keys", tags=["compatible"])


def _number(value: object) -> object:
    if isinstance(value, bool | str):
        raise ValueError("give a number")  # noqa: TRY004 - pydantic reports ValueErrors
    return value


Dollars = Annotated[
    Decimal,
    BeforeValidator(_number),
    Field(ge=0, le=9_007_199, allow_inf_nan=False, decimal_places=9),
    # The live system's answers have numbers here, and a reader of JSON makes the nearest double of any. What
    # is counted with is the integer that /v1/keys shows.
    PlainSerializer(float, return_type=float, when_used="json"),
]


class Strict(BaseModel):
    """An unknown field is an error, as it is there."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ConsumptionLimit(Strict):
    """What a key may spend in a period, in whole and fractional dollars; null for no limit."""

    usd: Dollars | None = None
    diem: Dollars | None = None
    vcu: Dollars | None = None


class KeyWish(Strict):
    """A key to make."""

    apiKeyType: KeyKind  # noqa: N815 - the live system's name, here and below
    description: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_DESCRIPTION)]
    consumptionLimit: ConsumptionLimit = ConsumptionLimit()  # noqa: N815
    limitPeriod: Literal["EPOCH", "MONTH", "LIFETIME"] = "EPOCH"  # noqa: N815
    modelPrivacy: ModelPrivacy = ModelPrivacy.ALL  # noqa: N815
    expiresAt: Annotated[str, StringConstraints(max_length=40)] | None = None  # noqa: N815
    """`` for never, a date (its first second, UTC), or a date and time."""

    def to_core(self) -> NewKey:
        """Return it as the flows take it. Raises InvalidRequest."""
        limit = self.consumptionLimit
        if limit.vcu is not None:
            raise InvalidRequest("VCU ended in August 2025: limit diem or usd", field="consumptionLimit.vcu")
        return NewKey(
            description=self.description,
            kind=self.apiKeyType,
            limits=KeyLimits(
                diem=_nano_usd(limit.diem),
                usd=_nano_usd(limit.usd),
                period=LimitPeriod(self.limitPeriod.lower()),
            ),
            model_privacy=self.modelPrivacy,
            expires_at=_expiry(self.expiresAt),
        )


class Web3KeyWish(KeyWish):
    """A key to make for the wallet that signed the token."""

    description: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_DESCRIPTION)] = (
        "Web3 API Key"
    )
    address: Annotated[str, StringConstraints(max_length=80)]
    signature: Annotated[str, StringConstraints(max_length=1_024)]
    token: Annotated[str, StringConstraints(max_length=4_096)]


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
    consumptionLimit: ConsumptionLimit  # noqa: N815
    limitPeriod: str  # noqa: N815
    modelPrivacy: ModelPrivacy  # noqa: N815
    description: str
    expiresAt: str | None  # noqa: N815
    id: str


class MadeKeyAnswer(Strict):
    """The answer with a new key."""

    success: Literal[True] = True
    data: MadeKeyOut


class KeyItem(Strict):
    """A key in a list."""

    id: str
    apiKeyType: KeyKind  # noqa: N815
    consumptionLimits: ConsumptionLimit  # noqa: N815
    limitPeriod: str  # noqa: N815
    modelPrivacy: ModelPrivacy  # noqa: N815
    description: str
    createdAt: str  # noqa: N815
    expiresAt: str | None  # noqa: N815
    last6Chars: str  # noqa: N815


class KeysAnswer(Strict):
    """The account's keys that are not revoked."""

    object: Literal["list"] = "list"
    data: list[KeyItem]


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


@router.post("")
def create(flows: TheService, asking: Manager, body: KeyWish) -> MadeKeyAnswer:
    """Make a key of the caller's account."""
    return _made(flows.keys.create(asking.account_id, body.to_core()))


@router.get("")
def list_all(flows: TheService, asking: Manager) -> KeysAnswer:
    """Return the caller's keys."""
    return KeysAnswer(data=[_item(key) for key in flows.keys.list(asking.account_id)])


@router.delete("")
def delete(
    flows: TheService, asking: Manager, key_id: Annotated[str, Query(alias="id", pattern=r"^[!-~]{1,64}$")]
) -> DoneAnswer:
    """Revoke a key."""
    flows.keys.revoke(asking.account_id, key_id)
    return DoneAnswer()


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
            expiresAt=None if key.expires_at is None else _stamp(key.expires_at),
            id=key.id,
        )
    )


def _item(key: ApiKey) -> KeyItem:
    return KeyItem(
        id=key.id,
        apiKeyType=key.kind,
        consumptionLimits=_limits(key.limits),
        limitPeriod=key.limits.period.upper(),
        modelPrivacy=key.model_privacy,
        description=key.description,
        createdAt=_stamp(key.created_at),
        expiresAt=None if key.expires_at is None else _stamp(key.expires_at),
        last6Chars=key.last_six,
    )


def _limits(limits: KeyLimits) -> ConsumptionLimit:
    return ConsumptionLimit(usd=_dollars(limits.usd), diem=_dollars(limits.diem))


def _dollars(amount: NanoUsd | None) -> Decimal | None:
    return None if amount is None else Decimal(amount).scaleb(-9)


def _nano_usd(dollars: Decimal | None) -> NanoUsd | None:
    # Seven digits and nine decimals at most, so that Decimal's 28 digits are exact.
    return None if dollars is None else NanoUsd(int(dollars * NANO_USD_PER_USD))


def _expiry(stamp: str | None) -> int | None:
    if stamp is None or stamp == "":
        return None
    try:
        parsed = datetime.fromisoformat(stamp) if "T" in stamp else _midnight(date.fromisoformat(stamp))
    except ValueError as error:
        raise InvalidRequest(
            f"expiresAt {stamp!r} is neither YYYY-MM-DD nor an ISO 8601 date and time", field="expiresAt"
        ) from error
    return int((parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp())


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _stamp(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
