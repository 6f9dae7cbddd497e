"""Accounts, keys and gateways are never removed; so a hold's row need not ask whether they are there.

Three foreign keys cost each hold three look-ups, each of which locks the row that it finds. What they guarded
against is refused where it would happen.
"""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

LASTING = ("accounts", "api_keys", "gateways")
REFERENCES = (("account_id", "accounts"), ("key_id", "api_keys"), ("gateway_id", "gateways"))
REFUSE = """
CREATE FUNCTION refuse_removal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a row of % is never removed or renumbered: what was booked names it', TG_TABLE_NAME;
END
$$
"""


def upgrade() -> None:
    op.execute(REFUSE)
    for table in LASTING:
        op.execute(
            f"CREATE TRIGGER {table}_last BEFORE UPDATE OF id OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_removal()"
        )
    for column, _ in REFERENCES:
        op.execute(f"ALTER TABLE holds DROP CONSTRAINT holds_{column}_fkey")


def downgrade() -> None:
    for column, table in REFERENCES:
        op.execute(
            f"ALTER TABLE holds ADD CONSTRAINT holds_{column}_fkey "
            f"FOREIGN KEY ({column}) REFERENCES {table} (id)"
        )
    for table in LASTING:
        op.execute(f"DROP TRIGGER {table}_last ON {table}")
    op.execute("DROP FUNCTION refuse_removal()")
