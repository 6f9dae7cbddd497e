"""What an account has left: the figures that go with every answer about credit."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from entitlement.core.epochs import Epoch, ends_at, epoch_at
from entitlement.core.ledger import Bucket, Source, spendable
from entitlement.core.record import record
from entitlement.core.units import NanoUsd


@record
class Balance:
    """Credit of an account in nano-USD, as of the transaction that read it."""

    available: NanoUsd
    """What can be spent now, of all sources."""
    held: NanoUsd
    """What is set aside for requests under way."""
    diem: NanoUsd
    """The part of `available` that is the day's DIEM credit."""
    usd: NanoUsd
    """The rest of `available`."""
    pro_rata: NanoUsd
    """The part of `usd` that is the day's share of a pro-rata capacity, and ends with the epoch."""
    epoch: Epoch
    resets_at: int
    """Unix time at which the day's credit returns."""
    granted: NanoUsd
    """DIEM credit granted in this epoch."""
    spent: NanoUsd
    """What was captured from this epoch's DIEM credit."""


@dataclass(frozen=True, slots=True)
class CreditPart:
    """What one source has in an account, of one end."""

    source: Source
    available: NanoUsd
    held: NanoUsd
    expires_at: int | None
    """Unix time from which it can no longer be spent; None for never."""


def credit_parts(buckets: Sequence[Bucket], now: int) -> list[CreditPart]:
    """Return what can be spent or is set aside at `now`, in the order of spending; nothing that is empty.

    Before it what open holds keep of credit whose time has passed.
    """
    over = (bucket for bucket in buckets if bucket.held and not bucket.is_live(now))
    return [
        *(CreditPart(bucket.source, NanoUsd(0), bucket.held, bucket.expires_at) for bucket in over),
        *(
            CreditPart(bucket.source, bucket.available, bucket.held, bucket.expires_at)
            for bucket in spendable(buckets, now)
            if bucket.available or bucket.held
        ),
    ]


def balance_of(buckets: Iterable[Bucket], now: int) -> Balance:
    """Return the balance of an account with these buckets at `now`."""
    epoch = epoch_at(now)
    available = held = diem = shared = granted = spent = 0
    for bucket in buckets:
        # Of a day that is over too: a hold keeps the credit of the day that it was made in.
        held += bucket.held
        if not bucket.is_live(now):
            continue
        available += bucket.available
        if bucket.source is Source.PRO_RATA:
            shared += bucket.available
        elif bucket.source is Source.DIEM and bucket.epoch == epoch:
            diem += bucket.available
            granted += bucket.granted
            spent += bucket.consumed
    return Balance(
        available=NanoUsd(available),
        held=NanoUsd(held),
        diem=NanoUsd(diem),
        usd=NanoUsd(available - diem),
        pro_rata=NanoUsd(shared),
        epoch=epoch,
        resets_at=ends_at(epoch),
        granted=NanoUsd(granted),
        spent=NanoUsd(spent),
    )
