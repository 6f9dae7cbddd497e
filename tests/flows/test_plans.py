"""A group reads as many rows as it is about, whatever else the tables hold."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from psycopg import pq
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.operations import Capture
from entitlement.flows.read_account import ReadAccount
from entitlement.flows.spend_credit import HoldAnswer, Question, SpendCredit
from entitlement.store.books import PLANS
from entitlement.store.journey import Journey, _prepared  # pyright: ignore[reportPrivateUsage]
from tests.flows.test_grant_allowances import says
from tests.support import ScriptedChain, catch_up, follower, holder, wallet_number

Sessions = sessionmaker[Session]
PEOPLE = 60
GROUP = 4
FEW = 2 * GROUP
"""Rows of one table that a statement about a group may read."""


@pytest.fixture
def most_read(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """The most rows of each table that one statement has read since this was cleared, as PostgreSQL says."""
    most: dict[str, int] = {}
    go = Journey._go  # pyright: ignore[reportPrivateUsage] - what is sent together

    def explained(self: Journey, *, commits: bool) -> None:
        server = self.connection.pgconn
        if server.transaction_status == pq.TransactionStatus.IDLE:
            server.exec_(b"BEGIN")
        for statement, values, _ in self._asked:  # pyright: ignore[reportPrivateUsage]
            if statement == PLANS:
                server.exec_(PLANS.encode())
            # What was not prepared yet is not planned either.
            name = _prepared.get(self.connection, {}).get((statement, self._by_key))  # pyright: ignore[reportPrivateUsage]
            if name is not None:
                for table, rows in rows_read(explain(server, name, values)):
                    most[table] = max(rows, most.get(table, 0))
        go(self, commits=commits)

    monkeypatch.setattr(Journey, "_go", explained)
    return most


def explain(server: pq.abc.PGconn, name: bytes, values: list[bytes | None]) -> dict[str, Any]:
    """Return how PostgreSQL carries a prepared statement out, which is undone."""
    literals = [b"NULL" if value is None else b"'" + value.replace(b"'", b"''") + b"'" for value in values]
    given = b"(" + b", ".join(literals) + b")" if literals else b""
    server.exec_(b"SAVEPOINT before")
    found = server.exec_(b"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE " + name + given)
    told = found.get_value(0, 0)
    assert told is not None, found.error_message
    server.exec_(b"ROLLBACK TO before")
    return orjson.loads(told)[0]["Plan"]


def rows_read(plan: dict[str, Any]) -> Iterator[tuple[str, int]]:
    """Yield each table that a plan reads, with the rows that it reads there."""
    if "Relation Name" in plan and plan["Node Type"] != "ModifyTable":
        unwanted = sum(plan.get(f"Rows Removed by {what}", 0) for what in ("Filter", "Index Recheck"))
        yield plan["Relation Name"], round((plan["Actual Rows"] + unwanted) * plan["Actual Loops"])
    for part in plan.get("Plans", []):
        yield from rows_read(part)


def test_a_group_reads_its_own_rows_alone(sessions: Sessions, most_read: dict[str, int]) -> None:
    chain, spend = ScriptedChain(), SpendCredit(sessions)
    chain.mine(*(says(wallet_number(number), 0, 5, 5) for number in range(1, PEOPLE + 1)))
    catch_up(follower(chain, sessions))
    people = [holder(sessions, number=number) for number in range(1, PEOPLE + 1)]
    for each in people:
        ReadAccount(sessions).account(each.wallet)
    with sessions.begin() as session:
        session.execute(
            text("INSERT INTO webhooks SELECT id, 'w' || id, 'https://own.example', 0 FROM accounts")
        )
    for name in ("first", "second"):
        spend.answer([Question(each.gateway_id, each.request(10, name)) for each in people])
    own = people[-GROUP:]
    most_read.clear()
    held = spend.answer([Question(each.gateway_id, each.request(10, "third")) for each in own])
    assert all(isinstance(each, HoldAnswer) for each in held), held
    ends = [each.hold.id for each in held if isinstance(each, HoldAnswer)]
    asked = list(zip(own, ends, strict=True))
    spend.answer([Question(each.gateway_id, Capture(end, each.request(5).amount)) for each, end in asked[:1]])
    spend.answer([Question(each.gateway_id, Capture(end, each.request(5).amount)) for each, end in asked[1:]])
    wanted = {"accounts", "api_keys", "buckets", "holds", "key_spending", "positions", "webhooks"}
    assert wanted <= set(most_read)
    assert {table: rows for table, rows in most_read.items() if rows > FEW} == {}
