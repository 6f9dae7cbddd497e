"""How many images a request made: null in what was booked before.

Weeks that were taken out get the column too, and so does one that is put back from an older dump, when the
views are made over it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

SEE_ARCHIVE = """
CREATE OR REPLACE FUNCTION see_archive(except_week integer DEFAULT NULL) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    parent text;
    columns text;
    query text;
    lacking record;
BEGIN
    FOREACH parent IN ARRAY ARRAY['entries', 'usage'] LOOP
        {completed}
        SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) INTO columns FROM pg_attribute
        WHERE attrelid = to_regclass(parent) AND attnum > 0 AND NOT attisdropped;
        SELECT format('SELECT %s FROM %I', columns, parent) || coalesce(string_agg(
            format(' UNION ALL SELECT %s FROM archive.%I', columns, c.relname), '' ORDER BY c.relname
        ), '') INTO query
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname = 'archive' AND c.relkind = 'r' AND c.relname ~ ('^' || parent || '_[0-9]+$')
          AND c.relname IS DISTINCT FROM parent || '_' || except_week;
        EXECUTE format('CREATE OR REPLACE VIEW all_%s AS %s', parent, query);
    END LOOP;
END
$$
"""
COMPLETED = """
        FOR lacking IN
            SELECT c.relname AS part, a.attname AS name, format_type(a.atttypid, a.atttypmod) AS kind
            FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace, pg_attribute AS a
            WHERE n.nspname = 'archive' AND c.relkind = 'r' AND c.relname ~ ('^' || parent || '_[0-9]+$')
              AND a.attrelid = to_regclass(parent) AND a.attnum > 0 AND NOT a.attisdropped
              AND NOT EXISTS (SELECT FROM pg_attribute AS own
                              WHERE own.attrelid = c.oid AND own.attname = a.attname)
            ORDER BY c.relname, a.attnum
        LOOP
            EXECUTE format(
                'ALTER TABLE archive.%I ADD COLUMN %I %s', lacking.part, lacking.name, lacking.kind
            );
        END LOOP;
"""


def upgrade() -> None:
    # Of the parent, which gives it to each week that is still there, and to those to come.
    op.add_column("usage", sa.Column("images", sa.BigInteger(), nullable=True))
    op.execute(SEE_ARCHIVE.format(completed=COMPLETED))
    op.execute("SELECT see_archive()")


def downgrade() -> None:
    op.execute("DROP VIEW all_usage")
    op.drop_column("usage", "images")
    op.execute(
        """DO $$
        DECLARE
            part text;
        BEGIN
            FOR part IN SELECT c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
                        WHERE n.nspname = 'archive' AND c.relkind = 'r' AND c.relname ~ '^usage_[0-9]+$' LOOP
                EXECUTE format('ALTER TABLE archive.%I DROP COLUMN images', part);
            END LOOP;
        END $$"""
    )
    op.execute(SEE_ARCHIVE.format(completed=""))
    op.execute("SELECT see_archive()")
