"""One account's credit while its lock is held: what is asked of it is decided here, one after the other.

    what the database holds  -->  AccountBook  --each operation-->  an answer, or an error
                                      |
                                      +-- entries, holds, usage, what keys spent: to be written in one go

Nothing here is written: whoever holds the lock writes what has changed, or nothing at all.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from entitlement.core import errors
from entitlement.core.balance import Balance, balance_of
from entitlement.core.epochs import Epoch, ends_at, epoch_at
from entitlement.core.holds import (
    LONGEST_LIFE_SECONDS,
    Hold,
    HoldKind,
    HoldRequest,
    HoldState,
    LeaseReport,
    Refusal,
    Usage,
    check_capturable,
    check_releasable,
    is_repetition_of_capture,
)
from entitlement.core.key_book import KeyBook
from entitlement.core.ledger import (
    Bucket,
    Entry,
    EntryKind,
    Funding,
    Part,
    Place,
    Posting,
    Settlement,
    Source,
    book_end,
    book_grant,
    book_hold,
    book_late_capture,
    book_step,
    daily_bucket,
    draw,
    fund_hold,
    held_postings,
    merge_parts,
    release_postings,
    settle_capture,
    settle_late_capture,
    settle_lease,
    spendable,
    total,
)
from entitlement.core.limits import period_ends_at
from entitlement.core.rates import count_request
from entitlement.core.tiers import Tier, TierRates
from entitlement.core.units import NanoUsd, Wallet
from entitlement.core.usage_lines import UsageLine, lines_of_lease
from entitlement.core.webhooks import CreditEvent, crossed

NOTHING = NanoUsd(0)
NO_USAGE = Usage()
RENEWAL_REFUSALS = (
    errors.InsufficientCredit,
    errors.KeyLimitReached,
    errors.KeyExpired,
    errors.KeyRevoked,
    errors.KeySuspended,
    errors.KeyPaused,
    errors.KeyRotated,
)
"""Why a lease gets no more. What was spent of it is charged all the same."""


@dataclass(slots=True)
class AccountBook:
    """An account's buckets, keys and holds as they are, and what has changed of them."""

    account_id: int
    wallet: Wallet
    now: int
    """Unix seconds, read after the lock was taken."""
    micros: int
    """The same moment in microseconds."""
    rate_until: int
    tier: Tier
    rates: TierRates
    """Of all the account's keys together, and of each."""
    buckets: dict[int, Bucket] = field(default_factory=dict[int, Bucket])
    keys: dict[str, KeyBook] = field(default_factory=dict[str, KeyBook])
    holds: dict[str, Hold] = field(default_factory=dict[str, Hold])
    """Those that are asked about, and those whose time has run out."""
    opened: list[Bucket] = field(default_factory=list[Bucket])
    """The buckets that are new, as they were before the entries."""
    entries: list[Entry] = field(default_factory=list[Entry])
    made: set[str] = field(default_factory=set[str])
    """The holds that are new."""
    changed: set[str] = field(default_factory=set[str])
    """The holds that were there and are not as they were."""
    usage: list[UsageLine] = field(default_factory=list[UsageLine])
    is_rate_changed: bool = False
    has_webhook: bool = False
    """Whether its owner wants to be told when credit runs low."""

    @property
    def epoch(self) -> Epoch:
        """The day."""
        return epoch_at(self.now)

    def balance(self) -> Balance:
        """Return what the account has left."""
        return balance_of(self.buckets.values(), self.now)

    def low_credit(self, before: NanoUsd) -> CreditEvent | None:
        """Return what the owner is to be told, where `before` is what was available to begin with."""
        return crossed(before, self.balance().available, self.granted_today())

    def granted_today(self) -> NanoUsd:
        """Return what the running day gave."""
        return NanoUsd(sum(bucket.granted for bucket in self.buckets.values() if bucket.epoch == self.epoch))

    def bucket_of_today(self, source: Source) -> Bucket | None:
        """Return the day's bucket of a source, if there is one."""
        found = (each for each in self.buckets.values() if each.source is source and each.epoch == self.epoch)
        return next(found, None)

    def grant(self, source: Source, up_to: NanoUsd, new_ids: Iterator[int]) -> None:
        """Raise the day's bucket of a source to what is due, never lower it; one that is new takes an id."""
        bucket = self.bucket_of_today(source)
        if bucket is None:
            bucket = daily_bucket(next(new_ids), source, self.epoch)
            self.buckets[bucket.id] = bucket
            self.opened.append(bucket)
        if bucket.granted < up_to:
            self._book(book_grant(self.account_id, self.epoch, bucket, granted=bucket.granted, up_to=up_to))

    # --- setting aside ----------------------------------------------------------------------------------

    def place(self, gateway_id: int, key_id: str, request: HoldRequest, hold_id: str) -> Hold:
        """Set credit aside for a request that was never seen, or charge it at once.

        Raises what refuses the key and RateLimited, which are forgotten; InsufficientCredit and
        KeyLimitReached, which are kept as a refused hold.
        """
        key = self.keys[key_id]
        # Under the lock: the secret may have been another one when the key was looked for by it.
        key.check_secret(request.key_hash)
        key.key.check_usable(self.now)
        self._count_request(key)
        epoch = self.epoch
        try:
            funding = fund_hold(
                list(self.buckets.values()),
                key.headroom(epoch),
                amount=request.amount,
                minimum=request.minimum,
                now=self.now,
                resets_at=ends_at(epoch),
            )
        except (errors.InsufficientCredit, errors.KeyLimitReached) as refusal:
            reason = {"error": type(refusal).__name__, **refusal.facts()}
            nothing = Funding((), is_final=False)
            self._keep_new(self._new(gateway_id, key_id, request, hold_id, nothing, reason))
            raise
        hold = self._new(gateway_id, key_id, request, hold_id, funding)
        self._keep_new(hold)
        if hold.kind is HoldKind.CHARGE:
            self._charge_at_once(hold, request.usage or NO_USAGE)
            return hold
        self._book(book_hold(self.account_id, epoch, hold_id, funding.parts))
        key.count(epoch, self.now, held=funding.parts)
        return hold

    def extend(self, hold: Hold, *, amount: NanoUsd, minimum: NanoUsd, ttl: int | None) -> Hold:
        """Raise a hold to `amount`, or to as much as there is from `minimum` up; never lower it.

        Raises HoldAlreadyEnded, HoldExpired, what refuses the key, InsufficientCredit, KeyLimitReached; the
        hold is then as it was.
        """
        if hold.state is HoldState.EXPIRED:
            raise errors.HoldExpired(hold=hold.id, expired_at=hold.expires_at)
        if hold.state is not HoldState.OPEN or hold.kind is not HoldKind.HOLD:
            raise errors.HoldAlreadyEnded(hold=hold.id, state=hold.state, captured=hold.captured)
        key = self.keys[hold.key_id]
        key.key.check_goes_on(self.now, begun_at=hold.created_at)
        until = hold.expires_at
        if ttl is not None:
            until = max(until, min(self.now + ttl, hold.created_at + LONGEST_LIFE_SECONDS))
        if amount <= hold.amount:
            return self._keep(replace(hold, expires_at=until)) if until != hold.expires_at else hold
        more = self._more(
            key, hold.epoch, NanoUsd(amount - hold.amount), NanoUsd(max(0, minimum - hold.amount))
        )
        if not more.parts:
            return self._keep(replace(hold, expires_at=until, is_final=True))
        self._book_step(hold, EntryKind.EXTEND, hold.steps + 1, held_postings(more.parts))
        key.count(hold.epoch, self.now, held=more.parts)
        return self._keep(
            replace(
                hold,
                amount=NanoUsd(hold.amount + total(more.parts)),
                parts=merge_parts((*hold.parts, *more.parts)),
                is_final=more.is_final,
                expires_at=until,
                steps=hold.steps + 1,
            )
        )

    # --- ending -----------------------------------------------------------------------------------------

    def capture(self, hold: Hold, amount: NanoUsd, usage: Usage | None) -> tuple[Hold, bool]:
        """Charge what the request cost and give back the rest; tell whether that was done before.

        Raises HoldAlreadyEnded and HoldExpired.
        """
        check_is_hold(hold)
        if is_repetition_of_capture(hold, amount):
            return hold, True
        check_capturable(hold, self.now)
        key = self.keys[hold.key_id]
        buckets = list(self.buckets.values())
        room = key.headroom(hold.epoch)
        is_late = hold.state is HoldState.EXPIRED
        if is_late:
            paid = settle_late_capture(hold.parts, buckets, room, amount=amount, now=self.now)
            entry = book_late_capture(self.account_id, hold.epoch, hold.id, paid.postings)
        else:
            paid = settle_capture(hold.parts, buckets, room, amount=amount, now=self.now)
            entry = book_end(EntryKind.CAPTURE, self.account_id, hold.epoch, hold.id, paid.postings)
        self._book(entry)
        key.count(hold.epoch, self.now, spent=paid.paid, given_back=() if is_late else hold.parts)
        self.usage.append(
            UsageLine.of(hold, 1, hold.request_id, usage or NO_USAGE, paid.paid, paid.shortfall)
        )
        return self._keep(
            replace(
                hold,
                state=hold.state if is_late else HoldState.CAPTURED,
                ended_at=hold.ended_at if is_late else self.now,
                captured=total(paid.paid),
                shortfall=paid.shortfall,
                charged_at=self.now,
            )
        ), False

    def release(self, hold: Hold) -> tuple[Hold, bool]:
        """Give a whole hold back; tell whether that was done before. Raises HoldAlreadyEnded."""
        check_is_hold(hold)
        check_releasable(hold)
        if hold.state is not HoldState.OPEN:
            return hold, True
        return self._give_back(hold, HoldState.RELEASED), False

    def expire_due(self) -> int:
        """Give back the holds whose time has run out; return how many."""
        due = [hold for hold in self.holds.values() if hold.is_due(self.now)]
        for hold in due:
            self._give_back(hold, HoldState.EXPIRED)
        return len(due)

    # --- leases -----------------------------------------------------------------------------------------

    def renew(self, lease: Hold, report: LeaseReport) -> Hold:
        """Charge what a lease has spent since it was last told, and set aside what it wants to go on with.

        Raises RENEWAL_REFUSALS *after* the charge, which stands; before it UnknownHold, HoldAlreadyEnded,
        InvalidRequest, and HoldExpired where it is too late for one.
        """
        if lease.kind is not HoldKind.LEASE:
            raise errors.UnknownHold(hold=lease.id)
        told = lease.captured + lease.shortfall
        spent = NanoUsd(max(0, report.spent - told))
        if lease.state is HoldState.EXPIRED:
            return self._renew_late(lease, spent, report)
        if lease.state is not HoldState.OPEN:
            if spent:
                raise errors.HoldAlreadyEnded(hold=lease.id, state=lease.state, captured=lease.captured)
            return lease
        if report.spent < told:
            # An old call: what its gateway wanted then must not lower what it spends from now.
            return lease
        key = self.keys[lease.key_id]
        lines = lines_of_lease(lease, spent, report.requests)
        paid, rest = settle_lease(
            lease.parts, list(self.buckets.values()), key.headroom(lease.epoch), amount=spent, now=self.now
        )
        lease = self._charge_lease(lease, paid, rest, lines)
        key.count(lease.epoch, self.now, spent=paid.paid, given_back=self._charged_from_held(paid))
        try:
            key.key.check_goes_on(self.now, begun_at=lease.created_at)
        except errors.EntitlementError:
            # As one that ran out now: what is under way may still be told within the grace hour.
            self._give_back(replace(lease, expires_at=self.now), HoldState.EXPIRED)
            raise
        return self._resize(
            lease,
            report.amount,
            report.minimum,
            ends=report.amount == 0,
            until=self._lease_end(lease, report),
        )

    def _renew_late(self, lease: Hold, spent: NanoUsd, report: LeaseReport) -> Hold:
        check_capturable(lease, self.now)
        lines = lines_of_lease(lease, spent, report.requests)
        key = self.keys[lease.key_id]
        buckets = list(self.buckets.values())
        paid = settle_late_capture(
            lease.parts, buckets, key.headroom(lease.epoch), amount=spent, now=self.now
        )
        key.count(lease.epoch, self.now, spent=paid.paid)
        return self._charge_lease(lease, paid, lease.parts, lines)

    def _charge_lease(
        self,
        lease: Hold,
        paid: Settlement,
        rest: tuple[Part, ...],
        lines: Callable[[Settlement], list[UsageLine]],
    ) -> Hold:
        new = lines(paid)
        if not new:
            return lease
        self.usage += new
        steps = lease.steps
        if paid.postings:
            steps += 1
            self._book_step(lease, EntryKind.RENEW, steps, paid.postings)
        captured = NanoUsd(lease.captured + total(paid.paid))
        return self._keep(
            replace(
                lease,
                captured=captured,
                shortfall=NanoUsd(lease.shortfall + paid.shortfall),
                amount=NanoUsd(captured + total(rest)) if lease.state is HoldState.OPEN else lease.amount,
                parts=rest,
                charged_at=self.now,
                steps=steps,
                told=new[-1].number,
            )
        )

    def _resize(
        self, lease: Hold, wanted: NanoUsd, minimum: NanoUsd, *, ends: bool, until: int | None = None
    ) -> Hold:
        """Raise or lower what remains of a lease to `wanted`; it ends with nothing."""
        key = self.keys[lease.key_id]
        there_is = total(lease.parts)
        parts, is_final = lease.parts, lease.is_final
        steps = lease.steps
        if there_is < wanted:
            more = self._more(
                key, lease.epoch, NanoUsd(wanted - there_is), NanoUsd(max(0, minimum - there_is))
            )
            is_final = more.is_final
            if more.parts:
                steps += 1
                self._book_step(lease, EntryKind.EXTEND, steps, held_postings(more.parts))
                key.count(lease.epoch, self.now, held=more.parts)
                parts = merge_parts((*parts, *more.parts))
        elif there_is > wanted or ends:
            kept, given_back = _split(parts, wanted)
            postings = release_postings(given_back, self.buckets.values(), self.now)
            if ends:
                self._book(book_end(EntryKind.RELEASE, self.account_id, lease.epoch, lease.id, postings))
            elif postings:
                steps += 1
                self._book_step(lease, EntryKind.RENEW, steps, postings)
            key.count(lease.epoch, self.now, given_back=given_back)
            parts = kept
        if there_is >= wanted and not ends:
            # What it took once as the last may have been given back, or other credit has come.
            is_final = not self._more(key, lease.epoch, amount=NanoUsd(1), minimum=NOTHING).parts
        return self._keep(
            replace(
                lease,
                parts=parts,
                steps=steps,
                is_final=is_final,
                amount=NanoUsd(lease.captured + total(parts)),
                expires_at=lease.expires_at if until is None else until,
                state=HoldState.CAPTURED if ends else lease.state,
                ended_at=self.now if ends else None,
            )
        )

    def _lease_end(self, lease: Hold, report: LeaseReport) -> int:
        # The credit of a day is gone with it, and its gateway must have heard of it by then.
        return min(self.now + report.ttl, ends_at(lease.epoch))

    @staticmethod
    def _charged_from_held(paid: Settlement) -> tuple[Part, ...]:
        sources = {part.bucket_id: part.source for part in paid.paid}
        return tuple(
            Part(posting.bucket_id, sources[posting.bucket_id], posting.amount)
            for posting in paid.postings
            if posting.source is Place.HELD and posting.bucket_id is not None
        )

    # --- of all of them ---------------------------------------------------------------------------------

    def _more(self, key: KeyBook, epoch: Epoch, amount: NanoUsd, minimum: NanoUsd) -> Funding:
        """Return what more there is, up to `amount`; nothing is an answer where nothing is the minimum."""
        buckets = list(self.buckets.values())
        # The day may be over: when its limit began again is behind us, and no time to wait for.
        resets_at = period_ends_at(key.key.limits.period, self.epoch)
        room = replace(key.headroom(epoch), resets_at=resets_at)
        if minimum > 0:
            return fund_hold(
                buckets, room, amount=amount, minimum=minimum, now=self.now, resets_at=ends_at(self.epoch)
            )
        live = spendable(buckets, self.now)
        everything = total(draw(live, room, NanoUsd(sum(bucket.available for bucket in live))))
        parts = draw(live, room, amount)
        return Funding(parts, is_final=total(parts) == everything)

    def _charge_at_once(self, hold: Hold, usage: Usage) -> None:
        postings = tuple(
            Posting(part.bucket_id, Place.AVAILABLE, Place.CONSUMED, part.amount) for part in hold.parts
        )
        self._book(Entry(f"charge:{hold.id}", EntryKind.CHARGE, self.account_id, hold.epoch, postings))
        self.keys[hold.key_id].count(hold.epoch, self.now, spent=hold.parts)
        self.usage.append(UsageLine.of(hold, 1, hold.request_id, usage, hold.parts, NOTHING))

    def _give_back(self, hold: Hold, state: HoldState) -> Hold:
        postings = release_postings(hold.parts, self.buckets.values(), self.now)
        kind = EntryKind.RELEASE if state is HoldState.RELEASED else EntryKind.EXPIRE_HOLD
        self._book(book_end(kind, self.account_id, hold.epoch, hold.id, postings))
        # Not a use of the key: its time stays.
        self.keys[hold.key_id].count(hold.epoch, hold.created_at, given_back=hold.parts)
        return self._keep(replace(hold, state=state, ended_at=self.now))

    def _new(
        self,
        gateway_id: int,
        key_id: str,
        request: HoldRequest,
        hold_id: str,
        funding: Funding,
        refusal: Refusal | None = None,
    ) -> Hold:
        """Return the hold that a request gets; one that is charged at once has ended with it."""
        amount = total(funding.parts)
        is_charged = request.kind is HoldKind.CHARGE and refusal is None
        expires_at = self.now if is_charged else self.now + request.ttl
        if request.kind is HoldKind.LEASE:
            expires_at = min(expires_at, ends_at(self.epoch))
        state = HoldState.CAPTURED if is_charged else HoldState.OPEN
        return Hold(
            id=hold_id,
            account_id=self.account_id,
            key_id=key_id,
            gateway_id=gateway_id,
            request_id=request.request_id,
            state=state if refusal is None else HoldState.REFUSED,
            epoch=self.epoch,
            amount=amount,
            is_final=funding.is_final,
            captured=amount if is_charged else NOTHING,
            shortfall=NOTHING,
            created_at=self.now,
            expires_at=expires_at,
            charged_at=self.now if is_charged else None,
            kind=request.kind,
            parts=funding.parts,
            fingerprint=request.fingerprint(),
            model=request.model,
            ended_at=self.now if is_charged else None,
            refusal=refusal,
        )

    def _count_request(self, key: KeyBook) -> None:
        until = count_request(self.rates.account, self.rate_until, self.micros, of="account")
        key.rate_until = count_request(self.rates.key, key.rate_until, self.micros, of="key")
        key.touch(self.epoch, self.now)
        self.rate_until = until
        self.is_rate_changed = True

    def _keep_new(self, hold: Hold) -> None:
        self.holds[hold.id] = hold
        self.made.add(hold.id)

    def _keep(self, hold: Hold) -> Hold:
        self.holds[hold.id] = hold
        if hold.id not in self.made:
            self.changed.add(hold.id)
        return hold

    def _book_step(self, hold: Hold, kind: EntryKind, step: int, postings: tuple[Posting, ...]) -> None:
        self._book(book_step(kind, self.account_id, hold.epoch, hold.id, step, postings))

    def _book(self, entry: Entry) -> None:
        # A capture of nothing from an expired hold moves nothing, and an entry without postings says nothing.
        if not entry.postings:
            return
        for posting in entry.postings:
            if posting.bucket_id is not None:
                bucket = self.buckets[posting.bucket_id]
                self.buckets[bucket.id] = bucket.after(posting.source, posting.target, posting.amount)
        self.entries.append(entry)


def check_is_hold(hold: Hold) -> None:
    """Raise UnknownHold for a lease: it is renewed or returned."""
    if hold.kind is HoldKind.LEASE:
        raise errors.UnknownHold(hold=hold.id)


def _split(parts: Iterable[Part], kept: NanoUsd) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
    """Return the first `kept` of `parts`, which are spent first, and the rest."""
    first: list[Part] = []
    rest: list[Part] = []
    wanted = kept
    for part in parts:
        taken = NanoUsd(min(wanted, part.amount))
        wanted = NanoUsd(wanted - taken)
        if taken:
            first.append(Part(part.bucket_id, part.source, taken))
        if taken < part.amount:
            rest.append(Part(part.bucket_id, part.source, NanoUsd(part.amount - taken)))
    return tuple(first), tuple(rest)
