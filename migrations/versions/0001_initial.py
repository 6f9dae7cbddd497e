"""Chain, accounts, access and the ledger."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


# The one clock of all processes. clock_timestamp, not now(): a transaction that waited for a lock over
# midnight must see the new day.
SERVICE_TIME = """
CREATE FUNCTION service_time() RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT floor(extract(epoch FROM clock_timestamp()))::bigint + (SELECT shift_seconds FROM clock)
$$
"""

# The journal is append-only for everyone, the program included.
APPEND_ONLY = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: book a reversal instead', TG_TABLE_NAME;
END
$$
"""


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("wallet", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("wallet"),
    )
    op.create_table(
        "blocks",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("parent_hash", sa.Text(), nullable=False),
        sa.Column("timestamp", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "chain_state",
        sa.Column("singleton", sa.Boolean(), nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("start_number", sa.BigInteger(), nullable=False),
        sa.Column("start_hash", sa.Text(), nullable=False),
        sa.Column("head_number", sa.BigInteger(), nullable=False),
        sa.Column("head_hash", sa.Text(), nullable=False),
        sa.Column("head_timestamp", sa.BigInteger(), nullable=False),
        sa.Column("final_number", sa.BigInteger(), nullable=False),
        sa.Column("final_hash", sa.Text(), nullable=False),
        sa.Column("final_timestamp", sa.BigInteger(), nullable=False),
        sa.Column("node_number", sa.BigInteger(), nullable=False),
        sa.Column("stepped_at", sa.BigInteger(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.CheckConstraint("singleton", name="chain_state_is_one_row"),
        sa.CheckConstraint(
            "start_number <= final_number AND final_number <= head_number", name="chain_state_in_order"
        ),
        sa.CheckConstraint("char_length(problem) <= 500", name="chain_state_problem"),
        sa.PrimaryKeyConstraint("singleton"),
    )
    op.create_table(
        "clock",
        sa.Column("singleton", sa.Boolean(), nullable=False),
        sa.Column("shift_seconds", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("singleton", name="clock_is_one_row"),
        sa.CheckConstraint("shift_seconds >= 0", name="clock_moves_forward_only"),
        sa.PrimaryKeyConstraint("singleton"),
    )
    op.create_table(
        "events",
        sa.Column("block_hash", sa.Text(), nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("transaction_hash", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("wallet", sa.Text(), nullable=False),
        sa.Column("receiver", sa.Text(), nullable=True),
        sa.Column("data", JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("block_hash", "log_index"),
        sa.UniqueConstraint("block_number", "log_index", name="events_place"),
        sa.CheckConstraint(
            "jsonb_typeof(data) = 'object' "
            """AND NOT jsonb_path_exists(data, '$.* ? (@.type() != "number")')""",
            name="events_data_are_numbers",
        ),
    )
    op.create_index(
        "events_receiver",
        "events",
        ["receiver", "block_number", "log_index"],
        unique=False,
        postgresql_where="receiver IS NOT NULL",
    )
    op.create_index("events_wallet", "events", ["wallet", "block_number", "log_index"], unique=False)
    op.create_table(
        "gateways",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("char_length(name) <= 64", name="gateways_name_length"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
        sa.UniqueConstraint("token_hash"),
    )
    op.create_table(
        "nonces",
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("nonce"),
    )
    op.create_index(op.f("ix_nonces_expires_at"), "nonces", ["expires_at"], unique=False)
    op.create_table(
        "positions",
        sa.Column("wallet", sa.Text(), nullable=False),
        sa.Column("pending", sa.Boolean(), nullable=False),
        sa.Column("vvv_unlocked", sa.Numeric(78, 0), nullable=False),
        sa.Column("vvv_locked", sa.Numeric(78, 0), nullable=False),
        sa.Column("vvv_cooling", sa.Numeric(78, 0), nullable=False),
        sa.Column("rewards_claimed", sa.Numeric(78, 0), nullable=False),
        sa.Column("diem_minted", sa.Numeric(78, 0), nullable=False),
        sa.Column("diem_staked", sa.Numeric(78, 0), nullable=False),
        sa.Column("diem_cooling", sa.Numeric(78, 0), nullable=False),
        sa.Column("diem_given", sa.Numeric(78, 0), nullable=False),
        sa.Column("diem_received", sa.Numeric(78, 0), nullable=False),
        sa.Column("slot_epoch", sa.Integer(), nullable=False),
        sa.Column("slot_current", sa.Numeric(78, 0), nullable=False),
        sa.Column("slot_next", sa.Numeric(78, 0), nullable=False),
        sa.PrimaryKeyConstraint("wallet", "pending"),
    )
    op.create_index(
        "positions_with_right",
        "positions",
        ["wallet"],
        unique=False,
        postgresql_where="NOT pending AND (slot_current > 0 OR slot_next > 0)",
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("last_six", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("limit_diem", sa.BigInteger(), nullable=True),
        sa.Column("limit_usd", sa.BigInteger(), nullable=True),
        sa.Column("limit_period", sa.Text(), nullable=False),
        sa.Column("model_privacy", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("kind IN ('INFERENCE', 'ADMIN')", name="api_keys_kind"),
        sa.CheckConstraint("limit_period IN ('epoch', 'month', 'lifetime')", name="api_keys_period"),
        sa.CheckConstraint("limit_diem >= 0 AND limit_usd >= 0", name="api_keys_limits"),
        sa.CheckConstraint("char_length(description) <= 64", name="api_keys_description"),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("secret_hash"),
    )
    op.create_index(op.f("ix_api_keys_account_id"), "api_keys", ["account_id"], unique=False)
    op.create_table(
        "buckets",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("granted", sa.BigInteger(), nullable=False),
        sa.Column("available", sa.BigInteger(), nullable=False),
        sa.Column("held", sa.BigInteger(), nullable=False),
        sa.Column("consumed", sa.BigInteger(), nullable=False),
        sa.Column("expired", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("source IN ('diem', 'pro_rata', 'membership', 'prepaid')", name="buckets_source"),
        sa.CheckConstraint(
            "available >= 0 AND held >= 0 AND consumed >= 0 AND expired >= 0", name="buckets_never_overspent"
        ),
        sa.CheckConstraint(
            "granted = available + held + consumed + expired", name="buckets_lose_and_invent_nothing"
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint(
            "account_id", "source", "epoch", name="buckets_of_account", postgresql_nulls_not_distinct=True
        ),
    )
    op.create_index(
        "buckets_to_expire", "buckets", ["expires_at"], unique=False, postgresql_where="available > 0"
    )
    op.create_table(
        "entries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
    )
    op.create_index(op.f("ix_entries_account_id"), "entries", ["account_id"], unique=False)
    op.create_table(
        "sessions",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
        ),
        sa.PrimaryKeyConstraint("token_hash"),
    )
    op.create_index(op.f("ix_sessions_account_id"), "sessions", ["account_id"], unique=False)
    op.create_index(op.f("ix_sessions_expires_at"), "sessions", ["expires_at"], unique=False)
    op.create_table(
        "holds",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("gateway_id", sa.BigInteger(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("is_final", sa.Boolean(), nullable=False),
        sa.Column("captured", sa.BigInteger(), nullable=False),
        sa.Column("shortfall", sa.BigInteger(), nullable=False),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("charged_at", sa.BigInteger(), nullable=True),
        sa.Column("refusal", JSONB(), nullable=True),
        sa.CheckConstraint("(state = 'refused') = (refusal IS NOT NULL)", name="holds_refusal"),
        sa.CheckConstraint("char_length(request_id) <= 128", name="holds_request_id"),
        sa.CheckConstraint("char_length(model) <= 128", name="holds_model"),
        sa.CheckConstraint("char_length(refusal::text) <= 500", name="holds_refusal_length"),
        sa.CheckConstraint(
            "state IN ('open', 'captured', 'released', 'expired', 'refused')", name="holds_state"
        ),
        sa.CheckConstraint("amount >= 0 AND captured >= 0 AND shortfall >= 0", name="holds_amounts"),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
        ),
        sa.ForeignKeyConstraint(
            ["gateway_id"],
            ["gateways.id"],
        ),
        sa.ForeignKeyConstraint(
            ["key_id"],
            ["api_keys.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("gateway_id", "request_id", name="holds_request"),
    )
    op.create_index("holds_of_account", "holds", ["account_id", "created_at"], unique=False)
    op.create_index(
        "holds_to_expire", "holds", ["expires_at"], unique=False, postgresql_where="state = 'open'"
    )
    op.create_table(
        "key_spending",
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("diem_spent", sa.BigInteger(), nullable=False),
        sa.Column("diem_held", sa.BigInteger(), nullable=False),
        sa.Column("usd_spent", sa.BigInteger(), nullable=False),
        sa.Column("usd_held", sa.BigInteger(), nullable=False),
        sa.Column("last_used_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "diem_spent >= 0 AND diem_held >= 0 AND usd_spent >= 0 AND usd_held >= 0",
            name="key_spending_never_negative",
        ),
        sa.ForeignKeyConstraint(
            ["key_id"],
            ["api_keys.id"],
        ),
        sa.PrimaryKeyConstraint("key_id", "epoch"),
    )
    op.create_table(
        "postings",
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("bucket_id", sa.BigInteger(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "bucket_id IS NOT NULL OR (source = 'operator' AND target = 'consumed')",
            name="postings_have_a_bucket",
        ),
        sa.CheckConstraint("amount > 0", name="postings_move_something"),
        sa.CheckConstraint("source <> target", name="postings_move_somewhere"),
        sa.ForeignKeyConstraint(
            ["bucket_id"],
            ["buckets.id"],
        ),
        sa.ForeignKeyConstraint(
            ["entry_id"],
            ["entries.id"],
        ),
        sa.PrimaryKeyConstraint("entry_id", "line"),
    )
    op.create_index(op.f("ix_postings_bucket_id"), "postings", ["bucket_id"], unique=False)
    op.create_table(
        "hold_parts",
        sa.Column("hold_id", sa.Text(), nullable=False),
        sa.Column("line", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("bucket_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount > 0", name="hold_parts_amount"),
        sa.ForeignKeyConstraint(
            ["bucket_id"],
            ["buckets.id"],
        ),
        sa.ForeignKeyConstraint(
            ["hold_id"],
            ["holds.id"],
        ),
        sa.PrimaryKeyConstraint("hold_id", "line"),
    )
    op.create_table(
        "usage",
        sa.Column("hold_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("input_tokens", sa.BigInteger(), nullable=True),
        sa.Column("output_tokens", sa.BigInteger(), nullable=True),
        sa.Column("latency_ms", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("char_length(model) <= 128", name="usage_model"),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
        ),
        sa.ForeignKeyConstraint(
            ["hold_id"],
            ["holds.id"],
        ),
        sa.PrimaryKeyConstraint("hold_id"),
    )
    op.create_index("usage_of_account", "usage", ["account_id", "created_at"], unique=False)
    op.execute("INSERT INTO clock (singleton, shift_seconds) VALUES (true, 0)")
    op.execute(SERVICE_TIME)
    op.execute(APPEND_ONLY)
    for table in ("entries", "postings"):
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    for table in ("entries", "postings"):
        op.execute(f"DROP TRIGGER {table}_append_only ON {table}")
    op.execute("DROP FUNCTION refuse_change()")
    op.execute("DROP FUNCTION service_time()")
    op.drop_index("usage_of_account", table_name="usage")
    op.drop_table("usage")
    op.drop_table("hold_parts")
    op.drop_index(op.f("ix_postings_bucket_id"), table_name="postings")
    op.drop_table("postings")
    op.drop_table("key_spending")
    op.drop_index("holds_to_expire", table_name="holds", postgresql_where="state = 'open'")
    op.drop_index("holds_of_account", table_name="holds")
    op.drop_table("holds")
    op.drop_index(op.f("ix_sessions_expires_at"), table_name="sessions")
    op.drop_index(op.f("ix_sessions_account_id"), table_name="sessions")
    op.drop_table("sessions")
    op.drop_index(op.f("ix_entries_account_id"), table_name="entries")
    op.drop_table("entries")
    op.drop_index("buckets_to_expire", table_name="buckets", postgresql_where="available > 0")
    op.drop_table("buckets")
    op.drop_index(op.f("ix_api_keys_account_id"), table_name="api_keys")
    op.drop_table("api_keys")
    op.drop_index(
        "positions_with_right",
        table_name="positions",
        postgresql_where="NOT pending AND (slot_current > 0 OR slot_next > 0)",
    )
    op.drop_table("positions")
    op.drop_index(op.f("ix_nonces_expires_at"), table_name="nonces")
    op.drop_table("nonces")
    op.drop_table("gateways")
    op.drop_index("events_wallet", table_name="events")
    op.drop_index("events_receiver", table_name="events", postgresql_where="receiver IS NOT NULL")
    op.drop_table("events")
    op.drop_table("clock")
    op.drop_table("chain_state")
    op.drop_table("blocks")
    op.drop_table("accounts")
