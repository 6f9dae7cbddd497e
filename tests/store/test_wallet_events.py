"""What anybody may ask of any wallet is read by an index, and no further than its limit."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.events import ChainEvent
from entitlement.store import chain
from tests.support import wallet_number

Sessions = sessionmaker[Session]
Read = Callable[..., list[ChainEvent]]
ALICE, BOB = wallet_number(1), wallet_number(2)
FILL = """
INSERT INTO events (block_number, log_index, block_hash, transaction_hash, kind, wallet, receiver, data)
SELECT n, 0, '0xb' || n, '0xt', CASE n % 5 WHEN 0 THEN 'Delegated' ELSE 'VvvStaked' END,
       CASE n % 2 WHEN 0 THEN :alice ELSE :bob END, CASE n % 5 WHEN 0 THEN
       CASE n % 2 WHEN 0 THEN :bob ELSE :alice END END,
       CASE n % 5 WHEN 0 THEN '{"delegation": 1, "amount": 1, "until_epoch": 1}'::jsonb
       ELSE '{"amount": 1}'::jsonb END
FROM generate_series(1, 20000) AS n
"""


@pytest.mark.parametrize(
    ("read", "index"),
    [
        (chain.newest_events, "events_wallet"),
        (chain.newest_openings, "events_openings"),
        (chain.newest_received, "events_receiver"),
    ],
)
def test_the_newest_events_of_a_wallet_are_found_without_reading_or_sorting_all(
    sessions: Sessions, read: Read, index: str
) -> None:
    asked: list[tuple[str, Any]] = []
    with sessions.begin() as session:
        session.execute(text(FILL), {"alice": ALICE, "bob": BOB})
        session.execute(text("ANALYZE events"))
        connection = session.connection()

        def keep(*call: Any) -> None:  # noqa: ANN401 - as SQLAlchemy calls it
            asked.append((call[2], call[3]))

        event.listen(connection, "before_cursor_execute", keep)
        found = read(session, ALICE, limit=10)
        event.remove(connection, "before_cursor_execute", keep)
        plans = [
            "\n".join(row[0] for row in connection.exec_driver_sql(f"EXPLAIN {query}", values))
            for query, values in asked
        ]
    assert len(found) == 10
    assert found == sorted(found, key=lambda each: each.at, reverse=True)
    assert index in plans[0]
    for plan in plans:
        assert "Index Scan Backward" in plan, plan
        assert "Sort" not in plan, plan
