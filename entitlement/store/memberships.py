"""Rows of memberships: the months that were paid for, and the terms of each tier."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, or_, select, true, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from entitlement.core.membership import Month, Provider, Terms
from entitlement.core.units import NanoUsd, Wallet
from entitlement.store.bulk import any_word
from entitlement.store.session import fresh
from entitlement.store.tables import AccountRow, CardEventRow, ChainState, MembershipRow, MembershipTermsRow


@dataclass(frozen=True, slots=True)
class PaidMonth:
    """A month as it is stored."""

    provider: Provider
    month: Month
    credit: NanoUsd
    settled_at: int | None


def subscribed_until(session: Session, wallets: Collection[Wallet]) -> dict[Wallet, int]:
    """Return when the membership of each of `wallets` ends, of whichever tier; nothing of who never had one.

    Months follow each other and begin when they are paid for, so one that ends later than now runs now.
    """
    rows = session.execute(
        select(AccountRow.wallet, func.max(MembershipRow.ends_at))
        .join(MembershipRow, MembershipRow.account_id == AccountRow.id)
        .where(AccountRow.wallet == any_word(wallets))
        .group_by(AccountRow.wallet)
    )
    return {Wallet(name): int(until) for name, until in rows}


def add_months(
    session: Session, account_id: int, provider: Provider, months: Iterable[Month], *, credit: NanoUsd
) -> None:
    """Keep months that were paid for; one that is known stays as it is."""
    rows = [
        {
            "account_id": account_id,
            "provider": provider,
            "tier": month.tier,
            "ends_at": month.ends_at,
            "starts_at": month.starts_at,
            "credit": credit,
            "settled_at": None,
        }
        for month in months
    ]
    if rows:
        session.execute(insert(MembershipRow).on_conflict_do_nothing(), rows)


def accounts_with_begun(session: Session, now: int, limit: int) -> list[int]:
    """Return up to `limit` accounts with months that have begun and have not been granted."""
    query = select(MembershipRow.account_id).where(_begun(now)).distinct().limit(limit)
    return list(session.scalars(query))


def begun(session: Session, account_id: int, now: int) -> list[PaidMonth]:
    """Return the account's months that have begun and have not been granted, in order."""
    query = select(MembershipRow).where(MembershipRow.account_id == account_id, _begun(now))
    return [_month(row) for row in session.scalars(fresh(query).order_by(*_IN_ORDER))]


def months_of(session: Session, account_id: int) -> list[PaidMonth]:
    """Return all months that were paid for an account, in order."""
    query = select(MembershipRow).where(MembershipRow.account_id == account_id)
    return [_month(row) for row in session.scalars(fresh(query).order_by(*_IN_ORDER))]


def settle(session: Session, account_id: int, paid: PaidMonth, now: int) -> None:
    """Keep that a month's credit was granted, or that there is none to grant any more."""
    session.execute(
        update(MembershipRow)
        .where(
            MembershipRow.account_id == account_id,
            MembershipRow.provider == paid.provider,
            MembershipRow.tier == paid.month.tier,
            MembershipRow.ends_at == paid.month.ends_at,
        )
        .values(settled_at=now)
    )


def terms(session: Session) -> dict[int, Terms]:
    """Return the terms of every tier that has any, by its number."""
    rows = session.scalars(fresh(select(MembershipTermsRow)).order_by(MembershipTermsRow.tier))
    return {row.tier: Terms(NanoUsd(row.credit), NanoUsd(row.upgrade_credit)) for row in rows}


def put_terms(session: Session, tier: int, wished: Terms, now: int) -> None:
    """Set what goes with a tier from now on."""
    values = {"credit": wished.credit, "upgrade_credit": wished.upgrade_credit, "set_at": now}
    session.execute(
        insert(MembershipTermsRow)
        .values(tier=tier, **values)
        .on_conflict_do_update(index_elements=[MembershipTermsRow.tier], set_=values)
    )


def take_card_event(session: Session, event_id: str, now: int) -> bool:
    """Keep an event of the card provider; tell whether it is new. Of two that come at once, one is."""
    query = insert(CardEventRow).values(id=event_id, received_at=now).on_conflict_do_nothing()
    return session.scalars(query.returning(CardEventRow.id)).one_or_none() is not None


_IN_ORDER = (MembershipRow.starts_at, MembershipRow.tier, MembershipRow.provider)


def _begun(now: int) -> ColumnElement[bool]:
    stopped = (
        select(true())
        .select_from(ChainState)
        .where(or_(ChainState.granting_stopped.is_not(None), ChainState.check_failed.is_not(None)))
        .exists()
    )
    return (
        MembershipRow.settled_at.is_(None)
        & (MembershipRow.starts_at <= now)
        # What the chain sold rests on what was followed, and waits while that is in doubt.
        & or_(MembershipRow.provider != Provider.CHAIN, ~stopped)
    )


def _month(row: MembershipRow) -> PaidMonth:
    month = Month(row.tier, row.starts_at, row.ends_at)
    return PaidMonth(Provider(row.provider), month, NanoUsd(row.credit), row.settled_at)
