"""Spend credit: hold what a request may cost, capture what it did cost, give back the rest.

look for the request id  --seen-->  the old answer, before the balance is looked at
  |
lock the account · read the clock · give back what ran out · grant up to the allowance
  |
affordable, and within the key's limits?  -> journal, buckets, hold  -> COMMIT -> answer
  | no
keep the refusal                                                     -> COMMIT -> answer
"""

import secrets
from dataclasses import dataclass

from psycopg.errors import UniqueViolation
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from entitlement.core import errors
from entitlement.core.epochs import Epoch, ends_at, epoch_at
from entitlement.core.holds import (
    Hold,
    HoldRequest,
    HoldState,
    Usage,
    check_capturable,
    check_releasable,
    is_repetition_of_capture,
)
from entitlement.core.keys import ApiKey
from entitlement.core.ledger import (
    Entry,
    EntryKind,
    Funding,
    Part,
    Settlement,
    book_end,
    book_hold,
    book_late_capture,
    fund_hold,
    release_postings,
    settle_capture,
    settle_late_capture,
    total,
)
from entitlement.core.limits import Headroom, headroom, period_epochs
from entitlement.core.units import NANO_USD_MAX, NanoUsd
from entitlement.flows.grant_allowances import grant_up_to_allowance
from entitlement.flows.read_balance import Balance, read_balance
from entitlement.store import access, holds, ledger
from entitlement.store.clock import service_time

NOTHING = NanoUsd(0)


@dataclass(frozen=True, slots=True)
class HoldAnswer:
    """A hold as it stands, what funds it, and what the account has after it."""

    hold: Hold
    parts: tuple[Part, ...]
    balance: Balance
    is_repeated: bool = False
    """Whether this is the answer to a request that was answered before."""


class SpendCredit:
    """Holds, captures and releases; each call is one transaction, committed before it returns."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions

    def hold(self, gateway_id: int, request: HoldRequest) -> HoldAnswer:
        """Set credit aside.

        Raises UnknownKey, KeyExpired, KeyRevoked, InsufficientCredit, KeyLimitReached; IdempotencyKeyReused
        where the request id came before with another content; InvalidAmount or InvalidRequest.
        """
        request.check()
        try:
            outcome = self._try_hold(gateway_id, request)
        except IntegrityError as error:
            if not _is_about_request_id(error):
                raise
            # Two first deliveries of one request id under different keys, and so under different locks: the
            # other one has committed, and now it is found.
            outcome = self._try_hold(gateway_id, request)
        if isinstance(outcome, errors.EntitlementError):
            raise outcome
        return outcome

    def capture(self, gateway_id: int, hold_id: str, amount: NanoUsd, usage: Usage | None) -> HoldAnswer:
        """Charge what the request cost, and give back the rest of the hold.

        More than the hold is taken from what is available, the rest is the operator's shortfall. Raises
        UnknownHold, HoldAlreadyEnded, HoldExpired, InvalidAmount, InvalidRequest.
        """
        if not 0 <= amount <= NANO_USD_MAX:
            raise errors.InvalidAmount(field="amount", amount=amount, smallest=0, largest=NANO_USD_MAX)
        if usage is not None:
            usage.check()
        with self._sessions.begin() as session:
            hold, now = self._lock_hold(session, gateway_id, hold_id)
            if is_repetition_of_capture(hold, amount):
                return self._answer(session, hold, now, is_repeated=True)
            check_capturable(hold, now)
            parts = holds.parts_of(session, hold_id)
            settlement = self._charge(session, hold, parts, amount, now)
            holds.add_usage(
                session, hold, usage or Usage(), paid=settlement.paid, shortfall=settlement.shortfall, now=now
            )
            return self._answer(session, self._again(session, hold), now)

    def release(self, gateway_id: int, hold_id: str) -> HoldAnswer:
        """Give a whole hold back. Raises UnknownHold, or HoldAlreadyEnded where it was captured."""
        with self._sessions.begin() as session:
            hold, now = self._lock_hold(session, gateway_id, hold_id)
            check_releasable(hold)
            if hold.state is not HoldState.OPEN:
                return self._answer(session, hold, now, is_repeated=True)
            give_back(session, hold, HoldState.RELEASED, now)
            return self._answer(session, self._again(session, hold), now)

    def read(self, gateway_id: int, hold_id: str) -> HoldAnswer:
        """Return a hold as it stands. Raises UnknownHold."""
        with self._sessions.begin() as session:
            hold, now = self._lock_hold(session, gateway_id, hold_id)
            return self._answer(session, hold, now)

    # --- holding ----------------------------------------------------------------------------------------

    def _try_hold(self, gateway_id: int, request: HoldRequest) -> HoldAnswer | errors.EntitlementError:
        """Answer one delivery in one transaction. A refusal is returned: raising it would not keep it."""
        with self._sessions.begin() as session:
            repeated = self._repeated(session, gateway_id, request)
            if repeated is not None:
                return repeated
            key = access.key_by_hash(session, request.key_hash)
            if key is None:
                raise errors.UnknownKey
            access.lock_account(session, key.account_id)
            # Again, now that nobody else can be answering the same delivery.
            repeated = self._repeated(session, gateway_id, request)
            if repeated is not None:
                return repeated
            now = service_time(session)
            key = access.key_by_hash(session, request.key_hash) or key
            key.check_usable(now)
            give_back_due(session, key.account_id, now)
            grant_up_to_allowance(session, key.account_id, key.wallet, now)
            return self._fund(session, gateway_id, key, request, now)

    def _fund(
        self, session: Session, gateway_id: int, key: ApiKey, request: HoldRequest, now: int
    ) -> HoldAnswer | errors.EntitlementError:
        epoch = epoch_at(now)
        buckets = ledger.buckets(session, key.account_id, now=now)
        hold_id = f"hold_{secrets.token_hex(12)}"
        try:
            funding = fund_hold(
                buckets,
                _headroom(session, key, epoch),
                amount=request.amount,
                minimum=request.minimum,
                now=now,
                resets_at=ends_at(epoch),
            )
        except (errors.InsufficientCredit, errors.KeyLimitReached) as refusal:
            refused = _new_hold(hold_id, key, gateway_id, request, Funding((), is_final=False), now)
            reason = {"error": type(refusal).__name__, **refusal.facts()}
            holds.add(session, refused, request, refusal=reason)
            return refusal
        hold = _new_hold(hold_id, key, gateway_id, request, funding, now)
        holds.add(session, hold, request, parts=funding.parts)
        ledger.append(session, book_hold(key.account_id, epoch, hold_id, funding.parts), now)
        holds.add_to_key(session, key.id, epoch, held=funding.parts, now=now)
        return self._answer(session, hold, now)

    def _repeated(
        self, session: Session, gateway_id: int, request: HoldRequest
    ) -> HoldAnswer | errors.EntitlementError | None:
        """Return the answer that this request id had before, or None for a first delivery."""
        known = holds.find_request(session, gateway_id, request.request_id)
        if known is None:
            return None
        hold, fingerprint, refusal = known
        if fingerprint != request.fingerprint():
            return errors.IdempotencyKeyReused(request_id=request.request_id)
        if refusal is not None:
            return _refusal_again(refusal)
        now = service_time(session)
        if hold.is_due(now):
            # Told that it is open, the gateway would do work that it no longer pays for.
            hold, now = self._lock_hold(session, gateway_id, hold.id)
        return self._answer(session, hold, now, is_repeated=True)

    # --- ending -----------------------------------------------------------------------------------------

    @staticmethod
    def _lock_hold(session: Session, gateway_id: int, hold_id: str) -> tuple[Hold, int]:
        """Return a hold under its account's lock, expired if its time is over, and the time."""
        # PostgreSQL's text cannot even be asked for some characters; none of them is in an id of ours.
        hold = holds.find(session, gateway_id, hold_id) if hold_id.isprintable() else None
        if hold is None:
            raise errors.UnknownHold(hold=hold_id)
        access.lock_account(session, hold.account_id)
        now = service_time(session)
        give_back_due(session, hold.account_id, now)
        return SpendCredit._again(session, hold), now

    @staticmethod
    def _again(session: Session, hold: Hold) -> Hold:
        found = holds.find(session, hold.gateway_id, hold.id)
        assert found is not None, "holds are never deleted"
        return found

    @staticmethod
    def _charge(
        session: Session, hold: Hold, parts: tuple[Part, ...], amount: NanoUsd, now: int
    ) -> Settlement:
        buckets = ledger.buckets(session, hold.account_id, now=now, also=[part.bucket_id for part in parts])
        key = access.key_of_account(session, hold.account_id, hold.key_id)
        assert key is not None, "keys are never deleted"
        # The day of the hold: what it could not cover counts towards the limit that it was made under.
        room = _headroom(session, key, hold.epoch)
        is_late = hold.state is HoldState.EXPIRED
        settle = settle_late_capture if is_late else settle_capture
        settlement = settle(parts, buckets, room, amount=amount, now=now)
        if is_late:
            entry = book_late_capture(hold.account_id, hold.epoch, hold.id, settlement.postings)
        else:
            entry = book_end(EntryKind.CAPTURE, hold.account_id, hold.epoch, hold.id, settlement.postings)
            holds.end(session, hold.id, HoldState.CAPTURED, now)
        _book(session, entry, now)
        holds.add_to_key(
            session,
            hold.key_id,
            hold.epoch,
            spent=settlement.paid,
            given_back=() if is_late else parts,
            now=now,
        )
        holds.charge(
            session, hold.id, captured=total(settlement.paid), shortfall=settlement.shortfall, now=now
        )
        return settlement

    @staticmethod
    def _answer(session: Session, hold: Hold, now: int, *, is_repeated: bool = False) -> HoldAnswer:
        parts = holds.parts_of(session, hold.id)
        return HoldAnswer(hold, parts, read_balance(session, hold.account_id, now), is_repeated)


def give_back_due(session: Session, account_id: int, now: int) -> int:
    """Give back the account's holds whose time has run out; return how many. The caller holds the lock."""
    due = holds.due_of_account(session, account_id, now)
    for hold in due:
        give_back(session, hold, HoldState.EXPIRED, now)
    return len(due)


def give_back(session: Session, hold: Hold, state: HoldState, now: int) -> None:
    """End an open hold without a charge. The caller holds the account's lock."""
    parts = holds.parts_of(session, hold.id)
    buckets = ledger.buckets(session, hold.account_id, now=now, also=[part.bucket_id for part in parts])
    kind = EntryKind.RELEASE if state is HoldState.RELEASED else EntryKind.EXPIRE_HOLD
    postings = release_postings(parts, buckets, now)
    _book(session, book_end(kind, hold.account_id, hold.epoch, hold.id, postings), now)
    holds.add_to_key(session, hold.key_id, hold.epoch, given_back=parts, now=hold.created_at)
    holds.end(session, hold.id, state, now)


def _book(session: Session, entry: Entry, now: int) -> None:
    # A capture of nothing from an expired hold moves nothing, and an entry without postings says nothing.
    if entry.postings:
        ledger.append(session, entry, now)


def _headroom(session: Session, key: ApiKey, epoch: Epoch) -> Headroom:
    first, after_last = period_epochs(key.limits.period, epoch)
    diem, usd = holds.used_by_key(session, key.id, first, after_last)
    return headroom(key.limits, diem_used=diem, usd_used=usd, epoch=epoch)


def _new_hold(
    hold_id: str, key: ApiKey, gateway_id: int, request: HoldRequest, funding: Funding, now: int
) -> Hold:
    return Hold(
        id=hold_id,
        account_id=key.account_id,
        key_id=key.id,
        gateway_id=gateway_id,
        request_id=request.request_id,
        state=HoldState.OPEN if funding.parts else HoldState.REFUSED,
        epoch=epoch_at(now),
        amount=total(funding.parts),
        is_final=funding.is_final,
        captured=NOTHING,
        shortfall=NOTHING,
        created_at=now,
        expires_at=now + request.ttl,
        charged_at=None,
    )


def _is_about_request_id(error: IntegrityError) -> bool:
    return isinstance(error.orig, UniqueViolation) and error.orig.diag.constraint_name == "holds_request"


def _refusal_again(refusal: dict[str, object]) -> errors.EntitlementError:
    """Return the error that was kept, with its figures of then."""
    kinds = {kind.__name__: kind for kind in (errors.InsufficientCredit, errors.KeyLimitReached)}
    facts = {name: value for name, value in refusal.items() if name != "error"}
    return kinds[str(refusal["error"])](**facts)  # pyright: ignore[reportArgumentType] - written from facts()
