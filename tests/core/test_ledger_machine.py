"""A machine that grants, holds, captures, releases, waits and lets things expire in any order.

It books as the flows do, keeps ghosts of what must have happened, and closes the books after every step.
"""

import os
from dataclasses import dataclass, replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from entitlement.core.epochs import Epoch, ends_at, epoch_at, starts_at
from entitlement.core.errors import InsufficientCredit, KeyLimitReached
from entitlement.core.holds import LATE_CAPTURE_SECONDS, HoldState
from entitlement.core.ledger import (
    Bucket,
    Entry,
    EntryKind,
    Part,
    Place,
    Source,
    available,
    balances,
    book_end,
    book_expiry,
    book_grant,
    book_hold,
    book_late_capture,
    currency_of,
    fund_hold,
    release_postings,
    settle_capture,
    settle_late_capture,
    total,
)
from entitlement.core.limits import Currency, Headroom, KeyLimits, headroom
from entitlement.core.units import NanoUsd

TTL = 600
START = starts_at(Epoch(20_000)) + 80_000
amounts = st.integers(min_value=1, max_value=1_000).map(NanoUsd)
picks = st.integers(min_value=0, max_value=10**6)
OPEN, EXPIRED = {HoldState.OPEN}, {HoldState.EXPIRED}


@dataclass
class Ghost:
    """A hold as this test remembers it."""

    id: str
    parts: tuple[Part, ...]
    epoch: Epoch
    expires_at: int
    state: HoldState = HoldState.OPEN
    captured: NanoUsd | None = None
    ends: int = 0


class LedgerMachine(RuleBasedStateMachine):
    @initialize(diem=st.none() | amounts, usd=st.none() | amounts)
    def begin(self, diem: NanoUsd | None, usd: NanoUsd | None) -> None:
        self.now = START
        self.limits = KeyLimits(diem=diem, usd=usd)
        self.buckets: dict[int, Bucket] = {}
        self.granted: dict[int, NanoUsd] = {}
        self.entries: dict[str, Entry] = {}
        self.holds: list[Ghost] = []
        self.used: dict[tuple[Epoch, Currency], int] = {}
        self.captured, self.shortfall = 0, 0

    # --- what happens ----------------------------------------------------------------------------------

    @rule(source=st.sampled_from(Source), more=amounts)
    def grant(self, source: Source, more: NanoUsd) -> None:
        epoch = None if source is Source.PREPAID else self.today
        same = [each for each in self.buckets.values() if (each.source, each.epoch) == (source, epoch)]
        bucket = same[0] if same else None
        if bucket is None:
            expires_at = None if epoch is None else ends_at(epoch)
            bucket = Bucket(len(self.buckets), source, epoch, expires_at, NanoUsd(0), NanoUsd(0))
            self.buckets[bucket.id], self.granted[bucket.id] = bucket, NanoUsd(0)
        before = self.granted[bucket.id]
        self.granted[bucket.id] = NanoUsd(before + more)
        self.book(book_grant(1, self.today, bucket, granted=before, up_to=self.granted[bucket.id]))

    @rule(amount=amounts, share=st.integers(min_value=1, max_value=100))
    def hold(self, amount: NanoUsd, share: int) -> None:
        minimum = NanoUsd(max(1, amount * share // 100))
        there_is = available(self.buckets.values(), self.now)
        try:
            funding = fund_hold(
                list(self.buckets.values()),
                self.room(self.today),
                amount=amount,
                minimum=minimum,
                now=self.now,
                resets_at=ends_at(self.today),
            )
        except (InsufficientCredit, KeyLimitReached) as refusal:
            self.check_refusal(refusal, minimum, there_is)
            return
        assert minimum <= total(funding.parts) <= amount
        ghost = Ghost(f"hold_{len(self.holds)}", funding.parts, self.today, self.now + TTL)
        self.holds.append(ghost)
        self.book(book_hold(1, self.today, ghost.id, funding.parts))
        self.use(ghost.epoch, funding.parts)

    @precondition(lambda self: self.having(OPEN | EXPIRED))
    @rule(pick=picks, amount=st.integers(min_value=0, max_value=1_500).map(NanoUsd))
    def capture(self, pick: int, amount: NanoUsd) -> None:
        self.expire_holds()
        chargeable = self.having(OPEN | EXPIRED)
        ghost = chargeable[pick % len(chargeable)]
        is_late = ghost.state is HoldState.EXPIRED
        if is_late and self.now >= ghost.expires_at + LATE_CAPTURE_SECONDS:
            return
        settle = settle_late_capture if is_late else settle_capture
        settled = settle(
            ghost.parts, list(self.buckets.values()), self.room(ghost.epoch), amount=amount, now=self.now
        )
        if is_late:
            entry = book_late_capture(1, ghost.epoch, ghost.id, settled.postings)
        else:
            entry = book_end(EntryKind.CAPTURE, 1, ghost.epoch, ghost.id, settled.postings)
            self.use(ghost.epoch, ghost.parts, sign=-1)
            self.end(ghost, HoldState.CAPTURED)
        self.book(entry)
        self.use(ghost.epoch, settled.paid)
        ghost.captured = total(settled.paid)
        self.captured += total(settled.paid)
        self.shortfall += settled.shortfall
        assert total(settled.paid) + settled.shortfall == amount

    @precondition(lambda self: self.having(OPEN))
    @rule(pick=picks)
    def release(self, pick: int) -> None:
        waiting = self.having(OPEN)
        self.give_back(waiting[pick % len(waiting)], EntryKind.RELEASE, HoldState.RELEASED)

    @rule()
    def expire_holds(self) -> None:
        for ghost in self.having(OPEN):
            if self.now >= ghost.expires_at:
                self.give_back(ghost, EntryKind.EXPIRE_HOLD, HoldState.EXPIRED)

    @rule()
    def expire_buckets(self) -> None:
        for bucket in list(self.buckets.values()):
            if not bucket.is_live(self.now) and bucket.available > 0:
                self.book(book_expiry(1, self.today, bucket))

    @rule(seconds=st.sampled_from([1, TTL - 1, TTL, LATE_CAPTURE_SECONDS]))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    @rule()
    def midnight(self) -> None:
        self.now = ends_at(self.today)

    # --- what must hold --------------------------------------------------------------------------------

    @invariant()
    def books_close(self) -> None:
        folded = balances(posting for entry in self.entries.values() for posting in entry.postings)
        assert sum(folded.values()) == 0
        for bucket in self.buckets.values():
            assert folded.get((bucket.id, Place.AVAILABLE), 0) == bucket.available >= 0
            on_hold = [part for part in self.on_hold() if part.bucket_id == bucket.id]
            assert folded.get((bucket.id, Place.HELD), 0) == bucket.held == total(on_hold)
            assert -folded[bucket.id, Place.ISSUED] == self.granted[bucket.id]
        consumed = sum(amount for (_, place), amount in folded.items() if place is Place.CONSUMED)
        assert consumed == self.captured + self.shortfall
        assert folded.get((None, Place.OPERATOR), 0) == -self.shortfall

    @invariant()
    def no_key_limit_is_overspent(self) -> None:
        for (_, currency), used in self.used.items():
            limit = self.limits.diem if currency is Currency.DIEM else self.limits.usd
            assert used >= 0
            assert limit is None or used <= limit

    @invariant()
    def a_hold_ends_once(self) -> None:
        for ghost in self.holds:
            assert ghost.ends == (0 if ghost.state is HoldState.OPEN else 1)

    @staticmethod
    def check_refusal(refusal: InsufficientCredit | KeyLimitReached, minimum: int, there_is: int) -> None:
        assert refusal.available < minimum
        assert isinstance(refusal, KeyLimitReached) is (there_is >= minimum), "the reason is the true one"

    # --- how ---------------------------------------------------------------------------------------------

    @property
    def today(self) -> Epoch:
        return epoch_at(self.now)

    def on_hold(self) -> list[Part]:
        return [part for ghost in self.having(OPEN) for part in ghost.parts]

    def having(self, states: set[HoldState]) -> list[Ghost]:
        return [ghost for ghost in self.holds if ghost.state in states and ghost.captured is None]

    def room(self, epoch: Epoch) -> Headroom:
        used = {currency: NanoUsd(self.used.get((epoch, currency), 0)) for currency in Currency}
        return headroom(self.limits, diem_used=used[Currency.DIEM], usd_used=used[Currency.USD], epoch=epoch)

    def use(self, epoch: Epoch, parts: tuple[Part, ...], *, sign: int = 1) -> None:
        for part in parts:
            key = (epoch, currency_of(part.source))
            self.used[key] = self.used.get(key, 0) + sign * part.amount

    def give_back(self, ghost: Ghost, kind: EntryKind, state: HoldState) -> None:
        postings = release_postings(ghost.parts, self.buckets.values(), self.now)
        self.book(book_end(kind, 1, ghost.epoch, ghost.id, postings))
        self.use(ghost.epoch, ghost.parts, sign=-1)
        self.end(ghost, state)

    @staticmethod
    def end(ghost: Ghost, state: HoldState) -> None:
        ghost.state = state
        ghost.ends += 1

    def book(self, entry: Entry) -> None:
        assert entry.key not in self.entries, f"{entry.key} is booked twice"
        assert all(posting.amount > 0 for posting in entry.postings)
        self.entries[entry.key] = entry
        for (number, place), change in balances(entry.postings).items():
            if number is not None and place in (Place.AVAILABLE, Place.HELD):
                bucket = self.buckets[number]
                self.buckets[number] = replace(bucket, **{place.value: getattr(bucket, place.value) + change})


LedgerMachine.TestCase.settings = settings(
    max_examples=int(os.environ.get("SEEDS", "20")), stateful_step_count=30, deadline=None
)
test_the_books_close_whatever_happens_in_whatever_order = LedgerMachine.TestCase
