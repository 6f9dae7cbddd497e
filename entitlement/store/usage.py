"""Rows of usage as their account's owner reads them.

Every statement names the days it can be about: usage is kept by weeks, and a week that is not named is not
opened. Weeks that were taken out (store.archive) are read where the days reach back to them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from entitlement.core.epochs import Epoch, starts_at
from entitlement.core.limits import Currency
from entitlement.core.units import NanoUsd
from entitlement.core.usage import Analytics, Sums, UsageRecord
from entitlement.core.usage_walk import BEGINNING, HistoryQuery, Order, Position
from entitlement.store import archive

_COLUMNS = """created_at, hold_id, number, epoch, key_id, request_id, model, input_tokens, output_tokens,
              images, latency_ms, status, price_version, diem, usd, shortfall"""

_SOURCE = "{source}"
"""Stands for the table, or for the view of it and of what was taken out of it."""

_IN_WALK = f"""
SELECT {_COLUMNS} FROM {_SOURCE}
WHERE account_id = :account_id AND epoch >= :first AND epoch < :after_last
    AND created_at >= :start AND created_at < :end
    AND (CAST(:key_id AS text) IS NULL OR key_id = :key_id)
    AND (:diem_too AND diem > 0 OR :usd_too AND usd > 0 OR :free_too AND diem + usd = 0)
"""  # noqa: S608 - our own names

_WALKS = {
    Order.OLDEST: f"""{_IN_WALK} AND (created_at, hold_id, number) >= (:at, :hold_id, :number)
ORDER BY created_at, hold_id, number LIMIT :limit
""",
    Order.NEWEST: f"""{_IN_WALK} AND (:begins OR (created_at, hold_id, number) <= (:at, :hold_id, :number))
ORDER BY created_at DESC, hold_id DESC, number DESC LIMIT :limit
""",
}

_SUMS = f"""
SELECT grouping(epoch, model, key_id), epoch, model, key_id, sum(diem), sum(usd), sum(shortfall), count(*),
       coalesce(sum(input_tokens), 0), coalesce(sum(output_tokens), 0),
       coalesce(sum(images), 0)
FROM {_SOURCE}
WHERE account_id = :account_id AND epoch >= :first AND epoch < :after_last AND created_at >= :start
    AND (CAST(:only_key AS text) IS NULL OR key_id = :only_key)
GROUP BY GROUPING SETS ((epoch), (model), (key_id), (epoch, model), (epoch, key_id))
"""  # noqa: S608 - likewise

_OF_REQUEST = f"""
SELECT {_COLUMNS} FROM all_usage
WHERE account_id = :account_id AND epoch >= :first AND epoch < :after_last AND request_id = :request_id
    AND (CAST(:only_key AS text) IS NULL OR key_id = :only_key)
    AND (CAST(:only_gateway AS bigint) IS NULL OR gateway_id = :only_gateway)
ORDER BY created_at, hold_id, number LIMIT :limit
"""  # noqa: S608 - likewise

_OF_HOLD = f"""
SELECT {_COLUMNS} FROM all_usage WHERE epoch = :epoch AND hold_id = :hold_id ORDER BY number LIMIT :limit
"""  # noqa: S608 - likewise

# What grouping() answers: a bit for each column that a row is summed over.
_BY_DAY, _BY_MODEL, _BY_KEY, _BY_MODEL_AND_DAY, _BY_KEY_AND_DAY = 0b011, 0b101, 0b110, 0b001, 0b010


def records(session: Session, query: HistoryQuery, position: Position, *, limit: int) -> list[UsageRecord]:
    """Return up to `limit` records from `position` on, that one included, in the order of the query.

    Of one currency, only what was charged in it; of both, what was charged in either, and what was free if
    the walk goes by records.
    """
    first, after_last = query.epochs(position)
    start, end = query.times(position)
    rows = _reaching_back(
        session,
        _WALKS[query.order],
        first,
        {
            "account_id": query.account_id,
            "key_id": query.key_id,
            "first": first,
            "after_last": after_last,
            "start": start,
            "end": end,
            "begins": position == BEGINNING,
            "at": position.at,
            "hold_id": position.hold_id,
            "number": position.number,
            "diem_too": query.currency in (None, Currency.DIEM),
            "usd_too": query.currency in (None, Currency.USD),
            "free_too": query.free_too,
            "limit": limit,
        },
    )
    return [_record(row) for row in rows]


def analytics(
    session: Session, account_id: int, *, key_id: str | None, first: Epoch, after_last: Epoch
) -> Analytics:
    """Return the account's sums for the days [first, after_last), of one key or of all."""
    rows = _reaching_back(
        session,
        _SUMS,
        first,
        {
            "account_id": account_id,
            "only_key": key_id,
            "first": first,
            "after_last": after_last,
            # Nothing is booked before its day: what is older is passed over by the index.
            "start": starts_at(first),
        },
    )
    found = Analytics(first, after_last, {}, {}, {}, {}, {})
    for row in rows:
        grouped, epoch, model, key, *sums = row
        summed = _sums(sums)
        match grouped:
            case _ if grouped == _BY_DAY:
                found.by_day[Epoch(epoch)] = summed
            case _ if grouped == _BY_MODEL:
                found.by_model[model] = summed
            case _ if grouped == _BY_KEY:
                found.by_key[key] = summed
            case _ if grouped == _BY_MODEL_AND_DAY:
                found.by_model_and_day[model, Epoch(epoch)] = summed
            case _:
                assert grouped == _BY_KEY_AND_DAY
                found.by_key_and_day[key, Epoch(epoch)] = summed
    return found


def of_request(  # noqa: PLR0913 - each narrows the question
    session: Session,
    account_id: int,
    request_id: str,
    *,
    key_id: str | None,
    gateway_id: int | None = None,
    first: Epoch,
    after_last: Epoch,
    limit: int,
) -> list[UsageRecord]:
    """Return the account's records with a gateway's request id, of the days [first, after_last).

    Of one key or of all, of one gateway or of all.

    Reads all of the account's records of these days: nothing else needs an index by the request.
    """
    rows = session.execute(
        text(_OF_REQUEST),
        {
            "account_id": account_id,
            "only_key": key_id,
            "only_gateway": gateway_id,
            "request_id": request_id,
            "first": first,
            "after_last": after_last,
            "limit": limit,
        },
    )
    return [_record(row) for row in rows]


def of_hold(session: Session, hold_id: str, epoch: Epoch, *, limit: int) -> list[UsageRecord]:
    """Return what was charged to a hold or lease, in order."""
    rows = session.execute(text(_OF_HOLD), {"hold_id": hold_id, "epoch": epoch, "limit": limit})
    return [_record(row) for row in rows]


def _reaching_back(
    session: Session, statement: str, first: Epoch, parameters: Mapping[str, object]
) -> Sequence[Row[*tuple[Any, ...]]]:
    """Return what a statement finds in the table, and in the archive if days from `first` on are in it."""
    rows = session.execute(text(statement.format(source="usage")), parameters).all()
    # Asked when the table has been read: until this transaction ends nothing more is taken out of it.
    if archive.is_taken_out(session, first):
        rows = session.execute(text(statement.format(source="all_usage")), parameters).all()
    return rows


def _record(row: Row[*tuple[Any, ...]]) -> UsageRecord:
    # In the order of the columns.
    return UsageRecord(*row)


def _sums(sums: list[object]) -> Sums:
    diem, usd, shortfall, *counts = (int(str(each)) for each in sums)
    # In the order of the sums.
    return Sums(NanoUsd(diem), NanoUsd(usd), NanoUsd(shortfall), *counts)
