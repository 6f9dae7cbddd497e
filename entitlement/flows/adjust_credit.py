"""Adjust credit: what a person grants, takes back or corrects; who and why is kept with it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.acts import ActKind, Because
from entitlement.core.adjustments import Wish
from entitlement.core.epochs import epoch_at
from entitlement.core.errors import (
    IdempotencyKeyReused,
    InvalidRequest,
    NotThatMuchToTakeBack,
    UnknownPurchase,
)
from entitlement.core.ledger import (
    Bucket,
    EntryKind,
    Posting,
    Source,
    book_adjustment,
    correction_postings,
    credit_of,
    grant_posting,
    refund_posting,
    spendable,
)
from entitlement.core.units import NANO_USD_MAX, NanoUsd, Wallet
from entitlement.flows.read_balance import Balance, read_balance
from entitlement.store import access, acts, adjustments, ledger, purchases
from entitlement.store.adjustments import Adjustment, AdjustmentKind
from entitlement.store.clock import service_time
from entitlement.store.purchases import Credited

ENTRY_KINDS = {
    AdjustmentKind.GRANT: EntryKind.ADMIN_GRANT,
    AdjustmentKind.REFUND: EntryKind.REFUND,
    AdjustmentKind.CORRECT: EntryKind.CORRECTION,
}


@dataclass(frozen=True, slots=True)
class Adjusted:
    """What was done, and what the account has after it."""

    adjustment: Adjustment
    balance: Balance
    is_repeated: bool
    """Whether it had been done before, and nothing happened now."""


class AdjustCredit:
    """Each adjustment is one transaction.

    All raise InvalidAmount, InvalidRequest, and IdempotencyKeyReused where the reference is another's.
    """

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions

    def grant(self, wish: Wish) -> Adjusted:
        """Give prepaid credit. Raises InvalidRequest where the account would have more than it may."""

        def postings(session: Session, account_id: int, now: int) -> tuple[Posting, ...]:
            _check_room(wish, ledger.buckets(session, account_id, now=now), now)
            found = ledger.open_bucket(session, account_id, Source.PREPAID, epoch=None, expires_at=None)
            return (grant_posting(found, wish.amount),)

        return self._adjust(AdjustmentKind.GRANT, wish, postings)

    def refund(self, wish: Wish, transaction_hash: str, number: int = 1) -> Adjusted:
        """Take back what is left of a top-up; `number` is its place among those of one transaction.

        Raises UnknownPurchase, and NotThatMuchToTakeBack where less is left of it, or can be spent now.
        """

        def postings(session: Session, account_id: int, _now: int) -> tuple[Posting, ...]:
            paid = _paid(session, account_id, wish, transaction_hash, number)
            left = NanoUsd(paid.amount - paid.refunded)
            what = f"{transaction_hash}:{number} bought {paid.amount}, of which {paid.refunded} were refunded"
            if wish.amount > left:
                raise NotThatMuchToTakeBack(what=what, wanted=wish.amount, available=left)
            found = ledger.open_bucket(session, account_id, Source.PREPAID, epoch=None, expires_at=None)
            if wish.amount > found.available:
                raise NotThatMuchToTakeBack(
                    what=f"{what}; {found.held} of the prepaid credit are held for requests",
                    wanted=wish.amount,
                    available=found.available,
                )
            return (refund_posting(found, wish.amount),)

        return self._adjust(AdjustmentKind.REFUND, wish, postings, (transaction_hash, number))

    def correct(self, wish: Wish) -> Adjusted:
        """Give back what was charged too much, last spent first, to credit that can still be spent.

        Raises NotThatMuchToTakeBack where less was charged to such credit; then `grant` is what is left. And
        InvalidRequest where the account would have more than it may.
        """

        def postings(session: Session, account_id: int, now: int) -> tuple[Posting, ...]:
            totals = {each.id: each for each in ledger.buckets(session, account_id, now=now)}
            live = spendable(list(totals.values()), now)
            consumed = [(bucket, totals[bucket.id].consumed) for bucket in live]
            there_is = NanoUsd(sum(charged for _, charged in consumed))
            if wish.amount > there_is:
                raise NotThatMuchToTakeBack(
                    what=f"what {wish.wallet} was charged, of credit that can still be spent",
                    wanted=wish.amount,
                    available=there_is,
                )
            _check_room(wish, list(totals.values()), now)
            return correction_postings(consumed, wish.amount)

        return self._adjust(AdjustmentKind.CORRECT, wish, postings)

    def top_ups(self, wallet: Wallet) -> list[Credited]:
        """Return the wallet's top-ups, newest first, with what was refunded of each."""
        with self._sessions.begin() as session:
            account_id = access.account_of(session, wallet)
            return [] if account_id is None else purchases.credited(session, account_id)

    def _adjust(
        self,
        kind: AdjustmentKind,
        wish: Wish,
        postings: Callable[[Session, int, int], tuple[Posting, ...]],
        purchase: tuple[str, int] | None = None,
    ) -> Adjusted:
        wish.check()
        with self._sessions.begin() as session:
            account_id = access.open_account(session, wish.wallet, service_time(session))
            access.lock_account(session, account_id)
            now = service_time(session)
            made = Adjustment(
                wish.reference,
                account_id,
                kind,
                wish.amount,
                wish.reason,
                wish.made_by,
                *(purchase or (None, None)),
            )
            known = adjustments.find(session, wish.reference)
            if known is None:
                entry = book_adjustment(
                    ENTRY_KINDS[kind],
                    account_id,
                    epoch_at(now),
                    wish.key(),
                    # Before the row, so that a refusal leaves the reference free.
                    postings(session, account_id, now),
                )
                if not adjustments.add(session, made, now):
                    # Another account's, at this very moment.
                    raise IdempotencyKeyReused(request_id=wish.reference)
                ledger.append(session, entry, now)
                acts.add(
                    session,
                    ActKind(f"credit.{kind}"),
                    Because(wish.made_by, wish.reason),
                    now=now,
                    subject=wish.wallet,
                    figures={"amount": wish.amount},
                    reference=wish.reference,
                )
            elif known != made:
                raise IdempotencyKeyReused(request_id=wish.reference)
            return Adjusted(made, read_balance(session, account_id, now), is_repeated=known is not None)


def _check_room(wish: Wish, buckets: Sequence[Bucket], now: int) -> None:
    """Raise InvalidRequest where the account would have more than JSON's numbers carry."""
    there_is = credit_of(buckets, now)
    if wish.amount + there_is > NANO_USD_MAX:
        raise InvalidRequest(
            f"{wish.amount} nano-USD beside the {there_is} that {wish.wallet} has would be more than the "
            f"{NANO_USD_MAX} an account may hold: give less",
            field="amount",
        )


def _paid(session: Session, account_id: int, wish: Wish, transaction_hash: str, number: int) -> Credited:
    for each in purchases.credited(session, account_id):
        if (each.transaction_hash, each.number) == (transaction_hash, number):
            return each
    raise UnknownPurchase(wallet=wish.wallet, purchase=f"{transaction_hash}:{number}")
