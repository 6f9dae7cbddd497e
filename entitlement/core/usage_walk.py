"""The walk through a history: in one order, (time, hold, number, row), or against it, by pages.

    oldest first      start |--page--|--page--|--page--> end
    newest first      start <--page--|--page--|--page--| end

Where it ends is settled with its first page: what is booked later is in neither. A cursor says where the next
page begins and carries all that the first one was asked for. It is opaque, not secret: it gives its account
nothing that the account could not ask for by itself, and no other account anything.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar

from entitlement.core.epochs import Epoch, ends_at, epoch_at
from entitlement.core.errors import InvalidRequest
from entitlement.core.limits import Currency
from entitlement.core.usage import UsageRecord, UsageRow, rows_of

SMALLEST_PAGE = 10
DEFAULT_PAGE = 200
LARGEST_PAGE = 1_000
"""Rows. The smallest and the largest are the live system's."""
EPOCHS_BETWEEN_CHARGE_AND_RECORD = 7
"""A request is charged on the day of its hold and told when it has ended; so many days later at the most."""
LONGEST_CURSOR = 1_024
LONGEST_HOLD_ID = 64
LATEST_TIME = ends_at(Epoch(3_000_000))
"""A bound for what may be asked for: far, and still an integer of the database."""

Told = TypeVar("Told")
"""A row or a record."""

_CHECKSUM_BYTES = 8


class View(StrEnum):
    """Whether the walk goes by rows or by records: a cursor of the one is none of the other."""

    ROWS = "rows"
    RECORDS = "records"


class Order(StrEnum):
    """Which end the walk begins at. Rows are walked oldest first alone: one record has several."""

    OLDEST = "oldest"
    NEWEST = "newest"


@dataclass(frozen=True, slots=True)
class HistoryQuery:
    """What a walk was asked for."""

    account_id: int
    view: View
    key_id: str | None
    """One key's requests alone; None for all of the account's."""
    currency: Currency | None
    start: int
    """Unix time, inclusive."""
    end: int
    """Unix time, exclusive."""
    page_size: int
    order: Order = Order.OLDEST

    def check(self) -> None:
        """Raise `InvalidRequest` for what no page can answer."""
        if self.order is Order.NEWEST and self.view is View.ROWS:
            raise InvalidRequest("rows are told oldest first", field="order")
        if not SMALLEST_PAGE <= self.page_size <= LARGEST_PAGE:
            raise InvalidRequest(
                f"pageSize is {self.page_size}: it must be from {SMALLEST_PAGE} to {LARGEST_PAGE}",
                field="pageSize",
            )
        for field, time in (("startTimestamp", self.start), ("endTimestamp", self.end)):
            if not 0 <= time <= LATEST_TIME:
                raise InvalidRequest(f"{field} is not a time that can be asked for", field=field)
        if self.start > self.end:
            raise InvalidRequest("startTimestamp is after endTimestamp", field="startTimestamp")

    @property
    def free_too(self) -> bool:
        """Whether requests that cost nothing are in the walk: they have records, and no rows."""
        return self.view is View.RECORDS and self.currency is None

    def epochs(self, position: "Position") -> tuple[Epoch, Epoch]:
        """Return the days, [first, after the last), whose requests can be on a page that begins there."""
        start, end = self.times(position)
        first = epoch_at(start) - EPOCHS_BETWEEN_CHARGE_AND_RECORD
        return Epoch(max(0, first)), Epoch(epoch_at(end) + 1)

    def times(self, position: "Position") -> tuple[int, int]:
        """Return the times, [start, end), of what can be on a page that begins there."""
        if position == BEGINNING:
            return self.start, self.end
        if self.order is Order.NEWEST:
            return self.start, min(self.end, position.at + 1)
        return max(self.start, position.at), self.end


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page begins: at this record, after so many of its rows."""

    at: int = 0
    hold_id: str = ""
    number: int = 0
    rows_told: int = 0


BEGINNING = Position()
"""Of a walk in either order: nothing is at it."""


@dataclass(frozen=True, slots=True)
class Page(Generic[Told]):
    """A part of the walk, and where the next one begins; None after the last."""

    told: tuple[Told, ...]
    cursor: str | None


def page_of_rows(query: HistoryQuery, position: Position, records: Sequence[UsageRecord]) -> Page[UsageRow]:
    """Return a page of the records' rows.

    `records` are in order, from `position` on, and more of them than fit on a page if there are more. Each
    has a row at least: by the number of rows the page knows whether it is the last.
    """
    rows: list[UsageRow] = []
    ends: list[Position] = []
    for record in records:
        told = position.rows_told if _is_at(position, record) else 0
        for number, row in enumerate(rows_of(record, query.currency)[told:], start=told + 1):
            rows.append(row)
            ends.append(Position(record.at, record.hold_id, record.number, number))
    return _cut(query, rows, ends)


def page_of_records(
    query: HistoryQuery, position: Position, records: Sequence[UsageRecord]
) -> Page[UsageRecord]:
    """Return a page of records, which are in order, from `position` on, and enough as for `page_of_rows`."""
    new = [each for each in records if not (position.rows_told and _is_at(position, each))]
    return _cut(query, new, [Position(each.at, each.hold_id, each.number, 1) for each in new])


def _cut(query: HistoryQuery, told: Sequence[Told], ends: list[Position]) -> Page[Told]:
    size = query.page_size
    if len(told) <= size:
        return Page(tuple(told), None)
    return Page(tuple(told[:size]), write_cursor(query, ends[size - 1]))


def _is_at(position: Position, record: UsageRecord) -> bool:
    return (record.at, record.hold_id, record.number) == (position.at, position.hold_id, position.number)


# --- cursors --------------------------------------------------------------------------------------------


def write_cursor(query: HistoryQuery, position: Position) -> str:
    """Return the text by which the walk goes on at `position`."""
    *asked, order = astuple(query)
    # The usual order is not named: cursors were made before there was another, and go on.
    named = [] if order is Order.OLDEST else [order]
    body = json.dumps([*asked, *astuple(position), *named], separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_checksum(body) + body).decode().rstrip("=")


def read_cursor(
    cursor: str, *, account_id: int, view: View, key_id: str | None
) -> tuple[HistoryQuery, Position]:
    """Return what `write_cursor` was given. Raises `InvalidRequest` for what was not made for
    this caller.
    """
    try:
        query, position = _parse_cursor(cursor)
    except (ValueError, TypeError) as error:
        raise _no_cursor() from error
    # Somebody may have made one up, with a checksum that is right: what it asks for is checked like any.
    if (query.account_id, query.view, query.key_id) != (account_id, view, key_id):
        raise _no_cursor()
    query.check()
    return query, position


def _parse_cursor(cursor: str) -> tuple[HistoryQuery, Position]:
    if len(cursor) > LONGEST_CURSOR:
        raise ValueError
    raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    checksum, body = raw[:_CHECKSUM_BYTES], raw[_CHECKSUM_BYTES:]
    if checksum != _checksum(body):
        raise ValueError
    account_id, view, key_id, currency, start, end, size, at, hold_id, number, told, *order = json.loads(body)
    if order not in ([], [Order.NEWEST]):
        raise ValueError
    query = HistoryQuery(
        account_id=_integer(account_id),
        view=View(view),
        key_id=key_id,
        currency=None if currency is None else Currency(currency),
        start=_integer(start),
        end=_integer(end),
        page_size=_integer(size),
        order=Order.NEWEST if order else Order.OLDEST,
    )
    if not (isinstance(hold_id, str) and len(hold_id) <= LONGEST_HOLD_ID and hold_id.isprintable()):
        raise ValueError
    return query, Position(_integer(at), hold_id, _integer(number), _integer(told))


def _integer(value: Any) -> int:  # noqa: ANN401 - whatever somebody has written
    # Of Python's own kind alone: True is no number here, and 1.0 none either.
    if type(value) is not int or not 0 <= value <= LATEST_TIME:
        raise ValueError
    return value


def _no_cursor() -> InvalidRequest:
    return InvalidRequest("the cursor is none of this history: begin with the first page", field="cursor")


def _checksum(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()[:_CHECKSUM_BYTES]
