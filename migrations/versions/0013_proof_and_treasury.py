"""What proves a charge is found by time; roots are replaced once; reasons of operations; USDC to buybacks."""

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


def downgrade() -> None:
    op.drop_index("entries_by_time", "entries")
