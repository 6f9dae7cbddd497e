"""What a receipt says of a request that a lease paid for: its line, and the renewal that charged it.

A renewal books all that its requests cost in one entry. Both are in order, so that their sums tell which
belongs to which, and nothing has to be kept of it:

    lines      |--40--|-----70-----|--20--|---60---|      by number, what each cost
    entries    |---------110-------|------80-------|      by id, what each moved to `consumed`
"""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class LeaseLine:
    """A request of a lease, as its gateway told of it. Amounts are nano-USD."""

    wallet: str
    key_id: str
    gateway: str
    lease_request_id: str
    request_id: str
    diem: int
    usd: int
    shortfall: int
    model: str | None
    price_version: str | None
    input_tokens: int | None
    output_tokens: int | None
    epoch: int
    booked_at: int
    before: int
    """What the requests with a lower number cost together."""
    lease_cost: int
    """What all requests of the lease cost together, so far."""
    lease_requests: int
    steps: int
    """Of the lease: how many entries it may have between its beginning and its end."""

    @property
    def cost(self) -> int:
        """Whoever paid for it."""
        return self.diem + self.usd + self.shortfall


@dataclass(frozen=True, slots=True)
class Renewal:
    """The entry that charged a request, together with those that were told with it."""

    entry_id: int
    lane: int
    batch: int
    batch_hash: bytes
    cost: int
    """What the entry moved to `consumed`."""
    before: int
    """What the entries before it moved there."""


@dataclass(frozen=True, slots=True)
class Told:
    """The requests that a renewal told of; those that cost nothing are not counted."""

    first_number: int
    last_number: int
    cost: int
    """Together."""


_LINE = text("""
    SELECT a.wallet, u.key_id, g.name, h.request_id, u.request_id, u.diem, u.usd, u.shortfall, u.model,
           u.price_version, u.input_tokens, u.output_tokens, u.epoch, u.created_at, s.before, s.cost, s.count,
           h.steps
    FROM holds AS h
    JOIN accounts AS a ON a.id = h.account_id
    JOIN gateways AS g ON g.id = h.gateway_id
    JOIN all_usage AS u ON u.epoch = h.epoch AND u.hold_id = h.id AND u.number = :number
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(diem + usd + shortfall) FILTER (WHERE number < :number), 0)::bigint AS before,
               sum(diem + usd + shortfall)::bigint AS cost, count(*) AS count
        FROM all_usage WHERE epoch = h.epoch AND hold_id = h.id
    ) AS s
    WHERE h.id = :lease
""")
_RENEWAL = text("""
    SELECT c.id, c.lane, c.batch, b.hash, c.cost, c.upto - c.cost
    FROM (
        SELECT id, lane, batch, cost, (sum(cost) OVER (ORDER BY id))::bigint AS upto
        FROM (
            SELECT e.id, e.lane, e.batch,
                   (SELECT coalesce(sum(m.amount), 0) FROM unnest(e.moves, e.amounts) AS m (move, amount)
                    WHERE m.move LIKE '%>consumed')::bigint AS cost
            FROM all_entries AS e WHERE e.epoch = :epoch AND e.key = ANY(:keys)
        ) AS each
        WHERE cost > 0
    ) AS c
    JOIN journal_batches AS b ON b.lane = c.lane AND b.number = c.batch
    WHERE c.upto - c.cost <= :before AND c.upto >= :upto
""")
_TOLD = text("""
    SELECT min(number), max(number), sum(cost)::bigint FROM (
        SELECT number, diem + usd + shortfall AS cost,
               (sum(diem + usd + shortfall) OVER (ORDER BY number))::bigint AS upto
        FROM all_usage WHERE epoch = :epoch AND hold_id = :lease
    ) AS each
    WHERE cost > 0 AND upto > :before AND upto <= :upto
""")


def line_of(session: Session, lease_id: str, number: int) -> LeaseLine | None:
    """Return a request of a lease by its number, if it was told."""
    row = session.execute(_LINE, {"lease": lease_id, "number": number}).one_or_none()
    return None if row is None else LeaseLine(*row)


def renewal_of(session: Session, lease_id: str, line: LeaseLine) -> Renewal:
    """Return the entry that charged a request that cost something."""
    keys = [f"step:{lease_id}:{step}" for step in range(1, line.steps + 1)]
    row = session.execute(
        _RENEWAL,
        {"epoch": line.epoch, "keys": keys, "before": line.before, "upto": line.before + line.cost},
    ).one()
    return Renewal(row[0], row[1], row[2], bytes(row[3]), row[4], row[5])


def told_with(session: Session, lease_id: str, line: LeaseLine, renewal: Renewal) -> Told:
    """Return which requests an entry has charged."""
    upto = renewal.before + renewal.cost
    bounds = {"epoch": line.epoch, "lease": lease_id, "before": renewal.before, "upto": upto}
    return Told(*session.execute(_TOLD, bounds).one())
