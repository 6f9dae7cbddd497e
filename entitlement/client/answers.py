"""What the service answers, checked before it is believed. Amounts are nano-USD, times are Unix seconds.

A member that is missing or of another type raises `InvalidAnswer`; members that are new to us are ignored.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast, get_args

from entitlement.client.errors import InvalidAnswer
from entitlement.client.json_values import as_list, as_object, as_whole
from entitlement.core.units import NanoUsd

HoldState = Literal["open", "captured", "released", "expired"]
KeyType = Literal["INFERENCE", "ADMIN"]


@dataclass(frozen=True, slots=True)
class Funding:
    """The part of a hold that one kind of credit pays."""

    source: str
    """`diem` for the day's credit, another word for credit that stays."""
    amount: NanoUsd


@dataclass(frozen=True, slots=True)
class Hold:
    """Credit set aside for one request."""

    id: str
    request_id: str
    amount: NanoUsd
    """What is set aside: what was wanted, or less, but never less than the minimum."""
    state: HoldState
    epoch: int
    """The UTC day whose credit it takes, also when it is captured after midnight."""
    created_at: int
    expires_at: int
    """When it is released if nobody has ended it."""
    captured: NanoUsd
    shortfall: NanoUsd
    """The part of the captured cost that the account could not pay: the operator bears it."""
    final: bool
    """Whether this is the last credit there is."""
    funded_by: tuple[Funding, ...]


@dataclass(frozen=True, slots=True)
class Balance:
    """An account's credit after the call."""

    available: NanoUsd
    """What further holds may take: `diem + usd`."""
    held: NanoUsd
    """What open holds have set aside."""
    diem: NanoUsd
    """The part of `available` that is this epoch's DIEM credit."""
    usd: NanoUsd
    """The rest of `available`."""
    epoch: int
    resets_at: int
    """When the day's credit returns: the next 00:00 UTC."""
    granted: NanoUsd
    """The epoch's DIEM credit as it was granted."""


@dataclass(frozen=True, slots=True)
class HoldAnswer:
    """A hold and the balance that it left."""

    hold: Hold
    balance: Balance


@dataclass(frozen=True, slots=True)
class Key:
    """An API key as a gateway may see it."""

    id: str
    description: str
    expires_at: int | None
    type: KeyType
    limits: Mapping[str, object]
    """The key's own limits as the service words them."""


@dataclass(frozen=True, slots=True)
class KeyAnswer:
    """A key and the balance behind it."""

    key: Key
    balance: Balance


def read_hold(answer: object) -> Hold:
    """Return the `hold` member of an answer."""
    fields = _member(answer, "hold")
    state = _text(fields, "state")
    final = fields.get("final")
    if state not in get_args(HoldState):
        raise InvalidAnswer(f"a hold's state is {state!r}")
    if not isinstance(final, bool):
        raise InvalidAnswer("a hold's 'final' is not true or false")
    return Hold(
        id=_text(fields, "id"),
        request_id=_text(fields, "request_id"),
        amount=_amount(fields, "amount"),
        state=cast("HoldState", state),
        epoch=_whole(fields, "epoch"),
        created_at=_whole(fields, "created_at"),
        expires_at=_whole(fields, "expires_at"),
        captured=_amount(fields, "captured"),
        shortfall=_amount(fields, "shortfall"),
        final=final,
        funded_by=_fundings(fields),
    )


def read_hold_answer(answer: object) -> HoldAnswer:
    """Return a hold with its balance."""
    return HoldAnswer(hold=read_hold(answer), balance=_read_balance(answer))


def read_key_answer(answer: object) -> KeyAnswer:
    """Return what introspection says about a key."""
    fields = _member(answer, "key")
    kind = _text(fields, "type")
    if kind not in get_args(KeyType):
        raise InvalidAnswer(f"a key's type is {kind!r}")
    key = Key(
        id=_text(fields, "id"),
        description=_text(fields, "description"),
        expires_at=None if fields.get("expires_at") is None else _whole(fields, "expires_at"),
        type=cast("KeyType", kind),
        limits=_member(fields, "limits"),
    )
    return KeyAnswer(key=key, balance=_read_balance(answer))


def _read_balance(answer: object) -> Balance:
    fields = _member(answer, "balance")
    return Balance(
        available=_amount(fields, "available"),
        held=_amount(fields, "held"),
        diem=_amount(fields, "diem"),
        usd=_amount(fields, "usd"),
        epoch=_whole(fields, "epoch"),
        resets_at=_whole(fields, "resets_at"),
        granted=_amount(fields, "granted"),
    )


def _fundings(fields: Mapping[str, object]) -> tuple[Funding, ...]:
    parts = as_list(fields.get("funded_by"))
    if parts is None:
        raise InvalidAnswer("a hold's 'funded_by' is not a list")
    funded_by: list[Funding] = []
    for part in parts:
        named = as_object(part)
        if named is None:
            raise InvalidAnswer("a hold's 'funded_by' has a part that is not an object")
        funded_by.append(Funding(source=_text(named, "source"), amount=_amount(named, "amount")))
    return tuple(funded_by)


def _member(answer: object, name: str) -> dict[str, object]:
    fields = as_object(answer)
    member = None if fields is None else as_object(fields.get(name))
    if member is None:
        raise InvalidAnswer(f"{name!r} is missing or not an object")
    return member


def _text(fields: Mapping[str, object], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        raise InvalidAnswer(f"{name!r} is missing or not a string")
    return value


def _whole(fields: Mapping[str, object], name: str) -> int:
    value = as_whole(fields.get(name))
    if value is None:
        raise InvalidAnswer(f"{name!r} is missing or not an integer of at least 0")
    return value


def _amount(fields: Mapping[str, object], name: str) -> NanoUsd:
    return NanoUsd(_whole(fields, name))
