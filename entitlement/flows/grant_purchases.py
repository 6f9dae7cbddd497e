"""Grant purchases: what was paid for becomes credit, once.

    CreditSales.TopUp at a final block      -> bucket `prepaid`, dollar for dollar, which does not expire
    CreditSales.Subscribed at a final block -> a row for each month that was paid for
    a month begins                          -> bucket `membership` with what it bundles, which ends with it

The row that says that something was granted is written with its entry, under the account's lock: so whoever
comes second finds it, and whoever dies in between has done nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker

from entitlement import metrics
from entitlement.core.adjustments import UPGRADE
from entitlement.core.blocks import Header
from entitlement.core.epochs import epoch_at
from entitlement.core.errors import EntitlementError, PurchaseOutOfBounds, PurchasesNotSettled
from entitlement.core.events import CreditBought, MembershipBought
from entitlement.core.ledger import (
    EntryKind,
    Source,
    book_adjustment,
    book_month,
    book_purchase,
    credit_of,
    grant_posting,
)
from entitlement.core.membership import NO_TERMS, Provider, months_paid
from entitlement.core.units import NANO_USD_MAX, NanoUsd, Wallet, nano_usd_of
from entitlement.store import access, adjustments, chain, grants, ledger, memberships, purchases
from entitlement.store.chain import Followed
from entitlement.store.clock import service_time
from entitlement.store.memberships import PaidMonth
from entitlement.store.purchases import Bought
from entitlement.telemetry import where

log = structlog.get_logger()

ACCOUNTS_PER_SWEEP = 10_000
"""What is left over is taken by the next sweep."""
NOTHING = NanoUsd(0)
WHOLE_SECONDS = 600
"""After so long all purchases are looked at, also those of blocks that a rebuilding brought. That takes half
a second for a hundred thousand of them; what has just become final is found in milliseconds."""
FAILURES_LOGGED = 20
"""Of one sweep; the others are counted."""


@dataclass(frozen=True, slots=True)
class Swept:
    """A sweep in which nothing failed: the final block then, and when all was last looked at."""

    final: Header
    whole_at: int


class Outcome(NamedTuple):
    """What became of one account's."""

    settled: int
    refusal: Exception | None
    """Of the first that could not be settled."""


@dataclass(slots=True)
class Tally:
    """How a sweep goes."""

    settled: int = 0
    failed: int = 0


class GrantPurchases:
    """Makes credit of what was paid for; each account is a transaction.

    How far it came is kept in memory alone: who forgets it looks at everything once more.
    """

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions
        self._swept: Swept | None = None

    def sweep(self) -> int:
        """Settle every final purchase and every month that has begun; return how many.

        One that fails keeps no other from its credit: raises `PurchasesNotSettled` when all have had their
        turn, and the database's own error at once where the connection to it is lost.
        """
        tally = Tally()
        with self._sessions.begin() as session:
            now = service_time(session)
            known = chain.followed(session)
            mark = self._mark(session, known, now)
            above = None if mark is None else mark.final.number
            waiting = purchases.wallets_waiting(session, above=above, limit=ACCOUNTS_PER_SWEEP)
        for wallet in sorted(waiting):
            self._one(tally, wallet, lambda wallet=wallet: self._settle(wallet))
        is_done = not tally.failed and len(waiting) < ACCOUNTS_PER_SWEEP
        if known is not None and known.no_grants_because is None and is_done:
            self._swept = Swept(known.final, now if mark is None else mark.whole_at)
        with self._sessions.begin() as session:
            accounts = memberships.accounts_with_begun(session, service_time(session), ACCOUNTS_PER_SWEEP)
        for account_id in sorted(accounts):
            self._one(tally, account_id, lambda account_id=account_id: self._begin_months(account_id))
        if tally.failed:
            raise PurchasesNotSettled(failed=tally.failed, settled=tally.settled)
        return tally.settled

    def _mark(self, session: Session, known: Followed | None, now: int) -> Swept | None:
        """Return the last sweep if only what became final after it can be waiting, or None to look at all."""
        mark = self._swept
        if mark is None or known is None or now - mark.whole_at >= WHOLE_SECONDS:
            return None
        kept = chain.kept_block(session, mark.final.number)
        # One that is so old that it is not kept any more was not undone since a moment ago.
        is_undone = known.final.number < mark.final.number or (kept or mark.final).hash != mark.final.hash
        return None if is_undone else mark

    @staticmethod
    def _one(tally: Tally, whose: Wallet | int, work: Callable[[], Outcome]) -> None:
        try:
            settled, refusal = work()
        except Exception as error:
            if isinstance(error, DBAPIError) and error.connection_invalidated:
                raise
            settled, refusal = 0, error
        tally.settled += settled
        if refusal is not None:
            tally.failed += 1
            _tell(whose, refusal, tally.failed)

    def _settle(self, wallet: Wallet) -> Outcome:
        """Settle a wallet's purchases; return how many, and the first one's error that could not be."""
        # In a transaction of its own: who makes an account must not hold the lock of another.
        with self._sessions.begin() as session:
            grants.open_accounts(session, [wallet], service_time(session))
        with self._sessions.begin() as session:
            (account_id,) = grants.accounts_of(session, [wallet])
            access.lock_account(session, account_id)
            now = service_time(session)
            # Only now: another job may have come first, or a final block may have been undone.
            bought = purchases.purchases_of(session, wallet)
            recorded = _record_months(session, account_id, bought, now)
            refusal: EntitlementError | None = None
            for each in bought:
                if each.waits and isinstance(each.event, CreditBought):
                    try:
                        _top_up(session, account_id, each, nano_usd_of(each.event.usdc), now)
                        recorded += 1
                    except PurchaseOutOfBounds as error:
                        refusal = refusal or error
            return Outcome(recorded, refusal)

    def _begin_months(self, account_id: int) -> Outcome:
        with self._sessions.begin() as session:
            access.lock_account(session, account_id)
            now = service_time(session)
            begun = memberships.begun(session, account_id, now)
            for paid in begun:
                if now < paid.month.ends_at:
                    _grant_month(session, account_id, paid, now)
                memberships.settle(session, account_id, paid, now)
            return Outcome(len(begun), None)


def _tell(whose: Wallet | int, error: Exception, number: int) -> None:
    metrics.PURCHASE_FAILURES.inc()
    if number <= FAILURES_LOGGED:
        # An expected error's sentence is ours; any other's may quote values.
        reason = str(error) if isinstance(error, EntitlementError) else type(error).__name__
        log.error("purchase_failed", account=whose, reason=reason, where=where(error))


def _top_up(session: Session, account_id: int, bought: Bought, amount: NanoUsd, now: int) -> None:
    """Grant what was bought. Raises PurchaseOutOfBounds, and has done nothing then."""
    found = ledger.open_bucket(session, account_id, Source.PREPAID, epoch=None, expires_at=None)
    there_is = credit_of(ledger.buckets(session, account_id, now=now), now)
    if amount + there_is > NANO_USD_MAX:
        raise PurchaseOutOfBounds(
            wallet=bought.event.wallet,
            purchase=f"{bought.event.at.transaction_hash}:{bought.number}",
            amount=amount,
            available=there_is,
            largest=NANO_USD_MAX,
        )
    purchases.settle(session, account_id, bought, amount=amount, now=now)
    entry = book_purchase(
        account_id,
        epoch_at(now),
        found,
        transaction_hash=bought.event.at.transaction_hash,
        number=bought.number,
        amount=amount,
    )
    ledger.append(session, entry, now)


def _record_months(session: Session, account_id: int, bought: Sequence[Bought], now: int) -> int:
    """Keep the months of purchases that are new; return of how many."""
    subscribed = [(each, each.event) for each in bought if isinstance(each.event, MembershipBought)]
    new = 0
    terms = memberships.terms(session) if any(each.waits for each, _ in subscribed) else {}
    # Of all of them, since a renewal begins where the purchase before it ends.
    paid = months_paid(event for _, event in subscribed)
    for (each, event), months in zip(subscribed, paid, strict=True):
        if each.waits:
            credit = terms.get(event.tier, NO_TERMS).credit
            memberships.add_months(session, account_id, Provider.CHAIN, months, credit=credit)
            purchases.settle(session, account_id, each, amount=NOTHING, now=now)
            new += 1
    return new


def _grant_month(session: Session, account_id: int, paid: PaidMonth, now: int) -> None:
    """Grant what a month bundles, and with the first of an account what comes with the upgrade."""
    month = paid.month
    if paid.credit:
        found = ledger.open_bucket(
            session, account_id, Source.MEMBERSHIP, epoch=None, expires_at=month.ends_at
        )
        entry = book_month(
            account_id,
            epoch_at(now),
            found,
            provider=paid.provider,
            tier=month.tier,
            ends_at=month.ends_at,
            amount=paid.credit,
        )
        ledger.append(session, entry, now)
    terms = memberships.terms(session).get(month.tier)
    if terms is not None and terms.upgrade_credit:
        _grant_upgrade(session, account_id, month.tier, terms.upgrade_credit, now)


def _grant_upgrade(session: Session, account_id: int, tier: int, amount: NanoUsd, now: int) -> None:
    made = adjustments.Adjustment(
        reference=f"{UPGRADE}{account_id}",
        account_id=account_id,
        kind=adjustments.AdjustmentKind.UPGRADE,
        amount=amount,
        reason=f"the first month of tier {tier}",
        made_by="membership terms",
    )
    if not adjustments.add(session, made, now):
        return
    found = ledger.open_bucket(session, account_id, Source.PREPAID, epoch=None, expires_at=None)
    posting = grant_posting(found, amount)
    entry = book_adjustment(EntryKind.UPGRADE, account_id, epoch_at(now), made.reference, (posting,))
    ledger.append(session, entry, now)
