"""The last word is the database's: what the core would never send is refused there as well."""

from collections.abc import Callable

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DataError, IntegrityError, StatementError
from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.positions import Position
from entitlement.core.units import NanoUsd, Wei
from entitlement.flows.spend_credit import SpendCredit
from entitlement.store import chain as chain_rows
from tests.support import holder, wallet_number

Sessions = sessionmaker[Session]

REFUSED = [
    # what is tried, the statement, the constraint that refuses it
    ("a bucket below zero", "UPDATE buckets SET available = -1, held = held + 91", "buckets_never_overspent"),
    ("a hold below zero", "UPDATE buckets SET held = -1, available = 101", "buckets_never_overspent"),
    (
        "credit from nowhere",
        "UPDATE buckets SET available = available + 1",
        "buckets_lose_and_invent_nothing",
    ),
    ("credit that is lost", "UPDATE buckets SET held = 0", "buckets_lose_and_invent_nothing"),
    ("a grant without credit", "UPDATE buckets SET granted = granted + 1", "buckets_lose_and_invent_nothing"),
    ("a source nobody knows", "UPDATE buckets SET source = 'luck'", "buckets_source"),
    ("a second bucket of a day", "{copy of bucket}", "buckets_of_account"),
    ("an entry booked twice", "{copy of entry}", "entries_\\d+_pkey"),
    (
        "a posting of nothing",
        "{entry} '{0}'::bigint[], '{available>held}'::text[], '{1}'::bigint[])",
        "entries_move_something",
    ),
    (
        "a posting with a sign",
        "{entry} '{-5}'::bigint[], '{available>held}'::text[], '{1}'::bigint[])",
        "entries_move_something",
    ),
    (
        "an entry of nothing",
        "{entry} '{}'::bigint[], '{}'::text[], '{}'::bigint[])",
        "entries_move_something",
    ),
    (
        "a posting to its source",
        "{entry} '{5}'::bigint[], '{held>held}'::text[], '{1}'::bigint[])",
        "entries_move_somewhere",
    ),
    (
        "a posting of no bucket",
        "{entry} '{5}'::bigint[], '{issued>available}'::text[], '{NULL}'::bigint[])",
        "entries_have_buckets",
    ),
    (
        "half a posting",
        "{entry} '{5,6}'::bigint[], '{available>held}'::text[], '{1}'::bigint[])",
        "entries_are_whole",
    ),
    (
        "a day's bucket that outlives it",
        "UPDATE buckets SET expires_at = expires_at + 1",
        "buckets_end_with_their_day",
    ),
    ("a closed bucket with credit", "UPDATE buckets SET closed = true", "buckets_closed_are_empty"),
    ("a hold of no kind", "UPDATE holds SET kind = 'loan'", "holds_kind"),
    ("half a part", "UPDATE holds SET part_amounts = '{1,2}'", "holds_parts_are_whole"),
    ("a cost below zero", "{spent} -1 FROM holds", "usage_amounts"),
    ("content as a version", "{priced} repeat('x', 65) FROM holds", "usage_price_version"),
    ("a hold in no state", "UPDATE holds SET state = 'lost'", "holds_state"),
    ("a refusal without its reason", "UPDATE holds SET state = 'refused'", "holds_refusal"),
    ("a reason without a refusal", "UPDATE holds SET refusal = '{}'", "holds_refusal"),
    ("a charge below zero", "UPDATE holds SET captured = -1", "holds_amounts"),
    ("a request id held twice", "{copy of hold}", "holds_request"),
    ("content as a model", "UPDATE holds SET model = repeat('x', 129)", "holds_model"),
    ("content as a request id", "UPDATE holds SET request_id = repeat('x', 129)", "holds_request_id"),
    ("content as a reason", "{refused} ('x', 500))", "holds_refusal_length"),
    ("content as a description", "UPDATE api_keys SET description = repeat('x', 65)", "api_keys_description"),
    ("content as a gateway", "UPDATE gateways SET name = repeat('x', 65)", "gateways_name_length"),
    ("content with the usage", "{usage} repeat('x', 129) FROM holds", "usage_model"),
    ("content as a problem", "{cursor} true, 1, 0, 0, 0); {problem} ('x', 501)", "chain_state_problem"),
    ("content in a log", "{log} '0xa', 1, 0, '{\"amount\": \"x\"}')", "events_data_are_numbers"),
    ("a part of nothing", "UPDATE holds SET part_amounts = '{0}'", "holds_parts"),
    (
        "a key that used less than nothing",
        "UPDATE key_spending SET diem_held = -1",
        "key_spending_never_negative",
    ),
    ("a key of no kind", "UPDATE api_keys SET kind = 'ROOT'", "api_keys_kind"),
    ("a limit below zero", "UPDATE api_keys SET limit_diem = -1", "api_keys_limits"),
    ("a limit of no period", "UPDATE api_keys SET limit_period = 'week'", "api_keys_period"),
    ("two keys of one secret", "{copy of key}", "api_keys_secret_hash_key"),
    (
        "two accounts of a wallet",
        "INSERT INTO accounts (wallet, created_at) SELECT wallet, 0 FROM accounts",
        "wallet",
    ),
    ("a second clock", "INSERT INTO clock VALUES (false, 0)", "clock_is_one_row"),
    ("a clock that runs back", "UPDATE clock SET shift_seconds = -1", "clock_moves_forward_only"),
    ("a second cursor", "{cursor} false, 1, 0, 0, 0)", "chain_state_is_one_row"),
    ("finality above the head", "{cursor} true, 1, 0, 7, 6)", "chain_state_in_order"),
    ("finality below the start", "{cursor} true, 1, 5, 4, 6)", "chain_state_in_order"),
    ("two logs in one place", "{event} '0xa', 1, 0), ('0xb', 1, 0)", "events_pkey"),
    ("one log twice", "{event} '0xa', 1, 0), ('0xa', 1, 0)", "events_pkey"),
    ("two blocks at a height", "INSERT INTO blocks VALUES (1, 'a', '', 0), (1, 'b', '', 0)", "blocks_pkey"),
]
SHORT = {
    "{copy of bucket}": """
        INSERT INTO buckets (account_id, source, epoch, expires_at, granted, available, held, consumed,
                             expired, closed)
        SELECT account_id, source, epoch, expires_at, 0, 0, 0, 0, 0, false FROM buckets""",
    "{copy of entry}": """
        INSERT INTO entries (epoch, key, kind, account_id, created_at, buckets, moves, amounts, lane, batch)
        SELECT epoch, key, kind, account_id, 0, buckets, moves, amounts, lane, batch FROM entries""",
    "{copy of hold}": """
        INSERT INTO holds (id, account_id, key_id, gateway_id, request_id, fingerprint, state,
                           epoch, amount, is_final, captured, shortfall, created_at, expires_at, kind,
                           part_buckets, part_sources, part_amounts, steps, told)
        SELECT 'other', account_id, key_id, gateway_id, request_id, fingerprint, 'open',
               0, 1, false, 0, 0, 0, 0, 'hold', '{}', '{}', '{}', 0, 0 FROM holds""",
    "{copy of key}": """
        INSERT INTO api_keys (id, account_id, secret_hash, last_six, kind, description,
                              limit_period, model_privacy, created_at)
        SELECT 'other', account_id, secret_hash, '', kind, '', 'epoch', 'ALL', 0 FROM api_keys""",
    "{entry}": """
        INSERT INTO entries (epoch, key, kind, account_id, created_at, lane, batch, amounts, moves, buckets)
        SELECT epoch, 'other', kind, account_id, 0, lane, batch, v.* FROM entries, (VALUES (""",
    "{cursor}": """
        INSERT INTO chain_state (start_hash, head_hash, final_hash, head_timestamp, final_timestamp,
            node_number, stepped_at, node_timestamp, moved_at, singleton, chain_id,
            start_number, final_number, head_number)
        VALUES ('', '', '', 0, 0, 0, 0, 0, 0,""",
    "{refused}": "UPDATE holds SET state = 'refused', refusal = to_jsonb(repeat",
    "{usage}": """
        INSERT INTO usage (epoch, hold_id, number, account_id, key_id, gateway_id, request_id, diem, usd,
            shortfall,
                           created_at, model)
        SELECT epoch, id, 1, account_id, key_id, gateway_id, request_id, 0, 0, 0, 0,""",
    "{spent}": """
        INSERT INTO usage (epoch, hold_id, number, account_id, key_id, gateway_id, request_id, usd, shortfall,
                           created_at, diem)
        SELECT epoch, id, 1, account_id, key_id, gateway_id, request_id, 0, 0, 0,""",
    "{priced}": """
        INSERT INTO usage (epoch, hold_id, number, account_id, key_id, gateway_id, request_id, diem, usd,
            shortfall,
                           created_at, price_version)
        SELECT epoch, id, 1, account_id, key_id, gateway_id, request_id, 0, 0, 0, 0,""",
    "{problem}": "UPDATE chain_state SET problem = repeat",
    "{log}": """
        INSERT INTO events (transaction_hash, kind, wallet, block_hash, block_number, log_index, data)
        VALUES ('t', 'VvvStaked', 'w',""",
    "{event}": """
        INSERT INTO events (transaction_hash, kind, wallet, data, block_hash, block_number, log_index)
        SELECT 't', 'VvvStaked', 'w', '{}', * FROM (VALUES (""",
}


def statement_of(short: str) -> str:
    ending = ") AS v" if "{event}" in short or "{entry}" in short else ""
    for name, whole in SHORT.items():
        short = short.replace(name, whole)
    return short + ending


@pytest.mark.parametrize(
    ("short", "constraint"), [each[1:] for each in REFUSED], ids=[each[0] for each in REFUSED]
)
def test_the_database_itself_refuses(sessions: Sessions, short: str, constraint: str) -> None:
    alice = holder(sessions, diem=100)
    SpendCredit(sessions).hold(alice.gateway_id, alice.request(10))
    with pytest.raises(IntegrityError, match=constraint), sessions.begin() as session:
        session.execute(text(statement_of(short)))


@pytest.mark.parametrize(
    "make", [lambda: Wei(-1), lambda: Wei(2**256), lambda: 1.5], ids=["negative", "too large", "a float"]
)
def test_what_is_no_uint256_never_reaches_the_database(sessions: Sessions, make: Callable[[], Wei]) -> None:
    position = Position(wallet_number(1), diem_staked=make())
    with pytest.raises((AssertionError, StatementError)), sessions.begin() as session:
        chain_rows.write_positions(session, [position], pending=False)


def test_an_amount_beyond_a_bigint_is_an_error_and_not_another_amount(sessions: Sessions) -> None:
    alice = holder(sessions, diem=100)
    held = SpendCredit(sessions).hold(alice.gateway_id, alice.request(10)).hold
    with pytest.raises(DataError), sessions.begin() as session:
        session.execute(
            text("UPDATE holds SET captured = :n WHERE id = :id"), {"n": NanoUsd(2**63), "id": held.id}
        )
