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


def downgrade() -> None:
    op.drop_constraint("epoch_roots_replaced", "epoch_roots")
    op.drop_column("epoch_roots", "replaced_at")
    op.drop_index("entries_by_time", "entries")
