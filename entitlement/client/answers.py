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
    is_repeated: bool = False
    """Whether it was answered so before this call, by its first try: somebody else's hold, or an earlier one.

    Never said of a call in a batch, nor after a try of this call whose answer was lost.
    """


@dataclass(frozen=True, slots=True)
class Key:
    """An API key as a gateway may see it."""

    id: str
    description: str
    expires_at: int | None
    type: KeyType
    limits: Mapping[str, object]
    """The key's own limits as the service words them."""
    model_privacy: str
    """Which models it may call: `ALL`, `PRIVATE_TEXT` or `PRIVATE_ONLY`."""


@dataclass(frozen=True, slots=True)
class KeyAnswer:
    """A key and the balance behind it."""

    key: Key
    balance: Balance


def read_hold(answer: object) -> Hold:
    """Return the `hold` member of an answer."""
    fields = read_member(answer, "hold")
    state = read_text(fields, "state")
    final = read_flag(fields, "final")
    if state not in get_args(HoldState):
        raise InvalidAnswer(f"a hold's state is {state!r}")
    return Hold(
        id=read_text(fields, "id"),
        request_id=read_text(fields, "request_id"),
        amount=read_nano_usd(fields, "amount"),
        state=cast("HoldState", state),
        epoch=read_whole(fields, "epoch"),
        created_at=read_whole(fields, "created_at"),
        expires_at=read_whole(fields, "expires_at"),
        captured=read_nano_usd(fields, "captured"),
        shortfall=read_nano_usd(fields, "shortfall"),
        final=final,
        funded_by=read_fundings(fields),
    )


def read_hold_answer(answer: object) -> HoldAnswer:
    """Return a hold with its balance."""
    return HoldAnswer(hold=read_hold(answer), balance=read_balance(answer))


def read_key_answer(answer: object) -> KeyAnswer:
    """Return what introspection says about a key."""
    fields = read_member(answer, "key")
    kind = read_text(fields, "type")
    if kind not in get_args(KeyType):
        raise InvalidAnswer(f"a key's type is {kind!r}")
    key = Key(
        id=read_text(fields, "id"),
        description=read_text(fields, "description"),
        expires_at=None if fields.get("expires_at") is None else read_whole(fields, "expires_at"),
        type=cast("KeyType", kind),
        limits=read_member(fields, "limits"),
        model_privacy=read_text(fields, "model_privacy"),
    )
    return KeyAnswer(key=key, balance=read_balance(answer))


def read_balance(answer: object) -> Balance:
    """Return the `balance` member of an answer."""
    fields = read_member(answer, "balance")
    return Balance(
        available=read_nano_usd(fields, "available"),
        held=read_nano_usd(fields, "held"),
        diem=read_nano_usd(fields, "diem"),
        usd=read_nano_usd(fields, "usd"),
        epoch=read_whole(fields, "epoch"),
        resets_at=read_whole(fields, "resets_at"),
        granted=read_nano_usd(fields, "granted"),
    )


def read_fundings(fields: Mapping[str, object]) -> tuple[Funding, ...]:
    """Return what pays, in the order of spending."""
    parts = as_list(fields.get("funded_by"))
    if parts is None:
        raise InvalidAnswer("'funded_by' is not a list")
    funded_by: list[Funding] = []
    for part in parts:
        named = as_object(part)
        if named is None:
            raise InvalidAnswer("'funded_by' has a part that is not an object")
        funded_by.append(Funding(source=read_text(named, "source"), amount=read_nano_usd(named, "amount")))
    return tuple(funded_by)


def read_member(answer: object, name: str) -> dict[str, object]:
    """Return a member that is an object."""
    fields = as_object(answer)
    member = None if fields is None else as_object(fields.get(name))
    if member is None:
        raise InvalidAnswer(f"{name!r} is missing or not an object")
    return member


def read_text(fields: Mapping[str, object], name: str) -> str:
    """Return a member that is a string."""
    value = fields.get(name)
    if not isinstance(value, str):
        raise InvalidAnswer(f"{name!r} is missing or not a string")
    return value


def read_flag(fields: Mapping[str, object], name: str) -> bool:
    """Return a member that is true or false."""
    value = fields.get(name)
    if not isinstance(value, bool):
        raise InvalidAnswer(f"{name!r} is missing or not true or false")
    return value


def read_whole(fields: Mapping[str, object], name: str) -> int:
    """Return a member that is an integer of at least 0."""
    value = as_whole(fields.get(name))
    if value is None:
        raise InvalidAnswer(f"{name!r} is missing or not an integer of at least 0")
    return value


def read_nano_usd(fields: Mapping[str, object], name: str) -> NanoUsd:
    """Return a member that is an amount."""
    return NanoUsd(read_whole(fields, name))
