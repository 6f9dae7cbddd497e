"""What all compatible routes share: dollars, times, strict bodies."""

from datetime import UTC, date, datetime
from decimal import Decimal
from math import ceil
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from entitlement.core.epochs import Epoch, starts_at
from entitlement.core.errors import InvalidRequest
from entitlement.core.limits import Currency
from entitlement.core.units import NANO_USD_PER_USD, NanoUsd


def _number(value: object) -> object:
    if isinstance(value, bool | str):
        raise ValueError("give a number")  # noqa: TRY004 - pydantic reports ValueErrors
    return value


# The live system's answers have numbers here, and a reader of JSON makes the nearest double of any. What is
# counted with is the integer that /v1 shows.
AsNumber = PlainSerializer(float, return_type=float, when_used="json")

Dollars = Annotated[
    Decimal,
    BeforeValidator(_number),
    Field(ge=0, le=9_007_199, allow_inf_nan=False, decimal_places=9),
    AsNumber,
]
Number = Annotated[Decimal, AsNumber]
"""In an answer: of any size and sign."""


class Strict(BaseModel):
    """An unknown field is an error, as it is there."""

    model_config = ConfigDict(extra="forbid", frozen=True)


NAMES = {Currency.DIEM: "DIEM", Currency.USD: "USD"}
"""What the live system calls them."""


def dollars(amount: int) -> Decimal:
    """Return nano-USD in dollars, exactly."""
    return Decimal(amount).scaleb(-9)


def nano_usd(amount: Decimal | None) -> NanoUsd | None:
    """Return dollars in nano-USD, exactly."""
    # Seven digits and nine decimals at most, so that Decimal's 28 digits are exact.
    return None if amount is None else NanoUsd(int(amount * NANO_USD_PER_USD))


def stamp(seconds: int) -> str:
    """Return a Unix time as the live system writes times."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def day(epoch: Epoch) -> str:
    """Return a day as YYYY-MM-DD."""
    return stamp(starts_at(epoch))[:10]


def unix_time(text: str, *, field: str) -> int:
    """Return the second of a date (its first, UTC) or of a date and time. Raises InvalidRequest."""
    return int(_moment(text, field).timestamp())


def unix_time_up(text: str, *, field: str) -> int:
    """Return the first whole second that is not before a date or a date and time. Raises InvalidRequest.

    What is kept has whole seconds: what ends at 23:59:59.999 has all of that second, and what begins then
    none of it.
    """
    return ceil(_moment(text, field).timestamp())


def _moment(text: str, field: str) -> datetime:
    try:
        parsed = datetime.fromisoformat(text) if "T" in text else _midnight(date.fromisoformat(text))
    except ValueError as error:
        raise InvalidRequest(
            f"{field} {text!r} is neither YYYY-MM-DD nor an ISO 8601 date and time", field=field
        ) from error
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
