"""Usage: what an account's requests did cost, as its owner reads it.

A request that was charged is one record. In the history each record is told in rows, one a currency and
direction, whose amounts sum to what was charged:

    record   1,000 in, 250 out      diem 40, usd 10
    rows     diem input 32, diem output 8, usd input 8, usd output 2

    record   2 images               diem 40, usd 10
    rows     diem images 40, usd images 10

The service knows what a request cost and not by which prices, so the parts are by tokens wherever there are
any; one without tokens is all for its images, and one without either is told as a whole.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from entitlement.core.epochs import Epoch
from entitlement.core.errors import InvalidRequest
from entitlement.core.limits import Currency
from entitlement.core.units import NanoUsd, mul_div_down

LONGEST_LOOKBACK_DAYS = 90
"""The live system's."""
DEFAULT_LOOKBACK_DAYS = 7
MICRO_TOKENS = 1_000_000

_LOOKBACK = re.compile(r"([1-9][0-9]{0,2})d")


@dataclass(frozen=True, slots=True)
class UsageRecord:
    """A charged request, as it is kept."""

    at: int
    """Unix time at which the charge was booked."""
    hold_id: str
    number: int
    """Of the requests that a lease pays for; a hold pays for number 1."""
    epoch: Epoch
    """The day whose credit it was charged to."""
    key_id: str
    request_id: str
    model: str | None
    input_tokens: int | None
    output_tokens: int | None
    images: int | None
    latency_ms: int | None
    status: int | None
    price_version: str | None
    diem: NanoUsd
    usd: NanoUsd
    shortfall: NanoUsd
    """What the operator bore: no part of what was charged."""

    def charged(self, currency: Currency) -> NanoUsd:
        """Return what was charged in one currency."""
        return self.diem if currency is Currency.DIEM else self.usd


class Direction(StrEnum):
    """Which part of a request a row is about."""

    INPUT = "input"
    OUTPUT = "output"
    IMAGES = "images"
    """All of it, where images are known and no tokens."""
    REQUEST = "request"
    """All of it, where neither are."""


@dataclass(frozen=True, slots=True)
class UsageRow:
    """A line of the history."""

    record: UsageRecord
    currency: Currency
    direction: Direction
    amount: NanoUsd
    """What was charged, never negative."""
    tokens: int | None
    """None for images, and for a whole request."""
    images: int | None = None
    """None for tokens, and for a whole request."""

    def price_per_unit(self) -> NanoUsd:
        """Return nano-USD for a million tokens, or for an image, floored; of a whole request what it cost."""
        if self.tokens:
            return NanoUsd(mul_div_down(self.amount, MICRO_TOKENS, self.tokens))
        return NanoUsd(mul_div_down(self.amount, 1, self.images or 1))


def rows_of(record: UsageRecord, currency: Currency | None = None) -> tuple[UsageRow, ...]:
    """Return the rows of a record, of one currency or of both. What was charged nothing has none."""
    return tuple(row for each in Currency if currency in (None, each) for row in _rows_in(record, each))


def _rows_in(record: UsageRecord, currency: Currency) -> Iterable[UsageRow]:
    amount = record.charged(currency)
    if not amount:
        return
    read, written = record.input_tokens or 0, record.output_tokens or 0
    if not read + written:
        made = record.images or None
        direction = Direction.REQUEST if made is None else Direction.IMAGES
        yield UsageRow(record, currency, direction, amount, None, made)
        return
    for_input = NanoUsd(mul_div_down(amount, read, read + written))
    if read:
        yield UsageRow(record, currency, Direction.INPUT, for_input, read)
    if written:
        yield UsageRow(record, currency, Direction.OUTPUT, NanoUsd(amount - for_input), written)


# --- sums -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sums:
    """What some requests come to."""

    diem: NanoUsd
    usd: NanoUsd
    shortfall: NanoUsd
    requests: int
    input_tokens: int
    output_tokens: int
    images: int

    @property
    def charged(self) -> NanoUsd:
        """Of both currencies together."""
        return NanoUsd(self.diem + self.usd)


@dataclass(frozen=True, slots=True)
class Analytics:
    """An account's requests of some days, summed in several ways: each of them sums to the same."""

    first: Epoch
    after_last: Epoch
    by_day: dict[Epoch, Sums]
    by_model: dict[str | None, Sums]
    by_key: dict[str, Sums]
    by_model_and_day: dict[tuple[str | None, Epoch], Sums]
    by_key_and_day: dict[tuple[str, Epoch], Sums]


def lookback_epochs(lookback: str, today: Epoch) -> tuple[Epoch, Epoch]:
    """Return the days, [first, after the last), of a lookback like `7d`: today and those before it.

    Raises `InvalidRequest`.
    """
    found = _LOOKBACK.fullmatch(lookback)
    if found is None or int(found.group(1)) > LONGEST_LOOKBACK_DAYS:
        raise InvalidRequest(
            f"lookback must be from 1d to {LONGEST_LOOKBACK_DAYS}d, such as {DEFAULT_LOOKBACK_DAYS}d",
            field="lookback",
        )
    return Epoch(today + 1 - int(found.group(1))), Epoch(today + 1)


def check_days(first: Epoch, after_last: Epoch) -> None:
    """Raise `InvalidRequest` for days that are too many, or none."""
    if not 0 < after_last - first <= LONGEST_LOOKBACK_DAYS:
        raise InvalidRequest(
            f"startDate and endDate must be in order, and no more than {LONGEST_LOOKBACK_DAYS} days together",
            field="startDate",
        )
