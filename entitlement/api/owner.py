"""Routes for an account's owner: what was charged and why, and being told when credit runs low.

A key of type INFERENCE sees its own requests; a session or a key of type ADMIN sees all of the account's.
"""

import csv
import io
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from entitlement.api.auth import AnyCaller, Manager, TheService
from entitlement.api.owner_schemas import (
    AnalyticsOut,
    DeliveryOut,
    ExplanationOut,
    ExplanationsOut,
    MadeWebhookOut,
    UsageOut,
    UsagePageOut,
    WebhookIn,
    WebhookOut,
    WebhookStateOut,
)
from entitlement.api.venice.billing import CSV, table_cell
from entitlement.core.errors import InvalidRequest
from entitlement.core.limits import Currency
from entitlement.core.usage import DEFAULT_LOOKBACK_DAYS, UsageRecord
from entitlement.core.usage_walk import (
    BEGINNING,
    DEFAULT_PAGE,
    LATEST_TIME,
    LONGEST_CURSOR,
    HistoryQuery,
    Order,
    Page,
    View,
)

router = APIRouter(prefix="/v1/wallet", tags=["wallets"])

NEXT_CURSOR = "Next-Cursor"
"""Where a page in CSV says how it goes on."""


@router.get("/usage", response_model=UsagePageOut, responses={200: {"content": {CSV: {}}}})
def usage(  # noqa: PLR0913, PLR0917 - each is a parameter of the query
    flows: TheService,
    asking: AnyCaller,
    request: Request,
    currency: Annotated[Literal["diem", "usd"] | None, Query()] = None,
    start: Annotated[int | None, Query()] = None,
    end: Annotated[int | None, Query()] = None,
    page_size: Annotated[int | None, Query()] = None,
    order: Annotated[Literal["oldest", "newest"] | None, Query()] = None,
    cursor: Annotated[str | None, Query(max_length=LONGEST_CURSOR)] = None,
) -> Response | UsagePageOut:
    """Return what was charged from `start` to before `end`; `Accept: text/csv` for a table.

    Oldest first, or newest first by `order`. A cursor goes alone: it carries what the first page was asked
    for. What is charged after that is on none of the pages that follow.
    """
    if cursor is None:
        query, position = (
            HistoryQuery(
                account_id=asking.account_id,
                view=View.RECORDS,
                key_id=asking.only_key,
                currency=None if currency is None else Currency(currency),
                start=0 if start is None else start,
                end=LATEST_TIME if end is None else end,
                page_size=DEFAULT_PAGE if page_size is None else page_size,
                order=Order.OLDEST if order is None else Order(order),
            ),
            BEGINNING,
        )
    elif all(asked is None for asked in (currency, start, end, page_size, order)):
        query, position = flows.usage.follow(
            cursor, account_id=asking.account_id, view=View.RECORDS, key_id=asking.only_key
        )
    else:
        raise InvalidRequest("a cursor goes alone: it carries what was asked for", field="cursor")
    page = flows.usage.records(query, position)
    if CSV in request.headers.get("accept", ""):
        return _table(page)
    return UsagePageOut(requests=[UsageOut.of(each) for each in page.told], next_cursor=page.cursor)


@router.get("/usage/analytics")
def analytics(
    flows: TheService,
    asking: AnyCaller,
    lookback: Annotated[str, Query(max_length=8)] = f"{DEFAULT_LOOKBACK_DAYS}d",
) -> AnalyticsOut:
    """Return what was charged in the last days, today included, by day, by model and by key."""
    return AnalyticsOut.of(
        flows.usage.analytics(asking.account_id, key_id=asking.only_key, lookback=lookback)
    )


@router.get("/requests/{request_id:path}")
def explain(flows: TheService, asking: AnyCaller, request_id: Annotated[str, Path()]) -> ExplanationsOut:
    """Return why a request was charged what it was, or refused: its hold, its journal, its usage."""
    found = flows.explain.explain(asking.account_id, request_id, key_id=asking.only_key)
    return ExplanationsOut(request_id=request_id, found=[ExplanationOut.of(each) for each in found])


@router.put("/webhook")
def put_webhook(flows: TheService, asking: Manager, body: WebhookIn) -> MadeWebhookOut:
    """Set where to tell when credit runs low; its secret is in this answer and never again."""
    made = flows.webhooks.put(asking.account_id, body.url)
    return MadeWebhookOut(webhook=WebhookOut.of(made.webhook), secret=made.secret)


@router.get("/webhook")
def read_webhook(flows: TheService, asking: Manager) -> WebhookStateOut:
    """Return the webhook, and what came of its newest deliveries."""
    webhook, deliveries = flows.webhooks.read(asking.account_id)
    return WebhookStateOut(
        webhook=None if webhook is None else WebhookOut.of(webhook),
        deliveries=[DeliveryOut.of(each) for each in deliveries],
    )


@router.delete("/webhook", status_code=204)
def delete_webhook(flows: TheService, asking: Manager) -> None:
    """Tell no more. Repeating it changes nothing."""
    flows.webhooks.delete(asking.account_id)


def _table(page: Page[UsageRecord]) -> Response:
    written = io.StringIO()
    table = csv.writer(written, lineterminator="\r\n")
    table.writerow(UsageOut.model_fields)
    for record in page.told:
        table.writerow([table_cell(getattr(record, name)) for name in UsageOut.model_fields])
    headers = {"content-disposition": 'attachment; filename="usage.csv"'}
    if page.cursor is not None:
        headers[NEXT_CURSOR] = page.cursor
    return Response(written.getvalue(), media_type=CSV, headers=headers)
