"""Rows about how accounts and keys stand: rates, what keys have spent, who was refused by a rate."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from entitlement.core.epochs import Epoch
from entitlement.core.limits import LimitPeriod, period_epochs
from entitlement.core.units import NanoUsd
from entitlement.store.raw import Cursor
from entitlement.store.tables import KeySpendingRow

REFUSALS_KEPT = 50
"""Of each account, the newest: as many as the live system shows."""
WEEK_OF_DAYS = 7


@dataclass(frozen=True, slots=True)
class RateRefusal:
    """A request that was refused since it came too fast; `times`, for how many such requests it stands."""

    account_id: int
    key_id: str
    model: str | None
    tier: str
    """By whose rates, a word of core.tiers."""
    rate_of: str
    """Whose rate it was: account or key."""
    refused_at: int
    times: int


@dataclass(frozen=True, slots=True)
class KeyUse:
    """What a key has spent, and when it was last used."""

    last_used_at: int | None
    week_diem: NanoUsd
    """In today and the six days before."""
    week_usd: NanoUsd
    period_diem: NanoUsd
    """In the running period of its limits, without what is held."""
    period_usd: NanoUsd


UNUSED = KeyUse(None, NanoUsd(0), NanoUsd(0), NanoUsd(0), NanoUsd(0))

_RATES = text("""
    SELECT a.rate_until, coalesce(
        -- Of the day before too: a rate goes on over midnight.
        (SELECT max(s.rate_until) FROM key_spending AS s
         WHERE s.key_id = :key_id AND s.epoch >= :epoch - 1), 0
    ) FROM accounts AS a WHERE a.id = :account_id
""")

# The last use by the index, not by reading all days of a key that is used every day.
_USES = text("""
    SELECT k.id,
           (SELECT l.last_used_at FROM key_spending AS l WHERE l.key_id = k.id ORDER BY l.epoch DESC LIMIT 1),
           s.week_diem, s.week_usd, s.period_diem, s.period_usd
    FROM unnest(CAST(:ids AS text[]), CAST(:firsts AS integer[])) AS k (id, first)
    LEFT JOIN LATERAL (
        SELECT sum(diem_spent) FILTER (WHERE epoch >= :week) AS week_diem,
               sum(usd_spent) FILTER (WHERE epoch >= :week) AS week_usd,
               sum(diem_spent) FILTER (WHERE epoch >= k.first) AS period_diem,
               sum(usd_spent) FILTER (WHERE epoch >= k.first) AS period_usd
        FROM key_spending
        WHERE key_id = k.id AND epoch >= least(k.first, :week) AND epoch < :after_today
    ) AS s ON true
""")

_REFUSED = text("""
    SELECT account_id, key_id, model, tier, rate_of, refused_at, times FROM rate_refusals
    WHERE account_id = :account_id ORDER BY refused_at DESC, number DESC LIMIT :limit
""")

# The slot's modulus is REFUSALS_KEPT; `%` would be the driver's.
_ADD_REFUSALS = b"""
INSERT INTO rate_refusals AS r (account_id, slot, number, key_id, model, tier, rate_of, refused_at, times)
SELECT n.account_id, mod(n.number, 50), n.number, n.key_id, n.model, n.tier, n.rate_of, n.refused_at, n.times
FROM (
    SELECT a.*, row_number() OVER (PARTITION BY a.account_id ORDER BY a.line)
               + coalesce((SELECT max(k.number) FROM rate_refusals AS k WHERE k.account_id = a.account_id), 0)
               AS number
    FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::bigint[])
        WITH ORDINALITY AS a (account_id, key_id, model, tier, rate_of, refused_at, times, line)
) AS n
ON CONFLICT (account_id, slot) DO UPDATE SET
    number = excluded.number, key_id = excluded.key_id, model = excluded.model, tier = excluded.tier,
    rate_of = excluded.rate_of, refused_at = excluded.refused_at, times = excluded.times
"""


def rates_until(session: Session, account_id: int, key_id: str | None, epoch: Epoch) -> tuple[int, int]:
    """Return until when, in microseconds, requests have used up the account's rate and the key's."""
    row = session.execute(_RATES, {"account_id": account_id, "key_id": key_id, "epoch": epoch}).one()
    return row[0], row[1]


def uses_of_keys(
    session: Session, keys: Collection[tuple[str, LimitPeriod]], today: Epoch
) -> dict[str, KeyUse]:
    """Return how each of these keys was used."""
    rows = session.execute(
        _USES,
        {
            "ids": [key_id for key_id, _ in keys],
            "firsts": [period_epochs(period, today)[0] for _, period in keys],
            "week": today + 1 - WEEK_OF_DAYS,
            "after_today": today + 1,
        },
    )
    return {row[0]: KeyUse(row[1], *(NanoUsd(int(each or 0)) for each in row[2:])) for row in rows}


def used_by_key(
    session: Session, key_id: str, first: Epoch, after_last: Epoch | None
) -> tuple[NanoUsd, NanoUsd]:
    """Return what a key has spent and holds in the epochs [first, after_last): in DIEM credit, in dollars."""
    query = select(
        func.coalesce(func.sum(KeySpendingRow.diem_spent + KeySpendingRow.diem_held), 0),
        func.coalesce(func.sum(KeySpendingRow.usd_spent + KeySpendingRow.usd_held), 0),
    ).where(KeySpendingRow.key_id == key_id, KeySpendingRow.epoch >= first)
    if after_last is not None:
        query = query.where(KeySpendingRow.epoch < after_last)
    row = session.execute(query).one()
    return NanoUsd(int(row[0])), NanoUsd(int(row[1]))


def add_refusals(cursor: Cursor, refusals: Sequence[RateRefusal]) -> None:
    """Keep refusals, oldest first, in the place of the oldest of their accounts. One statement.

    No lock is needed: of two writers at once one may write over the other's line, which is a line of a log.
    """
    newest = _newest(refusals)
    if newest:
        columns = zip(
            *(
                (
                    each.account_id,
                    each.key_id,
                    each.model,
                    each.tier,
                    each.rate_of,
                    each.refused_at,
                    each.times,
                )
                for each in newest
            ),
            strict=True,
        )
        cursor.execute(_ADD_REFUSALS, [list(column) for column in columns])


def refusals(session: Session, account_id: int) -> list[RateRefusal]:
    """Return the account's last refusals by a rate, newest first."""
    rows = session.execute(_REFUSED, {"account_id": account_id, "limit": REFUSALS_KEPT})
    return [RateRefusal(*row) for row in rows]


def _newest(refusals: Sequence[RateRefusal]) -> list[RateRefusal]:
    """Return the last ones of each account: so few that no two of them come to stand in the same place."""
    counted: Counter[int] = Counter()
    newest: list[RateRefusal] = []
    for each in reversed(refusals):
        counted[each.account_id] += 1
        if counted[each.account_id] <= REFUSALS_KEPT:
            newest.append(each)
    return newest[::-1]
