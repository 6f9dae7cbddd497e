"""Rows about one request: its hold or refusal, and what the journal says of it."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from entitlement.core.epochs import Epoch
from entitlement.core.ledger import Part, Source
from entitlement.core.units import NanoUsd

HOLDS_MAX = 50
"""Of one request id: each gateway has its own."""
LINES_MAX = 1_000
"""A lease that is renewed all day has some thousands."""
ENTRY_KINDS = ("hold", "charge", "end", "late")
"""What the keys of a hold's entries begin with (core.ledger)."""


@dataclass(frozen=True, slots=True)
class AskedFor:
    """A request that asked for credit, as it stands."""

    hold_id: str
    gateway_id: int
    request_id: str
    key_id: str
    kind: str
    state: str
    epoch: Epoch
    amount: NanoUsd
    captured: NanoUsd
    shortfall: NanoUsd
    model: str | None
    created_at: int
    expires_at: int
    ended_at: int | None
    charged_at: int | None
    refusal: dict[str, object] | None
    """The name of the reason and its figures."""
    parts: tuple[Part, ...]
    steps: int
    """Entries between its beginning and its end."""


@dataclass(frozen=True, slots=True)
class JournalLine:
    """A posting of the journal."""

    entry: str
    kind: str
    at: int
    bucket_id: int | None
    source: str
    target: str
    amount: NanoUsd


_COLUMNS = """h.id, h.gateway_id, h.request_id, h.key_id, h.kind, h.state, h.epoch, h.amount, h.captured,
              h.shortfall, h.model, h.created_at, h.expires_at, h.ended_at, h.charged_at, h.refusal,
              h.part_buckets, h.part_sources, h.part_amounts, h.steps"""

# By each gateway's own index: nothing else needs one by the request alone.
_ASKED = text(f"""
    SELECT {_COLUMNS}
    FROM gateways AS g CROSS JOIN LATERAL (
        SELECT * FROM holds WHERE gateway_id = g.id AND request_id = :request_id OFFSET 0
    ) AS h
    WHERE h.account_id = :account_id AND (CAST(:only_key AS text) IS NULL OR h.key_id = :only_key)
    ORDER BY h.created_at, h.id LIMIT :limit
""")  # noqa: S608 - our own names

_ASKED_BY = text(f"""
    SELECT {_COLUMNS}, h.account_id FROM holds AS h
    WHERE h.gateway_id = :gateway_id AND h.request_id = :request_id
""")  # noqa: S608 - likewise

_LINES = text("""
    SELECT key, kind, created_at, bucket_id, source, target, amount FROM journal
    WHERE epoch = :epoch AND key = ANY(:keys) AND account_id = :account_id ORDER BY id, line LIMIT :limit
""")


def asked_for(session: Session, account_id: int, request_id: str, *, key_id: str | None) -> list[AskedFor]:
    """Return the account's holds and refusals with a gateway's request id, oldest first."""
    rows = session.execute(
        _ASKED,
        {"account_id": account_id, "request_id": request_id, "only_key": key_id, "limit": HOLDS_MAX},
    )
    return [_asked(row) for row in rows]


def asked_by(session: Session, gateway_id: int, request_id: str) -> tuple[AskedFor, int] | None:
    """Return a gateway's hold or refusal by its own request id, with the account's id; None where none is."""
    row = session.execute(_ASKED_BY, {"gateway_id": gateway_id, "request_id": request_id}).one_or_none()
    return None if row is None else (_asked(row), row.account_id)


def journal_of(session: Session, account_id: int, asked: AskedFor) -> list[JournalLine]:
    """Return the journal's lines about a hold, in the order of writing: of a lease, the first `LINES_MAX`."""
    keys = [f"{kind}:{asked.hold_id}" for kind in ENTRY_KINDS]
    keys += [f"step:{asked.hold_id}:{step}" for step in range(1, asked.steps + 1)]
    rows = session.execute(
        _LINES, {"account_id": account_id, "epoch": asked.epoch, "keys": keys, "limit": LINES_MAX}
    )
    return [JournalLine(*row) for row in rows]


def _asked(row: Row[*tuple[Any, ...]]) -> AskedFor:
    return AskedFor(
        *row[:16],
        parts=tuple(
            Part(bucket_id, Source(source), NanoUsd(amount))
            for bucket_id, source, amount in zip(row[16], row[17], row[18], strict=True)
        ),
        steps=row[19],
    )
