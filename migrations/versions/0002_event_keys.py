"""Events are known by their place alone, and found by wallet through smaller indexes."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_constraint("events_pkey", "events")
    op.drop_constraint("events_place", "events")
    op.create_primary_key("events_pkey", "events", ["block_number", "log_index"])
    op.drop_index("events_wallet", "events")
    op.drop_index("events_receiver", "events")
    op.create_index("events_wallet", "events", ["wallet"])
    op.create_index(
        "events_receiver", "events", ["receiver"], postgresql_where=sa.text("receiver IS NOT NULL")
    )


def downgrade() -> None:
    op.drop_index("events_receiver", "events")
    op.drop_index("events_wallet", "events")
    op.create_index(
        "events_receiver",
        "events",
        ["receiver", "block_number", "log_index"],
        postgresql_where=sa.text("receiver IS NOT NULL"),
    )
    op.create_index("events_wallet", "events", ["wallet", "block_number", "log_index"])
    op.drop_constraint("events_pkey", "events")
    op.create_primary_key("events_pkey", "events", ["block_hash", "log_index"])
    op.create_unique_constraint("events_place", "events", ["block_number", "log_index"])
