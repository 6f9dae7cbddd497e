"""Credit of all accounts together, by day and source, as the journal has it."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from entitlement.core.epochs import Epoch
from entitlement.core.units import NanoUsd

LATEST_BOOKING_DAYS = 8
"""A request is charged to its day at most seven days after it: what is booked later is of another day."""
EARLIEST_BOOKING_DAYS = 1
"""A request is booked on the day of its hold, which lives for a day at most: the day's own credit may pay for
one that began on the day before, where it was extended after midnight or cost more than was held."""

# Credit of a day belongs to that day whenever it is booked; all other credit to the day of the booking. The
# days of the bookings are named, so that no other week of the journal is opened.
_DAYS = text("""
    SELECT coalesce(b.epoch, j.epoch) AS day, coalesce(b.source, 'operator') AS source,
           coalesce(sum(j.amount) FILTER (WHERE j.source = 'issued'), 0)
               - coalesce(sum(j.amount) FILTER (WHERE j.target = 'issued'), 0),
           coalesce(sum(j.amount) FILTER (WHERE j.target = 'consumed'), 0)
               - coalesce(sum(j.amount) FILTER (WHERE j.source = 'consumed'), 0),
           coalesce(sum(j.amount) FILTER (WHERE j.target = 'expired'), 0)
    FROM journal AS j LEFT JOIN buckets AS b ON b.id = j.bucket_id
    WHERE j.epoch >= :first_booking AND j.epoch < :after_last_booking
        AND coalesce(b.epoch, j.epoch) >= :first AND coalesce(b.epoch, j.epoch) < :after_last
    GROUP BY 1, 2 ORDER BY 1, 2
""")


@dataclass(frozen=True, slots=True)
class DayOfCredit:
    """What all accounts had of one source in one day. Nano-USD."""

    epoch: Epoch
    source: str
    """A `core.ledger.Source`, or `operator`: what a request cost beyond what could be charged for it."""
    granted: NanoUsd
    spent: NanoUsd
    expired: NanoUsd


def credit_by_day(session: Session, first: Epoch, after_last: Epoch) -> list[DayOfCredit]:
    """Return the sums of the days [first, after_last), in order. Reads the whole journal of these days."""
    rows = session.execute(
        _DAYS,
        {
            "first": first,
            "after_last": after_last,
            "first_booking": first - EARLIEST_BOOKING_DAYS,
            "after_last_booking": after_last + LATEST_BOOKING_DAYS,
        },
    )
    return [
        DayOfCredit(Epoch(day), source, *(NanoUsd(int(each)) for each in sums)) for day, source, *sums in rows
    ]
