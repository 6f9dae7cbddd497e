"""The history's rows sum to what was charged, and a walk tells each row once, whatever the pages' size."""

import base64
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entitlement.core.epochs import Epoch, epoch_at
from entitlement.core.errors import InvalidRequest
from entitlement.core.limits import Currency
from entitlement.core.units import NanoUsd
from entitlement.core.usage import Direction, UsageRecord, UsageRow, check_days, lookback_epochs, rows_of
from entitlement.core.usage_walk import (
    BEGINNING,
    LARGEST_PAGE,
    LATEST_TIME,
    SMALLEST_PAGE,
    HistoryQuery,
    Order,
    Position,
    View,
    _checksum,
    page_of_records,
    page_of_rows,
    read_cursor,
    write_cursor,
)

RECORD = UsageRecord(
    at=1_000,
    hold_id="hold_1",
    number=1,
    epoch=Epoch(0),
    key_id="key_1",
    request_id="r1",
    model="m",
    input_tokens=1_000,
    output_tokens=250,
    images=None,
    latency_ms=7,
    status=200,
    price_version=None,
    diem=NanoUsd(40),
    usd=NanoUsd(10),
    shortfall=NanoUsd(3),
)
PAGES_MAX = 300
QUERY = HistoryQuery(1, View.ROWS, None, None, 0, 10_000, SMALLEST_PAGE)

amounts = st.one_of(st.just(0), st.integers(0, 20), st.integers(0, 2**53 - 1)).map(NanoUsd)
counts = st.one_of(st.none(), st.integers(0, 3), st.integers(0, 2**53 - 1))


@st.composite
def records(draw: st.DrawFn) -> UsageRecord:
    return replace(
        RECORD,
        at=draw(st.integers(0, 3)),
        hold_id=f"hold_{draw(st.integers(0, 3))}",
        number=draw(st.integers(1, 3)),
        input_tokens=draw(counts),
        output_tokens=draw(counts),
        images=draw(counts),
        diem=draw(amounts),
        usd=draw(amounts),
    )


def place(record: UsageRecord) -> tuple[int, str, int]:
    return record.at, record.hold_id, record.number


@given(records())
def test_the_rows_of_a_request_sum_to_what_was_charged_in_each_currency(record: UsageRecord) -> None:
    rows = rows_of(record)
    for currency in Currency:
        own = [row for row in rows if row.currency is currency]
        assert sum(row.amount for row in own) == record.charged(currency)
        assert rows_of(record, currency) == tuple(own)
        assert all(row.amount >= 0 for row in own)
        tokens = (record.input_tokens or 0) + (record.output_tokens or 0)
        assert sum(row.tokens or 0 for row in own) == (tokens if own else 0)
        made = 0 if tokens else record.images or 0
        assert sum(row.images or 0 for row in own) == (made if own else 0)


@given(records())
def test_no_row_is_priced_above_what_it_cost_nor_below_it_by_a_unit_of_account_or_more(
    record: UsageRecord,
) -> None:
    for row in rows_of(record):
        assert (row.tokens is None) or (row.images is None)
        units = (row.tokens, 10**6) if row.tokens else (row.images or 1, 1)
        told = row.price_per_unit() * units[0]
        assert told <= row.amount * units[1] < told + units[0]


def test_a_request_has_a_row_for_input_and_one_for_output_in_each_currency_that_paid() -> None:
    assert [(row.currency, row.direction, row.amount, row.tokens) for row in rows_of(RECORD)] == [
        (Currency.DIEM, Direction.INPUT, 32, 1_000),
        (Currency.DIEM, Direction.OUTPUT, 8, 250),
        (Currency.USD, Direction.INPUT, 8, 1_000),
        (Currency.USD, Direction.OUTPUT, 2, 250),
    ]


@pytest.mark.parametrize(
    ("read", "written", "directions"),
    [
        (None, None, [Direction.REQUEST]),
        (0, 0, [Direction.REQUEST]),
        (5, 0, [Direction.INPUT]),
        (None, 5, [Direction.OUTPUT]),
    ],
)
def test_only_directions_with_tokens_have_a_row_and_a_request_without_any_has_one(
    read: int | None, written: int | None, directions: list[Direction]
) -> None:
    record = replace(RECORD, input_tokens=read, output_tokens=written, usd=NanoUsd(0))
    assert [row.direction for row in rows_of(record)] == directions


@pytest.mark.parametrize(
    ("read", "written", "made", "told"),
    [
        (0, 0, 3, [(Direction.IMAGES, None, 3, 13)]),
        (None, None, 40, [(Direction.IMAGES, None, 40, 1)]),
        (None, None, 41, [(Direction.IMAGES, None, 41, 0)]),
        (None, None, 0, [(Direction.REQUEST, None, None, 40)]),
        (3, 1, 2, [(Direction.INPUT, 3, None, 10_000_000), (Direction.OUTPUT, 1, None, 10_000_000)]),
    ],
)
def test_a_request_without_tokens_is_one_row_of_its_images_at_the_price_of_an_image_floored(
    read: int | None,
    written: int | None,
    made: int,
    told: list[tuple[Direction, int | None, int | None, int]],
) -> None:
    record = replace(RECORD, input_tokens=read, output_tokens=written, images=made, usd=NanoUsd(0))
    rows = rows_of(record)
    assert [(row.direction, row.tokens, row.images, row.price_per_unit()) for row in rows] == told
    assert sum(row.amount for row in rows) == 40


def test_a_price_is_for_a_million_tokens_and_of_a_whole_request_what_it_cost() -> None:
    assert rows_of(RECORD)[1].price_per_unit() == 32_000
    assert UsageRow(RECORD, Currency.USD, Direction.REQUEST, NanoUsd(7), None).price_per_unit() == 7


@given(
    st.lists(records(), unique_by=place, max_size=30), st.sampled_from([None, *Currency]), st.integers(1, 12)
)
def test_a_walk_tells_every_row_once_and_in_order_whatever_the_size_of_its_pages(
    stored: list[UsageRecord], currency: Currency | None, size: int
) -> None:
    stored.sort(key=place)
    query = replace(QUERY, currency=currency, page_size=size)
    told: list[UsageRow] = []
    position: Position | None = BEGINNING
    for _ in range(PAGES_MAX):
        if position is None:
            break
        start = (position.at, position.hold_id, position.number)
        page = page_of_rows(
            query,
            position,
            [each for each in stored if place(each) >= start and rows_of(each, currency)][: size + 2],
        )
        assert len(page.told) <= size
        told += page.told
        position = None if page.cursor is None else parsed(page.cursor)
    assert told == [row for record in stored for row in rows_of(record, currency)]


@given(st.lists(records(), unique_by=place, max_size=30), st.integers(1, 12))
def test_a_walk_by_requests_tells_each_once(stored: list[UsageRecord], size: int) -> None:
    stored.sort(key=place)
    query = replace(QUERY, page_size=size)
    told: list[UsageRecord] = []
    position: Position | None = BEGINNING
    for _ in range(PAGES_MAX):
        if position is None:
            break
        start = (position.at, position.hold_id, position.number)
        page = page_of_records(query, position, [each for each in stored if place(each) >= start][: size + 2])
        assert len(page.told) <= size
        told += page.told
        position = None if page.cursor is None else parsed(page.cursor)
    assert told == stored


@given(st.lists(records(), unique_by=place, max_size=30), st.integers(1, 12))
def test_a_walk_from_the_newest_tells_each_request_once_in_the_other_order(
    stored: list[UsageRecord], size: int
) -> None:
    stored.sort(key=place, reverse=True)
    query = replace(QUERY, view=View.RECORDS, page_size=size, order=Order.NEWEST)
    told: list[UsageRecord] = []
    position: Position | None = BEGINNING
    for _ in range(PAGES_MAX):
        if position is None:
            break
        start, end = query.times(position)
        last = (position.at, position.hold_id, position.number)
        there = [each for each in stored if position == BEGINNING or place(each) <= last]
        assert all(start <= each.at < end for each in there)
        page = page_of_records(query, position, there[: size + 2])
        assert len(page.told) <= size
        told += page.told
        position = None if page.cursor is None else parsed(page.cursor)
    assert told == stored


def parsed(cursor: str) -> Position:
    """The position alone: these pages are smaller than anybody may ask for."""
    return Position(*json.loads(base64.urlsafe_b64decode(cursor + "===")[8:])[7:11])


def test_a_cursor_gives_back_what_was_asked_for_and_where_the_walk_was() -> None:
    query = replace(QUERY, currency=Currency.USD, key_id="key_1")
    position = Position(5, "hold_é", 3, 2)
    cursor = write_cursor(query, position)
    assert read_cursor(cursor, account_id=1, view=View.ROWS, key_id="key_1") == (query, position)


def test_a_cursor_of_the_other_order_goes_on_in_it_and_one_from_before_there_were_two_in_the_usual() -> None:
    query = replace(QUERY, view=View.RECORDS, order=Order.NEWEST)
    position = Position(5, "hold_1", 3, 1)
    cursor = write_cursor(query, position)
    assert read_cursor(cursor, account_id=1, view=View.RECORDS, key_id=None) == (query, position)
    body = json.dumps([1, "records", None, None, 0, 10_000, 10, 5, "hold_1", 3, 1]).encode()
    before = base64.urlsafe_b64encode(_checksum(body) + body).decode().rstrip("=")
    found = read_cursor(before, account_id=1, view=View.RECORDS, key_id=None)
    assert found == (replace(query, order=Order.OLDEST), position)


CURSOR = write_cursor(QUERY, Position(5, "hold_1", 1, 1))


@given(st.integers(0, len(CURSOR) - 1), st.characters())
def test_a_cursor_with_any_other_character_is_refused(at: int, character: str) -> None:
    changed = CURSOR[:at] + character + CURSOR[at + 1 :]
    if base64_value(changed) != base64_value(CURSOR):
        with pytest.raises(InvalidRequest, match="the cursor is none of this history"):
            read_cursor(changed, account_id=1, view=View.ROWS, key_id=None)


def base64_value(cursor: str) -> bytes | None:
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return None


@pytest.mark.parametrize(
    "asking",
    [
        {"account_id": 2, "view": View.ROWS, "key_id": None},
        {"account_id": 1, "view": View.RECORDS, "key_id": None},
        {"account_id": 1, "view": View.ROWS, "key_id": "key_1"},
    ],
)
def test_a_cursor_is_good_for_the_account_the_key_and_the_view_it_was_made_for(
    asking: dict[str, object],
) -> None:
    with pytest.raises(InvalidRequest, match="the cursor is none of this history"):
        read_cursor(CURSOR, **asking)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "values",
    [
        [1, "rows", None, None, 0, 10_000, 10, "5", "hold_1", 1, 1],
        [1, "rows", None, None, 0, 10_000, 10, True, "hold_1", 1, 1],
        [1, "rows", None, None, 0, 10_000, 10, 5, "\0", 1, 1],
        [1, "rows", None, None, 0, 10_000, 10, 5, 7, 1, 1],
        [1, "rows", None, None, 0, 10_000, 10, 5, "hold_1", 1, -1],
        [1, "rows", None, None, 0, 10_000, 10, 5, "hold_1", 2**70, 1],
        [1, "rows", None, "eur", 0, 10_000, 10, 5, "hold_1", 1, 1],
        [1, "rows", None, None, 0, 10_000, LARGEST_PAGE + 1, 5, "hold_1", 1, 1],
        [1, "rows", None, None, 0, LATEST_TIME + 1, 10, 5, "hold_1", 1, 1],
        [1, "rows", None, None, 9, 8, 10, 5, "hold_1", 1, 1],
        [1, "rows", None, None, 0, 10_000, 10, 5, "hold_1", 1, 1, "newest"],
        [1, "rows", None, None, 0, 10_000, 10, 5, "hold_1", 1, 1, "sideways"],
        [1, "rows", None, None, 0, 10_000, 10, 5, "hold_1", 1, 1, "newest", 1],
        [1, "rows", None, None],
        {"account_id": 1},
        7,
    ],
)
def test_a_cursor_that_somebody_made_up_is_refused_though_its_checksum_is_right(values: object) -> None:
    body = json.dumps(values).encode()
    cursor = base64.urlsafe_b64encode(_checksum(body) + body).decode()
    with pytest.raises(InvalidRequest):
        read_cursor(cursor, account_id=1, view=View.ROWS, key_id=None)


@pytest.mark.parametrize(
    "change",
    [
        {"page_size": SMALLEST_PAGE - 1},
        {"page_size": LARGEST_PAGE + 1},
        {"start": -1},
        {"end": LATEST_TIME + 1},
        {"start": 10_001},
    ],
)
def test_a_page_is_from_10_to_1000_rows_and_its_times_are_in_order(change: dict[str, int]) -> None:
    with pytest.raises(InvalidRequest):
        replace(QUERY, **change).check()  # type: ignore[arg-type]


@given(st.integers(0, 10**10), st.integers(0, 10**10), st.integers(0, 10**10), st.integers(0, 7))
def test_no_request_that_a_page_can_tell_is_outside_the_days_that_are_read(
    start: int, length: int, at: int, late: int
) -> None:
    query = replace(QUERY, start=start, end=start + length)
    position = Position(at=at)
    first, after_last = query.epochs(position)
    for told in (max(start, at), start + length):
        if max(start, at) <= told <= start + length:
            assert first <= max(0, epoch_at(told) - late) < after_last


def test_a_lookback_ends_with_today_and_counts_it() -> None:
    assert lookback_epochs("7d", Epoch(100)) == (94, 101)
    assert lookback_epochs("1d", Epoch(100)) == (100, 101)
    assert lookback_epochs("90d", Epoch(100)) == (11, 101)
    for wrong in ("0d", "91d", "7", "d", "-1d", "07d", "7d ", "1e1d", "\u0667d"):
        with pytest.raises(InvalidRequest):
            lookback_epochs(wrong, Epoch(100))


def test_days_are_at_least_one_and_at_most_90() -> None:
    check_days(Epoch(10), Epoch(11))
    check_days(Epoch(10), Epoch(100))
    for first, after_last in ((10, 10), (11, 10), (10, 101)):
        with pytest.raises(InvalidRequest):
            check_days(Epoch(first), Epoch(after_last))
