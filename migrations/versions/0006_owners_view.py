"""What an owner is told without asking: webhooks and their outbox; and who was refused by a rate."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rate_refusals",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("slot", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("tier", sa.Text(), nullable=False),
        sa.Column("rate_of", sa.Text(), nullable=False),
        sa.Column("refused_at", sa.BigInteger(), nullable=False),
        sa.Column("times", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "slot", name="rate_refusals_pkey"),
        sa.CheckConstraint("slot >= 0 AND slot < 50", name="rate_refusals_are_few"),
        sa.CheckConstraint("char_length(model) <= 128", name="rate_refusals_model"),
        sa.CheckConstraint("rate_of IN ('account', 'key')", name="rate_refusals_rate_of"),
        sa.CheckConstraint("times > 0", name="rate_refusals_times"),
    )
    op.create_table(
        "webhooks",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"]),
        sa.PrimaryKeyConstraint("account_id"),
        sa.UniqueConstraint("id"),
        sa.CheckConstraint("char_length(url) <= 500", name="webhooks_url"),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("available", sa.BigInteger(), nullable=False),
        sa.Column("granted", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("last_try_at", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("delivered_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("event_id"),
        sa.UniqueConstraint("account_id", "kind", "epoch", name="outbox_once_a_day"),
        sa.CheckConstraint("kind IN ('credit.low', 'credit.exhausted')", name="outbox_kind"),
        sa.CheckConstraint("available >= 0 AND granted >= 0 AND tries >= 0", name="outbox_amounts"),
        sa.CheckConstraint("char_length(outcome) <= 64", name="outbox_outcome"),
        sa.CheckConstraint("delivered_at IS NULL OR due_at IS NULL", name="outbox_delivered_is_not_due"),
    )
    op.create_index("outbox_due", "outbox", ["due_at"], postgresql_where=sa.text("due_at IS NOT NULL"))


def downgrade() -> None:
    for table in ("outbox", "webhooks", "rate_refusals"):
        op.drop_table(table)
