"""What was paid for and became credit: top-ups, months of a membership, and what an operator adjusted."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "events_purchases",
        "events",
        ["block_number"],
        postgresql_where=sa.text("kind IN ('CreditBought', 'MembershipBought')"),
    )
    op.create_index(
        "events_purchase_hashes",
        "events",
        ["transaction_hash"],
        postgresql_where=sa.text("kind IN ('CreditBought', 'MembershipBought')"),
    )
    op.create_table(
        "purchases",
        sa.Column("transaction_hash", sa.Text(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), sa.ForeignKey("accounts.id"), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("settled_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("transaction_hash", "account_id", "number", name="purchases_pkey"),
        sa.CheckConstraint("kind IN ('credit', 'membership')", name="purchases_kind"),
        sa.CheckConstraint("number > 0 AND amount >= 0", name="purchases_amounts"),
    )
    op.create_index("purchases_of_account", "purchases", ["account_id"])
    op.create_table(
        "memberships",
        sa.Column("account_id", sa.BigInteger(), sa.ForeignKey("accounts.id"), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("tier", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("ends_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.Column("credit", sa.BigInteger(), nullable=False),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("account_id", "provider", "tier", "ends_at", name="memberships_pkey"),
        sa.CheckConstraint("provider IN ('chain', 'card')", name="memberships_provider"),
        sa.CheckConstraint("tier > 0 AND credit >= 0", name="memberships_amounts"),
        sa.CheckConstraint("starts_at < ends_at", name="memberships_months"),
    )
    op.create_index(
        "memberships_to_begin",
        "memberships",
        ["starts_at"],
        postgresql_where=sa.text("settled_at IS NULL"),
    )
    op.create_table(
        "membership_terms",
        sa.Column("tier", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("credit", sa.BigInteger(), nullable=False),
        sa.Column("upgrade_credit", sa.BigInteger(), nullable=False),
        sa.Column("set_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tier", name="membership_terms_pkey"),
        sa.CheckConstraint(
            "tier > 0 AND credit >= 0 AND upgrade_credit >= 0", name="membership_terms_amounts"
        ),
    )
    op.create_table(
        "card_events",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="card_events_pkey"),
        sa.CheckConstraint("char_length(id) <= 255", name="card_events_id"),
    )
    op.create_table(
        "adjustments",
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), sa.ForeignKey("accounts.id"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("purchase_hash", sa.Text(), nullable=True),
        sa.Column("purchase_number", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("reference", name="adjustments_pkey"),
        sa.CheckConstraint("kind IN ('grant', 'refund', 'correct', 'upgrade')", name="adjustments_kind"),
        sa.CheckConstraint("amount > 0", name="adjustments_amount"),
        sa.CheckConstraint("char_length(reference) <= 64", name="adjustments_reference"),
        sa.CheckConstraint("char_length(reason) <= 200", name="adjustments_reason"),
        sa.CheckConstraint("char_length(made_by) <= 64", name="adjustments_made_by"),
        sa.CheckConstraint(
            "(purchase_hash IS NULL) = (purchase_number IS NULL) "
            "AND (purchase_hash IS NOT NULL) = (kind = 'refund')",
            name="adjustments_purchase",
        ),
    )
    op.create_index("adjustments_of_account", "adjustments", ["account_id"])


def downgrade() -> None:
    for table in ("adjustments", "card_events", "membership_terms", "memberships", "purchases"):
        op.drop_table(table)
    for index in ("events_purchase_hashes", "events_purchases"):
        op.drop_index(index, table_name="events")
