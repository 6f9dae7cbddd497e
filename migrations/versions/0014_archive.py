"""Weeks of the journal and of the usage that were taken out: each part a table, in a schema for them.

A part that was taken out must not be made again: what was booked in it would be forgotten, and could be
booked once more. So whoever wants to write into such a week is refused.
"""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

MAKE_WEEK = """
CREATE OR REPLACE FUNCTION make_week(week integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    parent text;
    part text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('make_week'));
    FOREACH parent IN ARRAY ARRAY['entries', 'usage'] LOOP
        part := parent || '_' || week;
        CONTINUE WHEN to_regclass(part) IS NOT NULL;
        {refused}
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', part, parent);
        EXECUTE format(
            'ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)',
            parent, part, week * 7, week * 7 + 7
        );
        IF parent = 'entries' THEN
            EXECUTE format(
                'CREATE TRIGGER entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %I '
                'FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', part
            );
        END IF;
    END LOOP;
END
$$
"""
REFUSED = """
        IF week <= (SELECT max(a.week) FROM archived_weeks AS a) THEN
            RAISE EXCEPTION 'week % was taken out of %: nothing is booked in it any more', week, parent;
        END IF;
"""
# Both parts and both views in one transaction, or nothing of it. Whoever books meanwhile waits for as long as
# lock_timeout says, at the most, which the caller sets.
TAKE_OUT_WEEK = """
CREATE FUNCTION take_out_week(week integer, at bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    parent text;
    part text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('make_week'));
    FOREACH parent IN ARRAY ARRAY['entries', 'usage'] LOOP
        part := parent || '_' || week;
        CONTINUE WHEN to_regclass(part) IS NULL;
        EXECUTE format('ALTER TABLE %I DETACH PARTITION %I', parent, part);
        EXECUTE format('ALTER TABLE %I SET SCHEMA archive', part);
    END LOOP;
    INSERT INTO archived_weeks (week, archived_at) VALUES (week, at);
    PERFORM see_archive();
END
$$
"""
# A row's columns are named, so that a part that was put back from a dump may have them in any order.
SEE_ARCHIVE = """
CREATE FUNCTION see_archive(except_week integer DEFAULT NULL) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    parent text;
    columns text;
    query text;
BEGIN
    FOREACH parent IN ARRAY ARRAY['entries', 'usage'] LOOP
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

JOURNAL = """
CREATE OR REPLACE VIEW journal AS
SELECT e.id, e.epoch, e.key, e.kind, e.account_id, e.created_at,
       m.line, m.bucket_id, split_part(m.move, '>', 1) AS source, split_part(m.move, '>', 2) AS target,
           m.amount
FROM {source} AS e, unnest(e.buckets, e.moves, e.amounts) WITH ORDINALITY AS m (bucket_id, move, amount, line)
"""


def upgrade() -> None:
    op.execute("CREATE SCHEMA IF NOT EXISTS archive")
    op.execute(
        """CREATE TABLE archived_weeks (
            week integer NOT NULL, archived_at bigint NOT NULL,
            CONSTRAINT archived_weeks_pkey PRIMARY KEY (week)
        )"""
    )
    op.execute(MAKE_WEEK.format(refused=REFUSED))
    op.execute(SEE_ARCHIVE)
    op.execute("SELECT see_archive()")
    op.execute(JOURNAL.format(source="all_entries"))
    op.execute(TAKE_OUT_WEEK)


def downgrade() -> None:
    # What was taken out goes back to where it was: the program of before knows of no other place.
    op.execute(JOURNAL.format(source="entries"))
    op.execute("DROP VIEW all_entries")
    op.execute("DROP VIEW all_usage")
    op.execute(
        """DO $$
        DECLARE
            part record;
        BEGIN
            FOR part IN SELECT c.relname AS name, split_part(c.relname, '_', 1) AS parent,
                               split_part(c.relname, '_', 2)::integer AS week
                        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
                        WHERE n.nspname = 'archive' AND c.relkind = 'r' LOOP
                EXECUTE format('ALTER TABLE archive.%I SET SCHEMA public', part.name);
                EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)',
                               part.parent, part.name, part.week * 7, part.week * 7 + 7);
            END LOOP;
        END $$"""
    )
    op.execute("DROP FUNCTION take_out_week(integer, bigint)")
    op.execute("DROP FUNCTION see_archive(integer)")
    op.execute(MAKE_WEEK.format(refused=""))
    op.execute("DROP TABLE archived_weeks")
    op.execute("DROP SCHEMA archive")
