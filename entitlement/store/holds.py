"""Rows of holds, what funds them, what a key has spent, and what is kept of a request."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from entitlement.core.epochs import Epoch
from entitlement.core.holds import Hold, HoldRequest, HoldState, Usage
from entitlement.core.ledger import Part, Source, currency_of
from entitlement.core.limits import Currency
from entitlement.core.units import NanoUsd
from entitlement.store.session import fresh
from entitlement.store.tables import HoldRow, KeySpendingRow, UsageRow
from entitlement.store.weeks import make_weeks

Refusal = dict[str, object]
"""The name of the error and its figures."""


def find_request(
    session: Session, gateway_id: int, request_id: str
) -> tuple[Hold, bytes, Refusal | None] | None:
    """Return the hold of a gateway's request id, its fingerprint, and why it was refused if it was."""
    row = session.scalars(
        fresh(select(HoldRow)).where(HoldRow.gateway_id == gateway_id, HoldRow.request_id == request_id)
    ).one_or_none()
    return None if row is None else (_hold(row), row.fingerprint, row.refusal)


def find(session: Session, gateway_id: int, hold_id: str) -> Hold | None:
    """Return a hold of this gateway; a refused request has none."""
    row = session.scalars(
        fresh(select(HoldRow)).where(
            HoldRow.id == hold_id, HoldRow.gateway_id == gateway_id, HoldRow.state != HoldState.REFUSED
        )
    ).one_or_none()
    return None if row is None else _hold(row)


def add(
    session: Session,
    hold: Hold,
    request: HoldRequest,
    *,
    parts: Sequence[Part] = (),
    refusal: Refusal | None = None,
) -> None:
    """Keep a new hold with what funds it, or a refused request with its reason."""
    session.execute(
        insert(HoldRow).values(
            **asdict(hold),
            kind="hold",
            part_buckets=[part.bucket_id for part in parts],
            part_sources=[part.source.value for part in parts],
            part_amounts=[part.amount for part in parts],
            fingerprint=request.fingerprint(),
            model=request.model,
            ended_at=None,
            refusal=refusal,
        )
    )


def parts_of(session: Session, hold_id: str) -> tuple[Part, ...]:
    """Return what each bucket gave to a hold, in the order of spending."""
    row = session.execute(
        select(HoldRow.part_buckets, HoldRow.part_sources, HoldRow.part_amounts).where(HoldRow.id == hold_id)
    ).one()
    return tuple(
        Part(bucket_id, Source(source), NanoUsd(amount))
        for bucket_id, source, amount in zip(row[0], row[1], row[2], strict=True)
    )


def end(session: Session, hold_id: str, state: HoldState, now: int) -> None:
    """Set how and when a hold ended."""
    session.execute(update(HoldRow).where(HoldRow.id == hold_id).values(state=state, ended_at=now))


def charge(session: Session, hold_id: str, *, captured: NanoUsd, shortfall: NanoUsd, now: int) -> None:
    """Set what was charged for a hold's request."""
    session.execute(
        update(HoldRow)
        .where(HoldRow.id == hold_id)
        .values(captured=captured, shortfall=shortfall, charged_at=now)
    )


def due_of_account(session: Session, account_id: int, now: int) -> list[Hold]:
    """Return the account's open holds whose time has run out."""
    rows = session.scalars(
        fresh(select(HoldRow))
        .where(HoldRow.account_id == account_id, HoldRow.state == HoldState.OPEN, HoldRow.expires_at <= now)
        .order_by(HoldRow.expires_at, HoldRow.id)
    )
    return [_hold(row) for row in rows]


def accounts_with_due(session: Session, now: int, limit: int) -> list[int]:
    """Return up to `limit` accounts that have open holds whose time has run out."""
    rows = session.scalars(
        select(HoldRow.account_id)
        .where(HoldRow.state == HoldState.OPEN, HoldRow.expires_at <= now)
        .group_by(HoldRow.account_id)
        .order_by(func.min(HoldRow.expires_at))
        .limit(limit)
    )
    return list(rows)


def add_usage(
    session: Session, hold: Hold, usage: Usage, *, paid: Sequence[Part], shortfall: NanoUsd, now: int
) -> None:
    """Keep counts, times and the cost of a hold's request."""
    make_weeks(session, {hold.epoch})
    session.execute(
        insert(UsageRow).values(
            epoch=hold.epoch,
            hold_id=hold.id,
            number=1,
            account_id=hold.account_id,
            key_id=hold.key_id,
            gateway_id=hold.gateway_id,
            request_id=hold.request_id,
            diem=_in(Currency.DIEM, paid),
            usd=_in(Currency.USD, paid),
            shortfall=shortfall,
            created_at=now,
            **asdict(usage),
        )
    )


# --- what a key has spent ------------------------------------------------------------------------------


def used_by_key(
    session: Session, key_id: str, first: Epoch, after_last: Epoch | None
) -> tuple[NanoUsd, NanoUsd]:
    """Return what a key has spent and holds in the epochs [first, after_last): in DIEM credit, in dollars."""
    query = select(
        func.coalesce(func.sum(KeySpendingRow.diem_spent + KeySpendingRow.diem_held), 0),
        func.coalesce(func.sum(KeySpendingRow.usd_spent + KeySpendingRow.usd_held), 0),
    ).where(KeySpendingRow.key_id == key_id, KeySpendingRow.epoch >= first)
    if after_last is not None:
        query = query.where(KeySpendingRow.epoch < after_last)
    row = session.execute(query).one()
    return NanoUsd(int(row[0])), NanoUsd(int(row[1]))


def add_to_key(
    session: Session,
    key_id: str,
    epoch: Epoch,
    *,
    spent: Iterable[Part] = (),
    held: Iterable[Part] = (),
    given_back: Iterable[Part] = (),
    now: int,
) -> None:
    """Count towards a key's limits what was spent, set aside, and taken out of what was set aside."""
    spent, held, given_back = list(spent), list(held), list(given_back)
    change = {
        "diem_spent": _in(Currency.DIEM, spent),
        "usd_spent": _in(Currency.USD, spent),
        "diem_held": _in(Currency.DIEM, held) - _in(Currency.DIEM, given_back),
        "usd_held": _in(Currency.USD, held) - _in(Currency.USD, given_back),
    }
    session.execute(
        insert(KeySpendingRow)
        .values(
            key_id=key_id,
            epoch=epoch,
            diem_spent=0,
            diem_held=0,
            usd_spent=0,
            usd_held=0,
            last_used_at=now,
            rate_until=0,
        )
        .on_conflict_do_nothing()
    )
    session.execute(
        update(KeySpendingRow)
        .where(KeySpendingRow.key_id == key_id, KeySpendingRow.epoch == epoch)
        .values(
            {name: getattr(KeySpendingRow, name) + amount for name, amount in change.items()}
            | {"last_used_at": func.greatest(KeySpendingRow.last_used_at, now)}
        )
    )


def _in(currency: Currency, parts: Iterable[Part]) -> int:
    return sum(part.amount for part in parts if currency_of(part.source) is currency)


def _hold(row: HoldRow) -> Hold:
    return Hold(
        id=row.id,
        account_id=row.account_id,
        key_id=row.key_id,
        gateway_id=row.gateway_id,
        request_id=row.request_id,
        state=HoldState(row.state),
        epoch=Epoch(row.epoch),
        amount=NanoUsd(row.amount),
        is_final=row.is_final,
        captured=NanoUsd(row.captured),
        shortfall=NanoUsd(row.shortfall),
        created_at=row.created_at,
        expires_at=row.expires_at,
        charged_at=row.charged_at,
    )
