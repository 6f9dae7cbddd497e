"""Why nothing is granted, when the cursor moved, and what the last verification found."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # What is stored already moved when it was last asked; from the next step on the figures are its own.
    op.add_column("chain_state", sa.Column("node_timestamp", sa.BigInteger(), nullable=True))
    op.add_column("chain_state", sa.Column("moved_at", sa.BigInteger(), nullable=True))
    op.execute("UPDATE chain_state SET node_timestamp = head_timestamp, moved_at = stepped_at")
    op.alter_column("chain_state", "node_timestamp", nullable=False)
    op.alter_column("chain_state", "moved_at", nullable=False)
    op.add_column("chain_state", sa.Column("granting_stopped", sa.Text(), nullable=True))
    op.add_column("chain_state", sa.Column("check_failed", sa.Text(), nullable=True))
    op.create_check_constraint(
        "chain_state_granting_stopped", "chain_state", "char_length(granting_stopped) <= 500"
    )
    op.create_check_constraint("chain_state_check_failed", "chain_state", "char_length(check_failed) <= 500")
    op.create_table(
        "verification",
        sa.Column("singleton", sa.Boolean(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("verified_at", sa.BigInteger(), nullable=False),
        sa.Column("wallets", sa.BigInteger(), nullable=False),
        sa.Column("differences", sa.BigInteger(), nullable=False),
        sa.Column("next_after", sa.Text(), nullable=True),
        sa.CheckConstraint("singleton", name="verification_is_one_row"),
        sa.CheckConstraint("wallets >= 0 AND differences >= 0", name="verification_counts"),
        sa.PrimaryKeyConstraint("singleton"),
    )


def downgrade() -> None:
    op.drop_table("verification")
    for column in ("check_failed", "granting_stopped", "moved_at", "node_timestamp"):
        op.drop_column("chain_state", column)
