"""What a wallet's page asks for: the newest events of any wallet, and what of it is open."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

OPENINGS = (
    "kind IN ('VvvExitRequested', 'VvvExitCancelled', 'VvvExitClaimed', 'DiemExitRequested', "
    "'DiemExitCancelled', 'DiemExitClaimed', 'Delegated', 'DelegationEnded')"
)


def upgrade() -> None:
    place = ["block_number", "log_index"]
    op.drop_index("events_wallet", "events")
    op.drop_index("events_receiver", "events")
    op.create_index("events_wallet", "events", ["wallet", *place])
    op.create_index(
        "events_receiver", "events", ["receiver", *place], postgresql_where=sa.text("receiver IS NOT NULL")
    )
    op.create_index("events_openings", "events", ["wallet", *place], postgresql_where=sa.text(OPENINGS))


def downgrade() -> None:
    op.drop_index("events_openings", "events")
    op.drop_index("events_receiver", "events")
    op.drop_index("events_wallet", "events")
    op.create_index("events_wallet", "events", ["wallet"])
    op.create_index(
        "events_receiver", "events", ["receiver"], postgresql_where=sa.text("receiver IS NOT NULL")
    )
