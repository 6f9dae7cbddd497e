"""What an account has left: the figures that go with every answer about credit."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from entitlement.core.epochs import Epoch, ends_at, epoch_at
from entitlement.core.ledger import Source
from entitlement.core.units import NanoUsd
from entitlement.store import ledger


@dataclass(frozen=True, slots=True)
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


def read_balance(session: Session, account_id: int, now: int) -> Balance:
    """Return the account's balance at `now`."""
    found = ledger.bucket_totals(session, account_id, now=now)
    epoch = epoch_at(now)
    today = [each for each in found if each.bucket.source is Source.DIEM and each.bucket.epoch == epoch]
    available = sum(each.bucket.available for each in found)
    diem = sum(each.bucket.available for each in today)
    shared = sum(each.bucket.available for each in found if each.bucket.source is Source.PRO_RATA)
    return Balance(
        available=NanoUsd(available),
        held=NanoUsd(sum(each.bucket.held for each in found)),
        diem=NanoUsd(diem),
        usd=NanoUsd(available - diem),
        pro_rata=NanoUsd(shared),
        epoch=epoch,
        resets_at=ends_at(epoch),
        granted=NanoUsd(sum(each.granted for each in today)),
        spent=NanoUsd(sum(each.consumed for each in today)),
    )
