"""What the service knows of one request of this gateway: its hold or refusal, what was booked, what it used.

Amounts are nano-USD, times are Unix seconds, days are epochs (`timestamp // 86400`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from entitlement.client.answers import (
    Funding,
    read_fundings,
    read_member,
    read_nano_usd,
    read_text,
    read_whole,
)
from entitlement.client.errors import InvalidAnswer
from entitlement.client.json_values import as_list, as_object
from entitlement.core.units import NanoUsd

_Each = TypeVar("_Each")
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class ExplainedHold:
    """The hold, charge or lease with a request id, or its refusal, as it stands."""

    id: str
    key_id: str
    kind: str
    """`hold`, `charge` or `lease`."""
    state: str
    """`open`, `captured`, `released`, `expired` or `refused`."""
    epoch: int
    amount: NanoUsd
    captured: NanoUsd
    shortfall: NanoUsd
    model: str | None
    created_at: int
    expires_at: int
    ended_at: int | None
    charged_at: int | None
    funded_by: tuple[Funding, ...]
    refusal: Mapping[str, object] | None
    """Of a refused one: the reason's name as `error`, and the figures of then."""


@dataclass(frozen=True, slots=True)
class BookedLine:
    """A line of the journal."""

    entry: str
    kind: str
    at: int
    source: str
    target: str
    amount: NanoUsd


@dataclass(frozen=True, slots=True)
class BookedUsage:
    """What was charged, and what was told of it; None where nothing was."""

    request_id: str
    hold_id: str
    number: int
    """Of the requests that a lease pays for; a hold pays for number 1."""
    key_id: str
    model: str | None
    at: int
    epoch: int
    input_tokens: int | None
    output_tokens: int | None
    images: int | None
    latency_ms: int | None
    status: int | None
    price_version: str | None
    diem: NanoUsd
    usd: NanoUsd
    shortfall: NanoUsd
    """What the operator bore of the cost."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is known of a request."""

    hold: ExplainedHold | None
    """None where a lease paid for it."""
    journal: tuple[BookedLine, ...]
    usage: tuple[BookedUsage, ...]


def read_explanations(answer: object) -> tuple[Explanation, ...]:
    """Return what an answer tells of a request; raises `InvalidAnswer`."""
    return _each(as_object(answer) or {}, "found", _explanation)


def _explanation(fields: dict[str, object]) -> Explanation:
    return Explanation(
        hold=None if fields.get("hold") is None else _hold(read_member(fields, "hold")),
        journal=_each(fields, "journal", _line),
        usage=_each(fields, "usage", _usage),
    )


def _hold(fields: dict[str, object]) -> ExplainedHold:
    return ExplainedHold(
        id=read_text(fields, "hold_id"),
        key_id=read_text(fields, "key_id"),
        kind=read_text(fields, "kind"),
        state=read_text(fields, "state"),
        epoch=read_whole(fields, "epoch"),
        amount=read_nano_usd(fields, "amount"),
        captured=read_nano_usd(fields, "captured"),
        shortfall=read_nano_usd(fields, "shortfall"),
        model=_or_none(read_text, fields, "model"),
        created_at=read_whole(fields, "created_at"),
        expires_at=read_whole(fields, "expires_at"),
        ended_at=_or_none(read_whole, fields, "ended_at"),
        charged_at=_or_none(read_whole, fields, "charged_at"),
        funded_by=read_fundings(fields),
        refusal=_or_none(read_member, fields, "refusal"),
    )


def _line(fields: dict[str, object]) -> BookedLine:
    return BookedLine(
        entry=read_text(fields, "entry"),
        kind=read_text(fields, "kind"),
        at=read_whole(fields, "at"),
        source=read_text(fields, "source"),
        target=read_text(fields, "target"),
        amount=read_nano_usd(fields, "amount"),
    )


def _usage(fields: dict[str, object]) -> BookedUsage:
    return BookedUsage(
        request_id=read_text(fields, "request_id"),
        hold_id=read_text(fields, "hold_id"),
        number=read_whole(fields, "number"),
        key_id=read_text(fields, "key_id"),
        model=_or_none(read_text, fields, "model"),
        at=read_whole(fields, "at"),
        epoch=read_whole(fields, "epoch"),
        input_tokens=_or_none(read_whole, fields, "input_tokens"),
        output_tokens=_or_none(read_whole, fields, "output_tokens"),
        images=_or_none(read_whole, fields, "images"),
        latency_ms=_or_none(read_whole, fields, "latency_ms"),
        status=_or_none(read_whole, fields, "status"),
        price_version=_or_none(read_text, fields, "price_version"),
        diem=read_nano_usd(fields, "diem"),
        usd=read_nano_usd(fields, "usd"),
        shortfall=read_nano_usd(fields, "shortfall"),
    )


def _each(
    fields: Mapping[str, object], name: str, read: Callable[[dict[str, object]], _Each]
) -> tuple[_Each, ...]:
    items = as_list(fields.get(name))
    if items is None:
        raise InvalidAnswer(f"{name!r} is missing or not a list")
    found = [as_object(item) for item in items]
    if None in found:
        raise InvalidAnswer(f"{name!r} has a part that is not an object")
    return tuple(read(item) for item in found if item is not None)


def _or_none(
    read: Callable[[dict[str, object], str], _Value], fields: dict[str, object], name: str
) -> _Value | None:
    return None if fields.get(name) is None else read(fields, name)
