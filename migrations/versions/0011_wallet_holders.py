"""What a wallet's page asks for: the newest events of any wallet; keys that are paused, and new secrets."""

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
    op.add_column("api_keys", sa.Column("paused_at", sa.BigInteger(), nullable=True))
    op.add_column("api_keys", sa.Column("rotated_at", sa.BigInteger(), nullable=True))
    op.create_table(
        "retired_secrets",
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("retired_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("octet_length(secret_hash) = 32", name="retired_secrets_hash"),
        sa.ForeignKeyConstraint(["key_id"], ["api_keys.id"], name="retired_secrets_key_id_fkey"),
        sa.PrimaryKeyConstraint("secret_hash", name="retired_secrets_pkey"),
    )
    op.create_index("ix_retired_secrets_key_id", "retired_secrets", ["key_id"])
    op.create_index(
        "holds_refused_of_account",
        "holds",
        ["account_id", "id"],
        postgresql_where=sa.text("state = 'refused'"),
    )


def downgrade() -> None:
    op.drop_index("holds_refused_of_account", "holds")
    op.drop_table("retired_secrets")
    op.drop_column("api_keys", "rotated_at")
    op.drop_column("api_keys", "paused_at")
    op.drop_index("events_openings", "events")
    op.drop_index("events_receiver", "events")
    op.drop_index("events_wallet", "events")
    op.create_index("events_wallet", "events", ["wallet"])
    op.create_index(
        "events_receiver", "events", ["receiver"], postgresql_where=sa.text("receiver IS NOT NULL")
    )
