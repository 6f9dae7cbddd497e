"""What each day took in, from the ledger: what buybacks are a share of.

    spent          postings into `consumed` from prepaid and membership buckets, less those out of it; by the
                   day of the entry, so that a charge after midnight counts where its hold was made
    subscriptions  accounts whose first month of membership, of whichever provider, begins that day
    purchased      top-ups that became credit that day, less refunds made that day

What DIEM gives is no revenue: it was paid for once, on the chain. Nor is the operator's own shortfall, which
has no bucket.
"""

from sqlalchemy import text
from sqlalchemy.orm import Session

from entitlement.core.buyback_policy import DayTaken
from entitlement.core.epochs import Epoch, ends_at, starts_at
from entitlement.core.units import NanoUsd

_TAKEN = text("""
WITH spent AS (
    SELECT j.epoch, sum(CASE WHEN j.target = 'consumed' THEN j.amount ELSE -j.amount END) AS amount
    FROM journal AS j JOIN buckets AS b ON b.id = j.bucket_id
    WHERE j.epoch >= :first AND j.epoch <= :through AND b.source IN ('prepaid', 'membership')
        AND 'consumed' IN (j.target, j.source)
    GROUP BY j.epoch
), begun AS (
    SELECT (began / 86400)::integer AS epoch, count(*) AS accounts
    FROM (SELECT min(starts_at) AS began FROM memberships GROUP BY account_id) AS firsts
    WHERE began >= :start AND began < :end GROUP BY 1
), bought AS (
    SELECT (at / 86400)::integer AS epoch, sum(amount) AS amount
    FROM (
        SELECT settled_at AS at, amount FROM purchases WHERE kind = 'credit'
        UNION ALL
        SELECT made_at, -amount FROM adjustments WHERE kind = 'refund'
    ) AS moved
    WHERE at >= :start AND at < :end GROUP BY 1
)
SELECT epoch, coalesce(spent.amount, 0), coalesce(begun.accounts, 0), coalesce(bought.amount, 0)
FROM spent FULL JOIN begun USING (epoch) FULL JOIN bought USING (epoch)
ORDER BY epoch
""")


def taken(session: Session, *, first: Epoch, through: Epoch) -> list[DayTaken]:
    """Return what the days `first..through` took in, those with nothing left out; in order."""
    asked = {"first": first, "through": through, "start": starts_at(first), "end": ends_at(through)}
    return [
        DayTaken(Epoch(epoch), NanoUsd(int(spent)), int(subscriptions), NanoUsd(int(purchased)))
        for epoch, spent, subscriptions, purchased in session.execute(_TAKEN, asked)
    ]
