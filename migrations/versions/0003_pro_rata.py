"""Where epochs began, and the capacity that is shared in them."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "epoch_starts",
        sa.Column("epoch", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("block_hash", sa.Text(), nullable=False),
        sa.Column("vvv_staked", sa.Numeric(78, 0), nullable=False),
        sa.Column("is_disputed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("epoch"),
    )
    op.create_table(
        "stake_total",
        sa.Column("singleton", sa.Boolean(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("vvv_staked", sa.Numeric(78, 0), nullable=False),
        sa.CheckConstraint("singleton", name="stake_total_is_one_row"),
        sa.PrimaryKeyConstraint("singleton"),
    )
    op.create_table(
        "pro_rata_policies",
        sa.Column("from_epoch", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("capacity", sa.BigInteger(), nullable=False),
        sa.Column("minimum_stake", sa.Numeric(78, 0), nullable=False),
        sa.Column("set_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("capacity >= 0 AND minimum_stake >= 0", name="pro_rata_policies_amounts"),
        sa.PrimaryKeyConstraint("from_epoch"),
    )


def downgrade() -> None:
    op.drop_table("pro_rata_policies")
    op.drop_table("stake_total")
    op.drop_table("epoch_starts")
