"""The ledger's rules: where credit can be, how it moves, and in which order it is spent.

    issued --grant--> available --hold--> held --capture--> consumed
                        |   ^               |
                 expire |   +----release----+----------------> expired   (release after the bucket's epoch)
                        v
                     expired            operator --shortfall--> consumed

Credit moves between places and is never set. Every posting takes from one place what it gives to another, so
that all places always sum to zero; `issued` and `operator` are the two that may be negative. `available` and
`held` exist once for each bucket; the balance of a bucket is the fold of its postings.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum

from entitlement.core.epochs import Epoch, ends_at
from entitlement.core.errors import InsufficientCredit, KeyLimitReached
from entitlement.core.limits import Currency, Headroom
from entitlement.core.record import record
from entitlement.core.units import NanoUsd

NOTHING = NanoUsd(0)


class Source(StrEnum):
    """Why credit was granted."""

    DIEM = "diem"
    """The daily right of staked DIEM; gone at the end of its epoch."""
    PRO_RATA = "pro_rata"
    """A share of a configured daily capacity by staked VVV; gone at the end of its epoch."""
    MEMBERSHIP = "membership"
    """Bundled with a membership; expires with its month."""
    PREPAID = "prepaid"
    """Paid for in US dollars; does not expire."""


ORDER_OF_SPENDING = (Source.DIEM, Source.PRO_RATA, Source.MEMBERSHIP, Source.PREPAID)
"""What is lost soonest is spent first."""


def currency_of(source: Source) -> Currency:
    """Return the currency that spending from `source` counts as in a key's limits."""
    return Currency.DIEM if source is Source.DIEM else Currency.USD


class Place(StrEnum):
    """Where credit can be."""

    ISSUED = "issued"
    AVAILABLE = "available"
    HELD = "held"
    CONSUMED = "consumed"
    EXPIRED = "expired"
    OPERATOR = "operator"


MOVES = (
    (Place.ISSUED, Place.AVAILABLE),
    (Place.AVAILABLE, Place.ISSUED),
    (Place.AVAILABLE, Place.HELD),
    (Place.HELD, Place.AVAILABLE),
    (Place.HELD, Place.CONSUMED),
    (Place.HELD, Place.EXPIRED),
    (Place.AVAILABLE, Place.CONSUMED),
    (Place.CONSUMED, Place.AVAILABLE),
    (Place.AVAILABLE, Place.EXPIRED),
    (Place.OPERATOR, Place.CONSUMED),
)
"""Every way that credit can go. Back to `issued` and out of `consumed` are reversals."""


@record
class Bucket:
    """One grant's balance. `available` and `held` are what this ledger guards: neither is ever below zero."""

    id: int
    source: Source
    epoch: Epoch | None
    """The day it belongs to; None for credit that is not daily."""
    expires_at: int | None
    """Unix time from which it can no longer be spent; None for never."""
    available: NanoUsd
    held: NanoUsd
    granted: NanoUsd = NOTHING
    consumed: NanoUsd = NOTHING
    expired: NanoUsd = NOTHING

    def is_live(self, now: int) -> bool:
        """Tell whether it can be spent at Unix time `now`."""
        return self.expires_at is None or now < self.expires_at

    def after(self, source: "Place", target: "Place", amount: NanoUsd) -> "Bucket":
        """Return it after a posting. Raises AssertionError where a place would fall below zero."""
        places = {
            Place.AVAILABLE: self.available,
            Place.HELD: self.held,
            Place.CONSUMED: self.consumed,
            Place.EXPIRED: self.expired,
        }
        granted = self.granted
        if source is Place.ISSUED:
            granted = NanoUsd(granted + amount)
        else:
            assert places[source] >= amount, f"bucket {self.id} has {places[source]} {source}, not {amount}"
            places[source] = NanoUsd(places[source] - amount)
        if target is Place.ISSUED:
            granted = NanoUsd(granted - amount)
        else:
            places[target] = NanoUsd(places[target] + amount)
        available, held, consumed, expired = places.values()
        return Bucket(
            self.id, self.source, self.epoch, self.expires_at, available, held, granted, consumed, expired
        )


@record
class Posting:
    """`amount` nano-USD from one place to another; the sign is never a meaning."""

    bucket_id: int | None
    """None only where no bucket takes part: a shortfall."""
    source: Place
    target: Place
    amount: NanoUsd


class EntryKind(StrEnum):
    """What an entry books."""

    GRANT = "grant"
    HOLD = "hold"
    CAPTURE = "capture"
    RELEASE = "release"
    EXPIRE_HOLD = "expire_hold"
    LATE_CAPTURE = "late_capture"
    EXTEND = "extend"
    """More is set aside for a hold."""
    CHARGE = "charge"
    """Held and captured at once."""
    RENEW = "renew"
    """A lease: what was spent of it is charged, and what remains of it is raised or lowered."""
    EXPIRE_BUCKET = "expire_bucket"
    TOP_UP = "top_up"
    MEMBERSHIP = "membership"
    UPGRADE = "upgrade"
    ADMIN_GRANT = "admin_grant"
    REFUND = "refund"
    CORRECTION = "correction"


@record
class Entry:
    """One booking of an account, all of it or nothing. Its key is unique in the journal."""

    key: str
    kind: EntryKind
    account_id: int
    epoch: Epoch
    """The day it is booked on."""
    postings: tuple[Posting, ...]


@record
class Part:
    """What one bucket gives to a hold, and what of it was captured."""

    bucket_id: int
    source: Source
    amount: NanoUsd


@record
class Funding:
    """What pays for a hold, in the order of spending."""

    parts: tuple[Part, ...]
    is_final: bool
    """Whether this is the last credit that the key can spend now."""


@record
class Settlement:
    """How a capture is paid: postings, what each bucket paid, and what nobody could pay."""

    postings: tuple[Posting, ...]
    paid: tuple[Part, ...]
    shortfall: NanoUsd


def spendable(buckets: Iterable[Bucket], now: int) -> list[Bucket]:
    """Return the live buckets in the order of spending: by source, then what expires first, then oldest."""
    live = [bucket for bucket in buckets if bucket.is_live(now)]
    return sorted(
        live,
        key=lambda bucket: (
            ORDER_OF_SPENDING.index(bucket.source),
            bucket.expires_at is None,
            bucket.expires_at or 0,
            bucket.id,
        ),
    )


def available(buckets: Iterable[Bucket], now: int) -> NanoUsd:
    """Return what can be spent at `now`, before any key's limit."""
    return NanoUsd(sum(bucket.available for bucket in buckets if bucket.is_live(now)))


def credit_of(buckets: Sequence[Bucket], now: int) -> NanoUsd:
    """Return what can be spent at `now`, and what is held."""
    return NanoUsd(available(buckets, now) + sum(bucket.held for bucket in buckets))


def fund_hold(
    buckets: Sequence[Bucket],
    headroom: Headroom,
    *,
    amount: NanoUsd,
    minimum: NanoUsd,
    now: int,
    resets_at: int,
) -> Funding:
    """Return what each bucket gives to a hold of `amount`, or of as much as there is from `minimum` up.

    Raises `InsufficientCredit` where the account cannot pay the minimum, `KeyLimitReached` where it could and
    only the key's limit forbids it; `resets_at` is when the day's credit returns.
    """
    assert 0 < minimum <= amount
    live = spendable(buckets, now)
    parts = draw(live, headroom, amount)
    funded = total(parts)
    if funded >= minimum:
        everything = draw(live, headroom, NanoUsd(sum(bucket.available for bucket in live)))
        return Funding(parts, is_final=funded == total(everything))
    there_is = available(buckets, now)
    if there_is < minimum:
        raise InsufficientCredit(wanted=minimum, available=there_is, resets_at=resets_at)
    limit = next(currency for currency in Currency if _is_cut(live, headroom, currency))
    raise KeyLimitReached(
        limit=limit, period=headroom.period, wanted=minimum, available=funded, resets_at=headroom.resets_at
    )


def draw(buckets: Sequence[Bucket], headroom: Headroom, amount: NanoUsd) -> tuple[Part, ...]:
    """Take up to `amount` from `buckets`, in their order, within a key's headroom in each currency."""
    parts: list[Part] = []
    wanted = amount
    room = headroom
    for bucket in buckets:
        currency = currency_of(bucket.source)
        taken = NanoUsd(min(wanted, bucket.available, room.left(currency, wanted)))
        if taken > 0:
            parts.append(Part(bucket.id, bucket.source, taken))
            wanted = NanoUsd(wanted - taken)
            room = room.after(currency, taken)
    return tuple(parts)


def settle_capture(
    parts: Sequence[Part], buckets: Sequence[Bucket], headroom: Headroom, *, amount: NanoUsd, now: int
) -> Settlement:
    """Charge `amount` to a hold's `parts`, give back the rest, and find the payer of an overrun.

    What the hold does not cover is taken from what is available now within the key's limits, and what even
    that does not cover is the operator's shortfall, never a negative balance. `buckets` are all that the
    parts name and all that is live; `headroom` is what the key has left beside this hold.
    """
    by_id = {bucket.id: bucket for bucket in buckets}
    postings: list[Posting] = []
    paid: list[Part] = []
    due = amount
    for part in parts:
        charged = NanoUsd(min(due, part.amount))
        due = NanoUsd(due - charged)
        if charged:
            postings.append(Posting(part.bucket_id, Place.HELD, Place.CONSUMED, charged))
            paid.append(Part(part.bucket_id, part.source, charged))
        if charged < part.amount:
            postings.append(_give_back(by_id[part.bucket_id], NanoUsd(part.amount - charged), now))
    if due:
        over_postings, over_paid, due = settle_overrun(buckets, headroom, amount=due, now=now)
        postings += over_postings
        paid += over_paid
    return Settlement(tuple(postings), tuple(paid), due)


def settle_lease(
    parts: Sequence[Part], buckets: Sequence[Bucket], headroom: Headroom, *, amount: NanoUsd, now: int
) -> tuple[Settlement, tuple[Part, ...]]:
    """Charge `amount` to a lease, an overrun as `settle_capture` does; return what remains of `parts` too."""
    postings: list[Posting] = []
    paid: list[Part] = []
    rest: list[Part] = []
    due = amount
    for part in parts:
        charged = NanoUsd(min(due, part.amount))
        due = NanoUsd(due - charged)
        if charged:
            postings.append(Posting(part.bucket_id, Place.HELD, Place.CONSUMED, charged))
            paid.append(Part(part.bucket_id, part.source, charged))
        if charged < part.amount:
            rest.append(Part(part.bucket_id, part.source, NanoUsd(part.amount - charged)))
    if due:
        over_postings, over_paid, due = settle_overrun(buckets, headroom, amount=due, now=now)
        postings += over_postings
        paid += over_paid
    return Settlement(tuple(postings), tuple(paid), due), tuple(rest)


def settle_overrun(
    buckets: Sequence[Bucket], headroom: Headroom, *, amount: NanoUsd, now: int
) -> tuple[list[Posting], tuple[Part, ...], NanoUsd]:
    """Take `amount` from what is available within the key's limits; what is not, the operator pays.

    Returns the postings, what each bucket paid, and the shortfall.
    """
    paid = draw(spendable(buckets, now), headroom, amount)
    postings = [Posting(part.bucket_id, Place.AVAILABLE, Place.CONSUMED, part.amount) for part in paid]
    shortfall = NanoUsd(amount - total(paid))
    if shortfall:
        postings.append(shortfall_posting(shortfall))
    return postings, paid, shortfall


def settle_late_capture(
    parts: Sequence[Part], buckets: Sequence[Bucket], headroom: Headroom, *, amount: NanoUsd, now: int
) -> Settlement:
    """Charge `amount` for a hold that has expired: what its own buckets still have, the rest is shortfall."""
    own = {part.bucket_id for part in parts}
    mine = [bucket for bucket in buckets if bucket.id in own]
    postings, paid, shortfall = settle_overrun(mine, headroom, amount=amount, now=now)
    return Settlement(tuple(postings), paid, shortfall)


def daily_bucket(bucket_id: int, source: Source, epoch: Epoch) -> Bucket:
    """Return a day's bucket before anything was granted."""
    return Bucket(bucket_id, source, epoch, ends_at(epoch), NOTHING, NOTHING)


def book_grant(account_id: int, epoch: Epoch, bucket: Bucket, *, granted: NanoUsd, up_to: NanoUsd) -> Entry:
    """Return the entry that raises a bucket's grant from `granted` to `up_to`.

    The key names the sum it is raised to: a repetition is the same entry, a further raise is another.
    """
    assert granted < up_to
    return Entry(
        key=f"grant:{account_id}:{bucket.source}:{bucket.epoch}:{up_to}",
        kind=EntryKind.GRANT,
        account_id=account_id,
        epoch=epoch,
        postings=(Posting(bucket.id, Place.ISSUED, Place.AVAILABLE, NanoUsd(up_to - granted)),),
    )


def book_hold(account_id: int, epoch: Epoch, hold_id: str, parts: Iterable[Part]) -> Entry:
    """Return the entry that sets `parts` aside."""
    return Entry(f"hold:{hold_id}", EntryKind.HOLD, account_id, epoch, held_postings(parts))


def held_postings(parts: Iterable[Part]) -> tuple[Posting, ...]:
    """Return the postings that set `parts` aside."""
    return tuple(Posting(part.bucket_id, Place.AVAILABLE, Place.HELD, part.amount) for part in parts)


def book_end(
    kind: EntryKind, account_id: int, epoch: Epoch, hold_id: str, postings: tuple[Posting, ...]
) -> Entry:
    """Return the entry that ends a hold: captured, released or expired share one key, so it ends once."""
    assert kind in (EntryKind.CAPTURE, EntryKind.RELEASE, EntryKind.EXPIRE_HOLD)
    return Entry(f"end:{hold_id}", kind, account_id, epoch, postings)


def book_late_capture(account_id: int, epoch: Epoch, hold_id: str, postings: tuple[Posting, ...]) -> Entry:
    """Return the entry that charges a hold which had expired before its capture came."""
    return Entry(f"late:{hold_id}", EntryKind.LATE_CAPTURE, account_id, epoch, postings)


def book_step(
    kind: EntryKind, account_id: int, epoch: Epoch, hold_id: str, step: int, postings: tuple[Posting, ...]
) -> Entry:
    """Return an entry between a hold's beginning and its end: more is set aside, or a part is charged."""
    return Entry(f"step:{hold_id}:{step}", kind, account_id, epoch, postings)


def merge_parts(parts: Iterable[Part]) -> tuple[Part, ...]:
    """Return `parts` with each bucket once, in the order in which they first stand."""
    merged: dict[int, Part] = {}
    for part in parts:
        known = merged.get(part.bucket_id)
        amount = part.amount if known is None else NanoUsd(known.amount + part.amount)
        merged[part.bucket_id] = Part(part.bucket_id, part.source, amount)
    return tuple(merged.values())


def book_expiry(account_id: int, epoch: Epoch, bucket: Bucket) -> Entry:
    """Return the entry that ends what is left in a bucket whose time has passed."""
    posting = Posting(bucket.id, Place.AVAILABLE, Place.EXPIRED, bucket.available)
    return Entry(f"expire:{bucket.id}", EntryKind.EXPIRE_BUCKET, account_id, epoch, (posting,))


def release_postings(parts: Iterable[Part], buckets: Iterable[Bucket], now: int) -> tuple[Posting, ...]:
    """Return the postings that give a whole hold back; to `expired` where the bucket's time has passed."""
    by_id = {bucket.id: bucket for bucket in buckets}
    return tuple(_give_back(by_id[part.bucket_id], part.amount, now) for part in parts)


def shortfall_posting(amount: NanoUsd) -> Posting:
    """Return the posting by which the operator pays what no bucket could."""
    return Posting(None, Place.OPERATOR, Place.CONSUMED, amount)


def total(parts: Iterable[Part]) -> NanoUsd:
    """Return the sum of `parts`."""
    return NanoUsd(sum(part.amount for part in parts))


def balances(postings: Iterable[Posting]) -> dict[tuple[int | None, Place], int]:
    """Fold postings into what each bucket has in each place; the values sum to zero."""
    folded: dict[tuple[int | None, Place], int] = {}
    for posting in postings:
        source, target = (posting.bucket_id, posting.source), (posting.bucket_id, posting.target)
        folded[source] = folded.get(source, 0) - posting.amount
        folded[target] = folded.get(target, 0) + posting.amount
    return folded


def _is_cut(buckets: Iterable[Bucket], headroom: Headroom, currency: Currency) -> bool:
    there_is = NanoUsd(sum(bucket.available for bucket in buckets if currency_of(bucket.source) is currency))
    return headroom.left(currency, there_is) < there_is


def _give_back(bucket: Bucket, amount: NanoUsd, now: int) -> Posting:
    target = Place.AVAILABLE if bucket.is_live(now) else Place.EXPIRED
    return Posting(bucket.id, Place.HELD, target, amount)


# --- what was paid for, and what a person adjusts ------------------------------------------------------


def book_purchase(
    account_id: int, epoch: Epoch, bucket: Bucket, *, transaction_hash: str, number: int, amount: NanoUsd
) -> Entry:
    """Return the entry that grants what was bought; its key names the log, by its transaction."""
    return Entry(
        key=f"top_up:{transaction_hash}:{account_id}:{number}",
        kind=EntryKind.TOP_UP,
        account_id=account_id,
        epoch=epoch,
        postings=(Posting(bucket.id, Place.ISSUED, Place.AVAILABLE, amount),),
    )


def book_month(
    account_id: int, epoch: Epoch, bucket: Bucket, *, provider: str, tier: int, ends_at: int, amount: NanoUsd
) -> Entry:
    """Return the entry that grants what a month of a membership bundles."""
    return Entry(
        key=f"membership:{account_id}:{provider}:{tier}:{ends_at}",
        kind=EntryKind.MEMBERSHIP,
        account_id=account_id,
        epoch=epoch,
        postings=(Posting(bucket.id, Place.ISSUED, Place.AVAILABLE, amount),),
    )


def book_adjustment(
    kind: EntryKind, account_id: int, epoch: Epoch, reference: str, postings: tuple[Posting, ...]
) -> Entry:
    """Return the entry by which a person grants, refunds or corrects."""
    assert kind in (EntryKind.ADMIN_GRANT, EntryKind.REFUND, EntryKind.CORRECTION, EntryKind.UPGRADE)
    return Entry(f"adjust:{reference}", kind, account_id, epoch, postings)


def grant_posting(bucket: Bucket, amount: NanoUsd) -> Posting:
    """Return the posting that issues credit into a bucket."""
    return Posting(bucket.id, Place.ISSUED, Place.AVAILABLE, amount)


def refund_posting(bucket: Bucket, amount: NanoUsd) -> Posting:
    """Return the posting that takes credit back which nobody has spent or holds."""
    assert 0 < amount <= bucket.available, "the flow looks first"
    return Posting(bucket.id, Place.AVAILABLE, Place.ISSUED, amount)


def correction_postings(consumed: Sequence[tuple[Bucket, NanoUsd]], amount: NanoUsd) -> tuple[Posting, ...]:
    """Return the postings that give back `amount` of what was charged, last spent first.

    `consumed` are buckets in the order of spending with what was charged to each, together at least `amount`.
    """
    postings: list[Posting] = []
    due = amount
    for bucket, charged in reversed(consumed):
        given = NanoUsd(min(due, charged))
        if given:
            postings.append(Posting(bucket.id, Place.CONSUMED, Place.AVAILABLE, given))
            due = NanoUsd(due - given)
    assert due == 0, "the flow looks first"
    return tuple(postings)
