"""Buybacks: policies, plans that were announced, every run, and what the chain told."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "buyback_cursor",
        sa.Column("burner", sa.Text(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("block_hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("burner"),
    )
    op.create_table(
        "buyback_executions",
        sa.Column("burner", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("block_hash", sa.Text(), nullable=False),
        sa.Column("transaction_hash", sa.Text(), nullable=False),
        sa.Column("executed_at", sa.BigInteger(), nullable=False),
        sa.Column("keeper", sa.Text(), nullable=False),
        sa.Column("spent", sa.Numeric(78, 0), nullable=False),
        sa.Column("burned", sa.Numeric(78, 0), nullable=False),
        sa.Column("donated", sa.Numeric(78, 0), nullable=False),
        sa.Column("reference_price", sa.Numeric(78, 0), nullable=False),
        sa.PrimaryKeyConstraint("burner", "number"),
    )
    op.create_table(
        "buyback_plans",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("through_epoch", sa.Integer(), nullable=False),
        sa.Column("amount", sa.Numeric(78, 0), nullable=False),
        sa.Column("lots", sa.Integer(), nullable=False),
        sa.Column("seed", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("planned_at", sa.BigInteger(), nullable=False),
        sa.Column("not_before", sa.BigInteger(), nullable=False),
        sa.Column("next_lot_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint("(state = 'announced') = (ended_at IS NULL)", name="buyback_plans_end"),
        sa.CheckConstraint("state IN ('announced', 'done', 'vetoed')", name="buyback_plans_state"),
        sa.CheckConstraint("char_length(reason) <= 500", name="buyback_plans_reason"),
        sa.CheckConstraint("lots > 0", name="buyback_plans_lots"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "buyback_plans_open",
        "buyback_plans",
        [sa.text("(true)")],
        unique=True,
        postgresql_where=sa.text("state = 'announced'"),
    )
    op.create_table(
        "buyback_policies",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("from_epoch", sa.Integer(), nullable=False),
        sa.Column("schedule", sa.Text(), nullable=False),
        sa.Column("revenue_share", sa.Integer(), nullable=False),
        sa.Column("per_subscription", sa.Numeric(78, 0), nullable=False),
        sa.Column("purchase_share", sa.Integer(), nullable=False),
        sa.Column("minimum", sa.Numeric(78, 0), nullable=False),
        sa.Column("impact", sa.Integer(), nullable=False),
        sa.Column("slippage", sa.Integer(), nullable=False),
        sa.Column("spacing", sa.BigInteger(), nullable=False),
        sa.Column("jitter", sa.BigInteger(), nullable=False),
        sa.Column("veto", sa.BigInteger(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "schedule IN ('off', 'monthly', 'weekly', 'threshold')", name="buyback_policies_schedule"
        ),
        sa.CheckConstraint("char_length(made_by) <= 64", name="buyback_policies_made_by"),
        sa.CheckConstraint("char_length(reason) <= 200", name="buyback_policies_reason"),
        sa.CheckConstraint(
            "revenue_share BETWEEN 0 AND 10000 AND purchase_share BETWEEN 0 AND 10000",
            name="buyback_policies_shares",
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("buyback_policies_of_day", "buyback_policies", ["from_epoch", "id"], unique=False)
    op.create_table(
        "buyback_vetoes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("char_length(made_by) <= 64", name="buyback_vetoes_made_by"),
        sa.CheckConstraint("char_length(reason) <= 200", name="buyback_vetoes_reason"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "buyback_runs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("plan_id", sa.BigInteger(), nullable=True),
        sa.Column("burner", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("keeper", sa.Text(), nullable=False),
        sa.Column("nonce", sa.BigInteger(), nullable=False),
        sa.Column("usdc", sa.Numeric(78, 0), nullable=False),
        sa.Column("minimum", sa.Numeric(78, 0), nullable=False),
        sa.Column("floor", sa.Numeric(78, 0), nullable=False),
        sa.Column("deadline", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("taken_at", sa.BigInteger(), nullable=True),
        sa.Column("spent", sa.Numeric(78, 0), nullable=True),
        sa.Column("burned", sa.Numeric(78, 0), nullable=True),
        sa.Column("block_number", sa.BigInteger(), nullable=True),
        sa.Column("transaction_hash", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("planned_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(state IN ('final', 'refused', 'replaced')) = (ended_at IS NOT NULL)", name="buyback_runs_end"
        ),
        sa.CheckConstraint(
            "state <> 'final' OR (spent > 0 AND spent <= usdc AND burned >= minimum)",
            name="buyback_runs_executed",
        ),
        sa.CheckConstraint(
            "state IN ('planned', 'signed', 'sent', 'mined', 'final', 'refused', 'replaced')",
            name="buyback_runs_state",
        ),
        sa.CheckConstraint("char_length(reason) <= 500", name="buyback_runs_reason"),
        sa.CheckConstraint("minimum >= floor", name="buyback_runs_floor"),
        sa.CheckConstraint("number >= 0 AND nonce >= 0 AND usdc > 0", name="buyback_runs_amounts"),
        sa.ForeignKeyConstraint(
            ["plan_id"],
            ["buyback_plans.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "buyback_runs_numbers",
        "buyback_runs",
        ["burner", "number"],
        unique=True,
        postgresql_where=sa.text("state = 'final'"),
    )
    op.create_index(
        "buyback_runs_open",
        "buyback_runs",
        [sa.text("(true)")],
        unique=True,
        postgresql_where=sa.text("state IN ('planned', 'signed', 'sent', 'mined')"),
    )
    op.create_index(op.f("ix_buyback_runs_plan_id"), "buyback_runs", ["plan_id"], unique=False)
    op.create_table(
        "buyback_transactions",
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("max_fee", sa.Numeric(78, 0), nullable=False),
        sa.Column("tip", sa.Numeric(78, 0), nullable=False),
        sa.Column("signed_at", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("kind IN ('execute', 'cancel')", name="buyback_transactions_kind"),
        sa.CheckConstraint("number > 0", name="buyback_transactions_number"),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["buyback_runs.id"],
        ),
        sa.PrimaryKeyConstraint("run_id", "number"),
        sa.UniqueConstraint("hash"),
    )


def downgrade() -> None:
    for table in (
        "buyback_transactions",
        "buyback_runs",
        "buyback_vetoes",
        "buyback_policies",
        "buyback_plans",
        "buyback_executions",
        "buyback_cursor",
    ):
        op.drop_table(table)
