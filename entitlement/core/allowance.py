"""Allowance: what the chain gives an account in an epoch.

The contract states a slot (epoch, current, next). Until it speaks again, `next` holds from the following day:

    slot (5, current 3, next 1)     epoch  4   5   6   7 ...
                                    right  ?   3   1   1

Just after midnight the final head still lies in yesterday. Until it has passed 00:00 an account gets the
smaller of what the final state and the newest state say, so that an exit requested in the last minutes of
the day is not paid for; finality then tops up what was held back. Nobody waits, nothing is over-issued.

That rests on seeing the day end. Where even the newest block that is known lies long before midnight, since
the node failed or following has stopped, stake may have left unseen: then nothing is granted until following
goes on.
"""

from entitlement.core.epochs import Epoch, starts_at
from entitlement.core.positions import NO_WEI, Slot
from entitlement.core.units import NanoUsd, Wei, nano_usd_down

SMALLEST_RIGHT = Wei(10**17)
"""0.1 DIEM: less than this staked gives no credit (the live system's rule)."""

BLIND_SECONDS_MAX = 3_600
"""How long before midnight the newest known block may lie. A chain that halts or a node that fails for less
costs nobody a day's credit; at the worst, the exits of that time are paid for once."""


def right_in(slot: Slot, epoch: Epoch) -> Wei:
    """Return the DIEM wei whose daily right a slot gives in `epoch`.

    A slot of a later day no longer says what an earlier day was; it answers zero, which takes nothing away,
    since a grant only rises.
    """
    if slot.epoch == epoch:
        return slot.current
    return slot.next if slot.epoch < epoch else NO_WEI


def allowance(
    *, final: Slot, latest: Slot, final_timestamp: int, latest_timestamp: int, epoch: Epoch
) -> NanoUsd:
    """Return the credit that may be granted up to now in `epoch`.

    `final` and `latest` are the account's slots at the final block and at the newest block that is known;
    `..._timestamp` are the Unix times of these blocks.
    """
    if latest_timestamp < starts_at(epoch) - BLIND_SECONDS_MAX:
        return NanoUsd(0)
    right = right_in(final, epoch)
    if final_timestamp < starts_at(epoch):
        right = min(right, right_in(latest, epoch))
    return credit_of(right)


def credit_of(right: Wei) -> NanoUsd:
    """Return the daily credit of a right in DIEM wei; nothing below `SMALLEST_RIGHT`."""
    return nano_usd_down(right) if right >= SMALLEST_RIGHT else NanoUsd(0)
