"""Privacy by schema: what the database can hold is listed, bounded, and never the content of a request."""

import re
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.adjustments import Wish
from entitlement.core.buyback_policy import Policy
from entitlement.core.errors import InsufficientCredit, InvalidRequest, NodeUnavailable
from entitlement.core.holds import Usage
from entitlement.core.keys import NewKey
from entitlement.core.units import NanoUsd
from entitlement.flows.adjust_credit import AdjustCredit
from entitlement.flows.govern_buybacks import GovernBuybacks
from entitlement.flows.manage_gateways import ManageGateways
from entitlement.flows.spend_credit import SpendCredit
from entitlement.store import outbox
from entitlement.store.buyback_rules import By
from entitlement.store.raw import cursor_of
from entitlement.store.standing import RateRefusal, add_refusals
from tests.support import ScriptedChain, follower, holder

INVENTORY = Path(__file__).parents[2] / "docs" / "data-inventory.md"
ROW = re.compile(r"\| `(\w+\.\w+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \|")
FORMS = ("address", "hash", "id", "word of ours", "numbers", "reason of ours", "caller's words")
CALLERS_WORDS = {
    "api_keys.description": 64,
    "gateways.name": 64,
    "holds.model": 128,
    "holds.request_id": 128,
    "rate_refusals.model": 128,
    "usage.model": 128,
    "usage.request_id": 128,
    "usage.price_version": 64,
    "adjustments.reference": 64,
    "adjustments.reason": 200,
    "adjustments.made_by": 64,
    "admin_acts.reference": 64,
    "admin_acts.reason": 200,
    "admin_acts.made_by": 64,
    "admin_acts.subject": 64,
    "webhooks.url": 500,
    "buyback_policies.made_by": 64,
    "buyback_policies.reason": 200,
    "buyback_vetoes.made_by": 64,
    "buyback_vetoes.reason": 200,
}
REASONS_OF_OURS = {
    "chain_state.problem": 500,
    "chain_state.granting_stopped": 500,
    "chain_state.check_failed": 500,
    "holds.refusal": 500,
    "outbox.outcome": 64,
    "buyback_plans.reason": 500,
    "buyback_runs.reason": 500,
}
CANARY = "Dear model, this is my secret"

COLUMNS = text("""
    SELECT c.relname || '.' || a.attname, format_type(a.atttypid, NULL)
    FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
        AND c.relname <> 'alembic_version'
""")
CHECKS = text("""
    SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'c'
""")


def listed() -> dict[str, str]:
    """What the inventory says that each column holds."""
    rows = ROW.findall(INVENTORY.read_text())
    assert len({row[0] for row in rows}) == len(rows), "a column is listed twice"
    assert all(part.strip() for row in rows for part in row)
    return {name: what for name, what, _, _ in rows}


def columns(connection: Connection) -> dict[str, str]:
    return {row[0]: row[1] for row in connection.execute(COLUMNS)}


def test_every_column_of_every_table_is_in_the_inventory_and_nothing_else(database: Engine) -> None:
    with database.connect() as connection:
        assert set(columns(connection)) == set(listed())


def test_every_column_that_can_hold_words_says_in_which_form(database: Engine) -> None:
    with database.connect() as connection:
        wordy = {
            name for name, kind in columns(connection).items() if kind in ("text", "text[]", "jsonb", "bytea")
        }
        kinds = set(columns(connection).values())
    assert kinds == {
        "bigint",
        "bigint[]",
        "integer",
        "boolean",
        "numeric",
        "text",
        "text[]",
        "jsonb",
        "bytea",
    }
    for name, what in listed().items():
        assert what.startswith(tuple(form + ":" for form in FORMS) + tuple(f + "," for f in FORMS)) is (
            name in wordy
        ), name


def test_only_the_named_columns_hold_words_of_a_caller(database: Engine) -> None:
    stated = {
        name: int(found.group(1))
        for name, what in listed().items()
        if (found := re.match(r"(?:caller's words|reason of ours), at most (\d+) characters:", what))
    }
    assert stated == CALLERS_WORDS | REASONS_OF_OURS
    with database.connect() as connection:
        checks = connection.execute(CHECKS).all()
    for name, longest in stated.items():
        table, column = name.split(".")
        bounds = [
            rule for of, rule in checks if of == table and re.search(rf"char_length\(\(?{column}\b", rule)
        ]
        assert len(bounds) == 1, name
        assert f"<= {longest})" in bounds[0]


def test_what_a_caller_writes_is_found_in_the_named_columns_and_nowhere_else(
    sessions: sessionmaker[Session],
) -> None:
    alice = holder(sessions, diem=100, wish=NewKey(CANARY))
    spend = SpendCredit(sessions)
    ManageGateways(sessions).issue_token(CANARY)
    held = spend.hold(alice.gateway_id, alice.request(10, CANARY, model=CANARY)).hold
    spend.capture(
        alice.gateway_id, held.id, NanoUsd(5), Usage(model=CANARY, status=200, price_version=CANARY)
    )
    with pytest.raises(InsufficientCredit):
        spend.hold(alice.gateway_id, alice.request(1_000, CANARY + "2", model=CANARY))
    AdjustCredit(sessions).grant(Wish(CANARY, alice.wallet, NanoUsd(1), CANARY, CANARY))
    other = spend.hold(alice.gateway_id, alice.request(1, "other")).hold
    for too_much in (Usage(model=CANARY * 10), Usage(model=CANARY + "\n")):
        with pytest.raises(InvalidRequest):
            spend.capture(alice.gateway_id, other.id, NanoUsd(1), too_much)
    govern = GovernBuybacks(sessions)
    govern.set_policy(Policy(), By(CANARY, CANARY))
    govern.veto(By(CANARY, CANARY), until=None)
    with sessions.begin() as session:
        outbox.put_webhook(session, alice.account_id, "wh_1", f"https://{CANARY}", 1)
        with cursor_of(session) as cursor:
            refused = RateRefusal(alice.account_id, alice.key_id, CANARY, "free", "key", 1, 1)
            add_refusals(cursor, [refused])
        connection = session.connection()
        found = {name for name in columns(connection) if holds_canary(connection, name)}
    assert found == set(CALLERS_WORDS)


def holds_canary(connection: Connection, name: str) -> bool:
    table, column = name.split(".")
    query = f'SELECT count(*) FROM {table} WHERE "{column}"::text LIKE :canary'  # noqa: S608 - our own names
    return bool(connection.execute(text(query), {"canary": f"%{CANARY}%"}).scalar_one())


def test_what_a_node_says_of_its_failure_is_cut_to_what_the_column_takes(
    sessions: sessionmaker[Session],
) -> None:
    chain = ScriptedChain()
    chain.mine()
    following = follower(chain, sessions)
    following.step()

    def fail() -> None:
        raise NodeUnavailable(method="head", reason="\0" + "x" * 10_000)

    chain.head = fail  # type: ignore[assignment, method-assign]
    with pytest.raises(NodeUnavailable):
        following.step()
    with sessions.begin() as session:
        kept = session.execute(text("SELECT problem FROM chain_state")).scalar_one()
    assert kept.startswith("the node did not answer head: xxx")
