"""Spend credit: hold what a request may cost, capture what it did cost, give back the rest.

Requests that come together are answered together, in one transaction:

    lock their accounts, in one order · read the clock · give back what ran out · grant up to the allowance
      |
    one after the other: seen before?  --> the old answer, before the balance is looked at
      |                  affordable, within the key's limits and rates?  --no--> the refusal is kept
      v
    journal, buckets, holds, usage --> COMMIT --> all are answered
"""

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from psycopg.errors import UniqueViolation
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from entitlement.core import errors
from entitlement.core.account_book import RENEWAL_REFUSALS, AccountBook
from entitlement.core.balance import Balance
from entitlement.core.holds import Hold, HoldKind, HoldRequest, HoldState, LeaseReport, Usage
from entitlement.core.ledger import Part
from entitlement.core.operations import Capture, Extend, Look, OfHold, Operation, Release, Renew
from entitlement.core.record import record
from entitlement.core.tiers import RATES, Tier, TierRates
from entitlement.core.units import NanoUsd
from entitlement.flows.grant_allowances import grant_in_books
from entitlement.store import outbox, standing
from entitlement.store.book_writing import write_books
from entitlement.store.books import Asked, Books, read_books
from entitlement.store.journey import Journey
from entitlement.store.owners import Owners
from entitlement.store.raw import driver_of, told_as_ours
from entitlement.store.standing import RateRefusal

TRIES = 3
"""Of a group, while others commit the same request ids under other keys."""
MOST_ENTRIES_OF_RENEWAL = 3
"""What was spent; then more, or less, or the end; or what ran out."""
REFUSALS_EVERY_SECONDS = 1.0
GRANTED_SECONDS = 60
"""How long an account that was given all that is due is not looked at again, at the most."""
HOLD_ID_BYTES = 8
"""Random ones, in the id of a hold."""
PREFIX = {HoldKind.HOLD: "hold", HoldKind.CHARGE: "charge", HoldKind.LEASE: "lease"}


@record
class HoldAnswer:
    """A hold as it stands, and what the account has after it."""

    hold: Hold
    balance: Balance
    micros: int
    """Unix microseconds by the service's clock, as of the transaction that answered."""
    is_repeated: bool = False
    """Whether this is the answer to a request that was answered before."""
    refusal: errors.EntitlementError | None = None
    """Of a lease: why it gets no more; what was told of it is charged all the same."""

    @property
    def parts(self) -> tuple[Part, ...]:
        """What funds it."""
        return self.hold.parts


@record
class Question:
    """What a gateway asks."""

    gateway_id: int
    operation: Operation
    token_hash: bytes | None = None
    """By which the gateway was known; where it is no longer its token, the question is refused."""


Outcome = HoldAnswer | errors.EntitlementError


class SpendCredit:
    """Answers questions about credit; what was answered is committed."""

    def __init__(self, sessions: sessionmaker[Session], rates: Mapping[Tier, TierRates] = RATES) -> None:
        self._sessions = sessions
        self._rates = rates
        self._granted: tuple[tuple[Any, ...], set[int]] = ((), set())
        """The accounts that have all that the chain gives them, as of what was followed of it and when."""
        self._owners = Owners()
        self._refused: dict[tuple[int, str, str | None, str], RateRefusal] = {}
        self._refusals_kept_at = 0.0

    def answer(self, questions: Sequence[Question]) -> list[Outcome]:
        """Answer questions together, each as if it had come alone, in their order.

        An outcome that is an error is that question's own. What is raised is the database's error and
        concerns them all; whether they were carried out is then unknown, and they may be asked again.
        """
        outcomes: list[Outcome | None] = [_checked(question) for question in questions]
        places = [place for place, outcome in enumerate(outcomes) if outcome is None]
        if places:
            found = self._try(questions, places)
            for place, outcome in zip(places, found, strict=True):
                outcomes[place] = outcome
        return [outcome for outcome in outcomes if outcome is not None]

    def account_of(self, question: Question) -> int | None:
        """Return whose account a question is about, if that is remembered."""
        operation = question.operation
        owner = self._owners.of(
            operation.key_hash if isinstance(operation, HoldRequest) else operation.hold_id
        )
        return None if owner is None else owner[0]

    def hold(self, gateway_id: int, request: HoldRequest) -> HoldAnswer:
        """Set credit aside, for a hold or a lease, or charge it at once.

        Raises UnknownKey and what else refuses a key; InsufficientCredit, KeyLimitReached, RateLimited;
        IdempotencyKeyReused where the request id came before with another content; InvalidAmount or
        InvalidRequest.
        """
        return self._one(gateway_id, request)

    def capture(self, gateway_id: int, hold_id: str, amount: NanoUsd, usage: Usage | None) -> HoldAnswer:
        """Charge what the request cost, and give back the rest of the hold.

        More than the hold is taken from what is available, the rest is the operator's shortfall. Raises
        UnknownHold, HoldAlreadyEnded, HoldExpired, InvalidAmount, InvalidRequest.
        """
        return self._one(gateway_id, Capture(hold_id, amount, usage))

    def release(self, gateway_id: int, hold_id: str) -> HoldAnswer:
        """Give a whole hold back. Raises UnknownHold, or HoldAlreadyEnded where it was captured."""
        return self._one(gateway_id, Release(hold_id))

    def extend(
        self, gateway_id: int, hold_id: str, *, amount: NanoUsd, minimum: NanoUsd, ttl: int | None = None
    ) -> HoldAnswer:
        """Raise a hold to `amount`, or to as much as there is from `minimum` up; never lower it.

        Raises UnknownHold, HoldAlreadyEnded, HoldExpired, what refuses a key, InsufficientCredit,
        KeyLimitReached, InvalidAmount, InvalidRequest.
        """
        return self._one(gateway_id, Extend(hold_id, amount, minimum, ttl))

    def renew(self, gateway_id: int, lease_id: str, report: LeaseReport) -> HoldAnswer:
        """Charge what a lease has spent, and set aside what it is to go on with; `refusal` says why not more.

        Raises UnknownHold, HoldAlreadyEnded, HoldExpired, InvalidAmount, InvalidRequest.
        """
        return self._one(gateway_id, Renew(lease_id, report))

    def read(self, gateway_id: int, hold_id: str) -> HoldAnswer:
        """Return a hold or lease as it stands. Raises UnknownHold."""
        return self._one(gateway_id, Look(hold_id))

    def expire(self, account_ids: Sequence[int]) -> int:
        """Give back the holds of these accounts whose time has run out; return how many."""
        with self._sessions.begin() as session:
            return give_back_due(session, account_ids)

    # --- a group ----------------------------------------------------------------------------------------

    def _one(self, gateway_id: int, operation: Operation) -> HoldAnswer:
        outcome = self.answer([Question(gateway_id, operation)])[0]
        if isinstance(outcome, errors.EntitlementError):
            raise outcome
        return outcome

    def _try(self, questions: Sequence[Question], places: Sequence[int]) -> list[Outcome]:
        group = [questions[place] for place in places]
        for left in reversed(range(TRIES)):
            try:
                return self._carry_out(group)
            except IntegrityError as error:
                # Two first deliveries of one request id under different keys, and so under different locks:
                # the other one has committed, and now it is found.
                if not left or not _is_about_request_id(error):
                    raise
        raise AssertionError("unreachable")

    def _carry_out(self, group: Sequence[Question]) -> list[Outcome]:
        with self._sessions.begin() as session, told_as_ours(session):
            books = read_books(session, _asked(group, self._owners), self._rates)
            books, new = self._grant(session, books, group)
            before = _low_credit_watched(books)
            # All at once: each by itself is a question to the kernel.
            drawn = secrets.token_hex(HOLD_ID_BYTES * len(group))
            outcomes = [
                self._decide(books, question, drawn[first : first + 2 * HOLD_ID_BYTES])
                for question, first in zip(group, range(0, len(drawn), 2 * HOLD_ID_BYTES), strict=True)
            ]
            writing = write_books(session, books)
            refused = self._rate_refusals(books, group, outcomes)
            low = _low_credit(books, before)
            if refused or low:
                writing.go()
                with driver_of(session).cursor() as cursor:
                    standing.add_refusals(cursor, refused)
                    outbox.add(cursor, low)
            writing.leave()
        self._remember(books)
        # Only now: what is rolled back was never granted.
        if self._granted[0] != _as_of(books):
            self._granted = (_as_of(books), new)
        else:
            self._granted[1].update(new)
        return outcomes

    def _remember(self, books: Books) -> None:
        self._owners.remember(books.keys)
        self._owners.remember(books.holders)
        self._owners.remember(
            {
                hold_id: (book.account_id, book.holds[hold_id].key_id)
                for book in books.accounts.values()
                for hold_id in book.made
                if book.holds[hold_id].state is HoldState.OPEN
            }
        )

    def _grant(self, session: Session, books: Books, group: Sequence[Question]) -> tuple[Books, set[int]]:
        """Raise the buckets of those who want credit to what is due; return them, and who was looked at."""
        as_of, granted = self._granted
        wanted: set[int] = set()
        for question in group:
            operation = question.operation
            if isinstance(operation, HoldRequest):
                if operation.key_hash in books.keys:
                    wanted.add(books.keys[operation.key_hash][0])
            elif operation.hold_id in books.holders and _may_draw(books, operation):
                wanted.add(books.holders[operation.hold_id][0])
        new = wanted - granted if as_of == _as_of(books) else wanted
        if new:
            books = grant_in_books(Journey(driver_of(session), by_key=True), books, sorted(new))
        return books, new

    def _rate_refusals(
        self, books: Books, group: Sequence[Question], outcomes: Sequence[Outcome]
    ) -> list[RateRefusal]:
        """Return the refusals by a rate that are to be kept now: once a second, a flood in a few rows."""
        for question, outcome in zip(group, outcomes, strict=True):
            if isinstance(outcome, errors.RateLimited) and isinstance(question.operation, HoldRequest):
                account_id, key_id = books.keys[question.operation.key_hash]
                tier = books.accounts[account_id].tier
                named = RateRefusal(
                    account_id, key_id, question.operation.model, tier, outcome.of, books.now, times=1
                )
                known = self._refused.get((account_id, key_id, named.model, named.rate_of))
                self._refused[account_id, key_id, named.model, named.rate_of] = (
                    named if known is None else replace(known, times=known.times + 1)
                )
        if not self._refused or time.monotonic() - self._refusals_kept_at < REFUSALS_EVERY_SECONDS:
            return []
        self._refusals_kept_at = time.monotonic()
        # In one order for all who write them, so that no two wait for each other.
        refused = sorted(self._refused.values(), key=lambda each: (each.account_id, each.key_id))
        self._refused = {}
        return refused

    def _decide(self, books: Books, question: Question, drawn: str) -> Outcome:
        try:
            token = question.token_hash
            if token is not None and books.gateways.get(token) != question.gateway_id:
                raise errors.NotAuthenticated("the service token is not known or was revoked")
            if isinstance(question.operation, HoldRequest):
                return self._place(books, question.gateway_id, question.operation, drawn)
            return _settle(books, question.gateway_id, question.operation)
        except errors.EntitlementError as error:
            # Without the frames it came through, which hold the books: they would be garbage in circles.
            return error.with_traceback(None)

    @staticmethod
    def _place(books: Books, gateway_id: int, request: HoldRequest, drawn: str) -> HoldAnswer:
        name = (gateway_id, request.request_id)
        known = books.seen.get(name)
        if known is not None:
            return _answer_again(books, known, request)
        if request.key_hash not in books.keys:
            raise errors.UnknownKey
        account_id, key_id = books.keys[request.key_hash]
        book = books.accounts[account_id]
        # The time first: ids of a day stand together in every index.
        hold_id = f"{PREFIX[request.kind]}_{book.now:08x}{drawn}"
        try:
            hold = book.place(gateway_id, key_id, request, hold_id)
        finally:
            if hold_id in book.holds:
                books.seen[name] = book.holds[hold_id]
        return HoldAnswer(hold, book.balance(), book.micros)


def _may_draw(books: Books, operation: OfHold) -> bool:
    """Whether what is asked of a hold may be paid by more than the hold."""
    if isinstance(operation, Capture):
        account_id, _ = books.holders[operation.hold_id]
        return operation.amount > books.accounts[account_id].holds[operation.hold_id].amount
    return isinstance(operation, Extend | Renew)


def give_back_due(session: Session, account_ids: Sequence[int]) -> int:
    """Give back the holds of these accounts whose time has run out; return how many. Takes their locks."""
    with told_as_ours(session):
        books = read_books(session, Asked((), (), (), (), account_ids), RATES)
        write_books(session, books).go()
    return sum(len(book.changed) for book in books.accounts.values())


def _as_of(books: Books) -> tuple[Any, ...]:
    """Return what grants depend on besides the wallet; while it is equal, nobody is looked at again.

    The minute is for what else may change a position, such as a rebuilding that mends it.
    """
    return (*books.chain, books.now // GRANTED_SECONDS)


def _low_credit_watched(books: Books) -> dict[int, NanoUsd]:
    return {book.account_id: book.balance().available for book in books.accounts.values() if book.has_webhook}


def _low_credit(books: Books, before: Mapping[int, NanoUsd]) -> list[outbox.NewEvent]:
    """Return what the owners of accounts that fell below a mark are to be told."""
    events: list[outbox.NewEvent] = []
    for account_id, had in before.items():
        book = books.accounts[account_id]
        kind = book.low_credit(had)
        if kind is not None:
            has = book.balance().available
            events.append(outbox.NewEvent(account_id, kind, book.epoch, has, book.granted_today(), book.now))
    return events


def _checked(question: Question) -> errors.EntitlementError | None:
    operation = question.operation
    try:
        operation.check()
    except errors.EntitlementError as error:
        return error
    # PostgreSQL's text cannot even be asked for some characters; none of them is in an id of ours.
    if not isinstance(operation, HoldRequest) and not operation.hold_id.isprintable():
        return errors.UnknownHold(hold=operation.hold_id)
    return None


def _asked(group: Sequence[Question], remembered: Owners) -> Asked:
    placed = [
        (question.gateway_id, question.operation)
        for question in group
        if isinstance(question.operation, HoldRequest)
    ]
    return Asked(
        key_hashes=list({request.key_hash for _, request in placed}),
        hold_ids=list(
            {
                question.operation.hold_id
                for question in group
                if not isinstance(question.operation, HoldRequest)
            }
        ),
        tokens=list({question.token_hash for question in group if question.token_hash is not None}),
        requests=list({(gateway_id, request.request_id) for gateway_id, request in placed}),
        entries=sum(_most_entries(question.operation) for question in group),
        remembered=remembered,
    )


def _most_entries(operation: Operation) -> int:
    """Return how many entries an operation books at the most, what has run out meanwhile left aside."""
    match operation:
        case Look():
            return 0
        case Renew():
            return MOST_ENTRIES_OF_RENEWAL
        case _:
            return 1


def _answer_again(books: Books, known: Hold, request: HoldRequest) -> HoldAnswer:
    """Answer a request that came before as it was answered then, with the hold as it stands."""
    if known.fingerprint != request.fingerprint():
        raise errors.IdempotencyKeyReused(request_id=request.request_id)
    if known.refusal is not None:
        raise _refusal_again(known.refusal)
    book = books.accounts[known.account_id]
    # Told that it is open after its time, the gateway would do work that it no longer pays for.
    hold = book.holds.get(known.id, known)
    return HoldAnswer(hold, book.balance(), book.micros, is_repeated=True)


def _settle(books: Books, gateway_id: int, operation: OfHold) -> HoldAnswer:
    book, hold = _find(books, gateway_id, operation.hold_id)
    is_repeated = False
    match operation:
        case Capture():
            hold, is_repeated = book.capture(hold, operation.amount, operation.usage)
        case Release():
            hold, is_repeated = book.release(hold)
        case Extend():
            hold = book.extend(hold, amount=operation.amount, minimum=operation.minimum, ttl=operation.ttl)
        case Renew():
            try:
                hold = book.renew(hold, operation.report)
            except RENEWAL_REFUSALS as refusal:
                # What was spent is charged all the same, and the gateway learns how its lease stands.
                return HoldAnswer(book.holds[hold.id], book.balance(), book.micros, refusal=refusal)
        case Look(is_lease=is_lease):
            if is_lease not in (None, hold.kind is HoldKind.LEASE):
                raise errors.UnknownHold(hold=hold.id)
    return HoldAnswer(hold, book.balance(), book.micros, is_repeated)


def _find(books: Books, gateway_id: int, hold_id: str) -> tuple[AccountBook, Hold]:
    if hold_id in books.holders:
        book = books.accounts[books.holders[hold_id][0]]
        hold = book.holds[hold_id]
        if hold.gateway_id == gateway_id:
            return book, hold
    raise errors.UnknownHold(hold=hold_id)


def _is_about_request_id(error: IntegrityError) -> bool:
    return isinstance(error.orig, UniqueViolation) and error.orig.diag.constraint_name == "holds_request"


def _refusal_again(refusal: dict[str, object]) -> errors.EntitlementError:
    """Return the error that was kept, with its figures of then."""
    kinds = {kind.__name__: kind for kind in (errors.InsufficientCredit, errors.KeyLimitReached)}
    facts = {name: value for name, value in refusal.items() if name != "error"}
    again = kinds[str(refusal["error"])](**facts)  # pyright: ignore[reportArgumentType] - written from facts()
    again.is_repeated = True
    return again
