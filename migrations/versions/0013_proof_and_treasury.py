"""What proves a charge is found by time; roots are replaced once; reasons of operations; USDC to buybacks."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # In one statement on the parent, which makes it on each week, and on those to come.
    op.create_index(
        "entries_by_time",
        "entries",
        ["created_at"],
        postgresql_using="brin",
        postgresql_with={"pages_per_range": 16, "autosummarize": "on"},
    )
    op.add_column("epoch_roots", sa.Column("replaced_at", sa.BigInteger(), nullable=True))
    op.create_check_constraint(
        "epoch_roots_replaced", "epoch_roots", "replaced_at IS NULL OR raw_transaction IS NOT NULL"
    )
    op.create_table(
        "buyback_fundings",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("burner", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("nonce", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.Numeric(78, 0), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=True),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "state IN ('signed', 'final', 'failed', 'replaced')", name="buyback_fundings_state"
        ),
        sa.CheckConstraint("(state = 'signed') = (ended_at IS NULL)", name="buyback_fundings_end"),
        sa.CheckConstraint(
            "(state IN ('final', 'failed')) = (block_number IS NOT NULL)", name="buyback_fundings_block"
        ),
        sa.CheckConstraint("nonce >= 0 AND amount > 0", name="buyback_fundings_amounts"),
        sa.PrimaryKeyConstraint("id", name="buyback_fundings_pkey"),
        sa.UniqueConstraint("hash", name="buyback_fundings_hash_key"),
    )
    op.create_index(
        "buyback_fundings_open",
        "buyback_fundings",
        ["burner"],
        unique=True,
        postgresql_where=sa.text("state = 'signed'"),
    )


def downgrade() -> None:
    op.drop_table("buyback_fundings")
    op.drop_constraint("epoch_roots_replaced", "epoch_roots")
    op.drop_column("epoch_roots", "replaced_at")
    op.drop_index("entries_by_time", "entries")
