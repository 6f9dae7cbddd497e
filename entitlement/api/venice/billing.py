"""Billing: what is left, what was charged request by request, and what that comes to."""

import csv
import io
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from entitlement.api.auth import Manager, TheService
from entitlement.api.venice.headers import TellingRoute, TheStanding, standing
from entitlement.api.venice.wire import NAMES, Number, Strict, day, dollars, stamp, unix_time, unix_time_up
from entitlement.core.epochs import Epoch, epoch_at
from entitlement.core.errors import InvalidRequest
from entitlement.core.ledger import Source
from entitlement.core.limits import Currency
from entitlement.core.usage import Analytics, Direction, Sums, UsageRow
from entitlement.core.usage_walk import (
    BEGINNING,
    DEFAULT_PAGE,
    LATEST_TIME,
    LONGEST_CURSOR,
    HistoryQuery,
    Page,
    View,
)

router = APIRouter(
    prefix="/api/v1/billing", tags=["compatible"], route_class=TellingRoute, dependencies=[Depends(standing)]
)

CONSUMED_AS = {
    Source.DIEM: "DIEM",
    Source.PRO_RATA: "USD",
    Source.MEMBERSHIP: "BUNDLED_CREDITS",
    Source.PREPAID: "USD",
}
NEXT_CURSOR = "x-venice-next-cursor"
"""Where a page in CSV says how it goes on."""
CSV = "text/csv"
NOTES = "API Inference"
SKU_ENDS = {
    Direction.INPUT: "llm-input-mtoken",
    Direction.OUTPUT: "llm-output-mtoken",
    Direction.IMAGES: "image-unit",
    Direction.REQUEST: "request",
}
COLUMNS = (
    "timestamp", "sku", "pricePerUnitUsd", "units", "amount", "currency", "notes",
    "requestId", "promptTokens", "completionTokens", "inferenceExecutionTime",
)  # fmt: skip
TOP = 8
"""Models, and keys, that are told day by day."""


class TwoBalances(Strict):
    """Dollars of each."""

    diem: Number
    usd: Number


class BalanceAnswer(Strict):
    """What the account has, within the key's own limits."""

    canConsume: bool  # noqa: N815 - the live system's name, here and below
    consumptionCurrency: Literal["USD", "VCU", "DIEM", "BUNDLED_CREDITS"] | None  # noqa: N815
    balances: TwoBalances
    diemEpochAllocation: Number  # noqa: N815


class InferenceDetails(Strict):
    """What is known of the request."""

    requestId: str  # noqa: N815
    promptTokens: int | None  # noqa: N815
    completionTokens: int | None  # noqa: N815
    inferenceExecutionTime: int | None  # noqa: N815


class HistoryItem(Strict):
    """A line: what a part of a request was charged in one currency, as a negative amount."""

    amount: Number
    currency: str
    inferenceDetails: InferenceDetails | None  # noqa: N815
    notes: str
    pricePerUnitUsd: Number  # noqa: N815
    sku: str
    timestamp: str
    units: Number


class HistoryAnswer(Strict):
    """A page of the history, oldest first, and how it goes on."""

    data: list[HistoryItem]
    nextCursor: str | None  # noqa: N815


class DayItem(Strict):
    """Dollars of a day."""

    date: str
    USD: Number
    DIEM: Number


class Breakdown(Strict):
    """A direction's tokens."""

    type: Literal["Input", "Output"]
    units: int


class ModelItem(Strict):
    """What a model did cost."""

    modelName: str  # noqa: N815
    unitType: Literal["tokens", "images"]  # noqa: N815
    modelType: None = None  # noqa: N815
    totalUsd: Number  # noqa: N815
    totalDiem: Number  # noqa: N815
    totalUnits: int  # noqa: N815
    breakdown: list[Breakdown]
    """Empty where the units are images: they have no directions."""


class KeyItem(Strict):
    """What a key has spent."""

    apiKeyId: str  # noqa: N815
    description: str
    totalUsd: Number  # noqa: N815
    totalDiem: Number  # noqa: N815
    totalUnits: int  # noqa: N815
    """Tokens and images, as its models count."""


class AnalyticsAnswer(Strict):
    """Sums by day, model and key; the daily ones have a member for each of the top models or keys."""

    lookback: str
    byDate: list[DayItem]  # noqa: N815
    byModel: list[ModelItem]  # noqa: N815
    byModelDaily: list[dict[str, Number]]  # noqa: N815
    topModels: list[str]  # noqa: N815
    byKey: list[KeyItem]  # noqa: N815
    byKeyDaily: list[dict[str, Number]]  # noqa: N815
    topKeyNames: list[str]  # noqa: N815


@router.get("/balance")
def balance(found: TheStanding) -> BalanceAnswer:
    """Return what can be spent, and what the next request is paid from. Any key may ask."""
    source = found.paid_from_next
    return BalanceAnswer(
        canConsume=found.can_spend,
        consumptionCurrency=None if source is None else CONSUMED_AS[source],  # pyright: ignore[reportArgumentType] - one of them
        balances=TwoBalances(diem=dollars(found.left(Currency.DIEM)), usd=dollars(found.left(Currency.USD))),
        diemEpochAllocation=dollars(found.balance.granted),
    )


@router.get("/usage-history", response_model=HistoryAnswer, responses={200: {"content": {CSV: {}}}})
def usage_history(  # noqa: PLR0913, PLR0917 - the live system's parameters
    flows: TheService,
    asking: Manager,
    request: Request,
    currency: Annotated[Literal["USD", "VCU", "DIEM", "BUNDLED_CREDITS"] | None, Query()] = None,
    start: Annotated[str | None, Query(alias="startTimestamp", max_length=40)] = None,
    end: Annotated[str | None, Query(alias="endTimestamp", max_length=40)] = None,
    page_size: Annotated[int | None, Query(alias="pageSize")] = None,
    cursor: Annotated[str | None, Query(max_length=LONGEST_CURSOR)] = None,
) -> Response | HistoryAnswer:
    """Return what the account was charged, a page at a time, oldest first; `Accept: text/csv` for a table.

    A cursor goes alone: it carries what the first page was asked for.
    """
    if cursor is None:
        query, position = _query(asking.account_id, currency, start, end, page_size), BEGINNING
    elif (currency, start, end, page_size) == (None, None, None, None):
        query, position = flows.usage.follow(
            cursor, account_id=asking.account_id, view=View.ROWS, key_id=None
        )
    else:
        raise InvalidRequest("a cursor goes alone: it carries what was asked for", field="cursor")
    page: Page[UsageRow] = Page((), None) if query is None else flows.usage.rows(query, position)
    if CSV in request.headers.get("accept", ""):
        return _table(page.told, page.cursor)
    return HistoryAnswer(data=[_item(row) for row in page.told], nextCursor=page.cursor)


@router.get("/usage-analytics")
def usage_analytics(
    flows: TheService,
    asking: Manager,
    lookback: Annotated[str | None, Query(max_length=8)] = None,
    start: Annotated[str | None, Query(alias="startDate", max_length=10)] = None,
    end: Annotated[str | None, Query(alias="endDate", max_length=10)] = None,
) -> AnalyticsAnswer:
    """Return what the account was charged by day, model and key, in the last `7d` or between two days."""
    if start is None and end is None:
        asked = lookback or "7d"
        found = flows.usage.analytics(asking.account_id, lookback=asked)
    elif start is None or end is None or lookback is not None:
        raise InvalidRequest("give either lookback, or startDate and endDate", field="startDate")
    else:
        asked = f"{start}:{end}"
        first, last = (
            epoch_at(max(0, unix_time(each, field=name)))
            for each, name in ((start, "startDate"), (end, "endDate"))
        )
        found = flows.usage.analytics_of_days(asking.account_id, first, Epoch(last + 1))
    names = {key.id: key.description for key in flows.keys.all_named(asking.account_id, found.by_key)}
    return _analytics(asked, found, names)


def _query(
    account_id: int, currency: str | None, start: str | None, end: str | None, page_size: int | None
) -> HistoryQuery | None:
    """Return the query of a first page, or None where there is nothing in such a currency."""
    query = HistoryQuery(
        account_id=account_id,
        view=View.ROWS,
        key_id=None,
        currency={"DIEM": Currency.DIEM, "USD": Currency.USD}.get(currency or ""),
        start=0 if start is None else unix_time_up(start, field="startTimestamp"),
        end=LATEST_TIME if end is None else unix_time_up(end, field="endTimestamp"),
        page_size=DEFAULT_PAGE if page_size is None else page_size,
    )
    query.check()
    return None if currency in ("VCU", "BUNDLED_CREDITS") else query


def _item(row: UsageRow) -> HistoryItem:
    record = row.record
    return HistoryItem(
        amount=-dollars(row.amount) if row.amount else Decimal(0),
        currency=NAMES[row.currency],
        inferenceDetails=InferenceDetails(
            requestId=record.request_id,
            promptTokens=record.input_tokens,
            completionTokens=record.output_tokens,
            inferenceExecutionTime=record.latency_ms,
        ),
        notes=NOTES,
        pricePerUnitUsd=dollars(row.price_per_unit()),
        sku=f"{record.model or 'unknown'}-{SKU_ENDS[row.direction]}",
        timestamp=stamp(record.at),
        units=Decimal(row.images or 1) if row.tokens is None else Decimal(row.tokens).scaleb(-6),
    )


def _table(rows: Iterable[UsageRow], following: str | None) -> Response:
    written = io.StringIO()
    table = csv.writer(written, lineterminator="\r\n")
    table.writerow(COLUMNS)
    for row in rows:
        item = _item(row)
        plain = {name: getattr(item, name) for name in COLUMNS if name in HistoryItem.model_fields}
        plain |= dict(item.inferenceDetails or ())
        table.writerow([table_cell(plain[name]) for name in COLUMNS])
    headers = {"content-disposition": 'attachment; filename="usage.csv"'}
    if following is not None:
        headers[NEXT_CURSOR] = following
    return Response(written.getvalue(), media_type=CSV, headers=headers)


def table_cell(value: object) -> str:
    """Return a value as a cell of a table."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value:f}"
    text = str(value)
    # A name that somebody chose must not become a formula in whoever opens the table.
    return f"'{text}" if isinstance(value, str) and text.startswith(("=", "+", "-", "@")) else text


def _analytics(asked: str, found: Analytics, names: Mapping[str, str]) -> AnalyticsAnswer:
    models = _by_cost(found.by_model)
    keys = _by_cost(found.by_key)
    days = sorted(found.by_day, reverse=True)
    key_names = {key: names.get(key, key) for key in found.by_key}
    return AnalyticsAnswer(
        lookback=asked,
        byDate=[
            DayItem(
                date=day(each), USD=dollars(found.by_day[each].usd), DIEM=dollars(found.by_day[each].diem)
            )
            for each in days
        ],
        byModel=[_model(model or "unknown", found.by_model[model]) for model in models],
        byModelDaily=_daily(
            days, {model: model or "unknown" for model in models[:TOP]}, found.by_model_and_day
        ),
        topModels=[model or "unknown" for model in models[:TOP]],
        byKey=[_key(key, key_names[key], found.by_key[key]) for key in keys],
        byKeyDaily=_daily(days, {key: key_names[key] for key in keys[:TOP]}, found.by_key_and_day),
        topKeyNames=[key_names[key] for key in keys[:TOP]],
    )


def _by_cost(sums: Mapping[Any, Sums]) -> list[Any]:
    return sorted(sums, key=lambda each: (-sums[each].charged, each or ""))


def _daily(
    days: Iterable[Epoch], names: Mapping[Any, str], sums: Mapping[tuple[Any, Epoch], Sums]
) -> list[dict[str, Decimal]]:
    told: list[dict[str, Decimal]] = []
    for each in sorted(days):
        line = {"date": Decimal(each * 86_400_000)}
        for one, name in names.items():
            summed = sums.get((one, each))
            # Two keys may have one name, and a model may be called `date`: what they cost is not lost.
            label = name if name != "date" else "date (model or key)"
            line[label] = line.get(label, Decimal(0)) + dollars(summed.charged if summed else 0)
        told.append(line)
    return told


def _model(name: str, sums: Sums) -> ModelItem:
    tokens = sums.input_tokens + sums.output_tokens
    by_images = sums.images > 0 and not tokens
    directions = [
        Breakdown(type="Input", units=sums.input_tokens),
        Breakdown(type="Output", units=sums.output_tokens),
    ]
    return ModelItem(
        modelName=name,
        unitType="images" if by_images else "tokens",
        totalUsd=dollars(sums.usd),
        totalDiem=dollars(sums.diem),
        totalUnits=sums.images if by_images else tokens,
        breakdown=[] if by_images else directions,
    )


def _key(key_id: str, name: str, sums: Sums) -> KeyItem:
    return KeyItem(
        apiKeyId=key_id,
        description=name,
        totalUsd=dollars(sums.usd),
        totalDiem=dollars(sums.diem),
        totalUnits=sums.input_tokens + sums.output_tokens + sums.images,
    )
