"""The journal as a hash chain, by batches, in lanes; what an operator does by hand, and daily statements.

What was booked before becomes the first batches of lane 0, so that nothing is outside the chain. The hashing
is written out here: a migration must go on doing what it did when the program has moved on.
"""

import hashlib
import struct
from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ENTRIES_PER_BATCH = 1_000

# The first lane that nobody writes in, until the end of the transaction, and its newest batch. Each statement
# of a function sees what was committed before it began: a lane that is free has nothing that is not seen.
TAKE_LANE = """
CREATE FUNCTION take_lane(OUT lane integer, OUT number bigint, OUT hash bytea) LANGUAGE plpgsql AS $$
BEGIN
    lane := 0;
    WHILE NOT pg_try_advisory_xact_lock(hashtext('take_lane'), lane) LOOP
        lane := lane + 1;
    END LOOP;
    SELECT b.number, b.hash INTO number, hash FROM journal_batches AS b
    WHERE b.lane = take_lane.lane ORDER BY b.number DESC LIMIT 1;
    IF NOT FOUND THEN
        number := 0;
        hash := decode(repeat('00', 32), 'hex');
    END IF;
END
$$
"""
# As COPY writes them: numbers and words of ours, none of which needs an escape.
LINES = """
SELECT concat_ws(E'\\t', id, epoch, key, kind, account_id, created_at, buckets::text, moves::text,
                 amounts::text) || E'\\n'
FROM entries ORDER BY id
"""
NUMBER_ENTRIES = """
UPDATE entries AS e SET batch = n.batch
FROM (SELECT epoch, key, 1 + (row_number() OVER (ORDER BY id) - 1) / :size AS batch FROM entries) AS n
WHERE n.epoch = e.epoch AND n.key = e.key
"""
# Credit that a person moved before; what the terms of a membership gave by themselves is nobody's act.
CARRY_ADJUSTMENTS = """
INSERT INTO admin_acts (kind, made_at, made_by, reason, subject, reference, figures)
SELECT 'credit.' || a.kind, a.made_at, a.made_by, a.reason, o.wallet, a.reference,
       jsonb_build_object('amount', a.amount)
FROM adjustments AS a JOIN accounts AS o ON o.id = a.account_id
WHERE a.kind <> 'upgrade' ORDER BY a.made_at, a.reference
"""
KEEP = (
    "INSERT INTO journal_batches (lane, number, previous_hash, root, entry_count, written_at, hash) "
    "VALUES (0, :number, :previous, :root, :count, :now, :hash)"
)


def upgrade() -> None:
    op.create_table(
        "journal_batches",
        sa.Column("lane", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("previous_hash", sa.LargeBinary(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("entry_count", sa.Integer(), nullable=False),
        sa.Column("written_at", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("lane", "number", name="journal_batches_pkey"),
        sa.CheckConstraint("lane >= 0 AND number > 0 AND entry_count > 0", name="journal_batches_numbers"),
        sa.CheckConstraint(
            "octet_length(previous_hash) = 32 AND octet_length(root) = 32 AND octet_length(hash) = 32",
            name="journal_batches_hashes",
        ),
    )
    append_only("journal_batches")
    op.execute(TAKE_LANE)
    _bind_entries()
    op.add_column("api_keys", sa.Column("suspended_at", sa.BigInteger(), nullable=True))
    _acts()
    _statements()


def append_only(table: str) -> None:
    op.execute(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def _bind_entries() -> None:
    # Of the day before the chain: whoever is to show that it was so then has only what was published.
    op.add_column("entries", sa.Column("lane", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("entries", sa.Column("batch", sa.BigInteger(), nullable=False, server_default="0"))
    connection = op.get_bind()
    if connection.scalar(sa.text("SELECT EXISTS (SELECT FROM entries)")):
        op.execute("ALTER TABLE entries DISABLE TRIGGER entries_append_only")
        connection.execute(sa.text(NUMBER_ENTRIES), {"size": ENTRIES_PER_BATCH})
        op.execute("ALTER TABLE entries ENABLE TRIGGER entries_append_only")
        _write_batches(connection)
    op.alter_column("entries", "lane", server_default=None)
    op.alter_column("entries", "batch", server_default=None)


def _write_batches(connection: sa.Connection) -> None:
    now = connection.scalar(sa.text("SELECT service_time()"))
    previous = bytes(32)
    streamed = connection.execute(sa.text(LINES), execution_options={"stream_results": True})
    batches: list[dict[str, object]] = []
    for number, lines in enumerate(streamed.scalars().partitions(ENTRIES_PER_BATCH), start=1):
        root = merkle_root([hashlib.sha256(b"\0" + line.encode()).digest() for line in lines])
        own = hashlib.sha256(
            b"entitlement journal batch 1\0"
            + struct.pack(">IQ", 0, number)
            + previous
            + root
            + struct.pack(">IQ", len(lines), now)
        ).digest()
        batches.append(
            {
                "number": number,
                "previous": previous,
                "root": root,
                "count": len(lines),
                "now": now,
                "hash": own,
            }
        )
        previous = own
    connection.execute(sa.text(KEEP), batches)


def merkle_root(level: list[bytes]) -> bytes:
    while len(level) > 1:
        pairs: Iterator[tuple[bytes, bytes]] = zip(level[::2], level[1::2], strict=False)
        above = [hashlib.sha256(b"\1" + left + right).digest() for left, right in pairs]
        level = above + level[len(level) - len(level) % 2 :]
    return level[0]


def _acts() -> None:
    op.create_table(
        "admin_acts",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("figures", JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="admin_acts_pkey"),
        sa.CheckConstraint("char_length(made_by) <= 64", name="admin_acts_made_by"),
        sa.CheckConstraint("char_length(reason) <= 200", name="admin_acts_reason"),
        sa.CheckConstraint("char_length(subject) <= 64", name="admin_acts_subject"),
        sa.CheckConstraint("char_length(reference) <= 64", name="admin_acts_reference"),
        sa.CheckConstraint(
            "jsonb_typeof(figures) = 'object' "
            """AND NOT jsonb_path_exists(figures, '$.* ? (@.type() != "number")')""",
            name="admin_acts_figures_are_numbers",
        ),
    )
    op.create_index("admin_acts_by_time", "admin_acts", ["made_at"])
    op.execute(CARRY_ADJUSTMENTS)
    append_only("admin_acts")


def _statements() -> None:
    op.create_table(
        "statements",
        sa.Column("epoch", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("epoch", name="statements_pkey"),
    )
    append_only("statements")


def downgrade() -> None:
    op.drop_table("statements")
    op.drop_table("admin_acts")
    op.drop_column("api_keys", "suspended_at")
    op.drop_column("entries", "batch")
    op.drop_column("entries", "lane")
    op.execute("DROP FUNCTION take_lane")
    op.drop_table("journal_batches")
