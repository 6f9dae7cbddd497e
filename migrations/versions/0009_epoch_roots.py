"""What is committed to for each epoch: a root, its leaves, and how far its publication has come."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# What was committed to stays as it is, for everyone, the program included; only its publication goes on.
KEEPS_WHAT_IT_SAID = """
CREATE FUNCTION refuse_other_root() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.epoch, OLD.root, OLD.accounts, OLD.diem, OLD.pro_rata,
        OLD.spent, OLD.block_number, OLD.block_hash, OLD.capacity, OLD.minimum_stake,
        OLD.start_number, OLD.start_hash, OLD.vvv_staked, OLD.is_disputed, OLD.journal_heads,
        OLD.closed_at)
        IS DISTINCT FROM
       (NEW.epoch, NEW.root, NEW.accounts, NEW.diem, NEW.pro_rata,
        NEW.spent, NEW.block_number, NEW.block_hash, NEW.capacity, NEW.minimum_stake,
        NEW.start_number, NEW.start_hash, NEW.vvv_staked, NEW.is_disputed, NEW.journal_heads,
        NEW.closed_at)
        OR (OLD.file_hash IS NOT NULL AND OLD.file_hash IS DISTINCT FROM NEW.file_hash)
    THEN
        RAISE EXCEPTION 'the root of epoch % was committed to', OLD.epoch;
    END IF;
    RETURN NEW;
END
$$
"""


def upgrade() -> None:
    op.create_table(
        "epoch_roots",
        sa.Column("epoch", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("root", sa.Text(), nullable=False),
        sa.Column("accounts", sa.BigInteger(), nullable=False),
        sa.Column("diem", sa.BigInteger(), nullable=False),
        sa.Column("pro_rata", sa.BigInteger(), nullable=False),
        sa.Column("spent", sa.BigInteger(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("block_hash", sa.Text(), nullable=False),
        sa.Column("capacity", sa.BigInteger(), nullable=False),
        sa.Column("minimum_stake", sa.Numeric(78, 0), nullable=False),
        sa.Column("start_number", sa.BigInteger(), nullable=True),
        sa.Column("start_hash", sa.Text(), nullable=True),
        sa.Column("vvv_staked", sa.Numeric(78, 0), nullable=False),
        sa.Column("is_disputed", sa.Boolean(), nullable=False),
        sa.Column("journal_heads", JSONB(), nullable=False),
        sa.Column("tree", sa.LargeBinary(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=False),
        sa.Column("file_hash", sa.Text(), nullable=True),
        sa.Column("raw_transaction", sa.LargeBinary(), nullable=True),
        sa.Column("transaction_hash", sa.Text(), nullable=True),
        sa.Column("signed_at", sa.BigInteger(), nullable=True),
        sa.Column("published_block", sa.BigInteger(), nullable=True),
        sa.Column("published_transaction", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("epoch", name="epoch_roots_pkey"),
        sa.CheckConstraint("accounts >= 0 AND diem >= 0 AND pro_rata >= 0", name="epoch_roots_counts"),
        sa.CheckConstraint("spent >= 0 AND spent <= diem + pro_rata", name="epoch_roots_spent"),
        sa.CheckConstraint("capacity >= 0", name="epoch_roots_capacity"),
        sa.CheckConstraint("(start_number IS NULL) = (start_hash IS NULL)", name="epoch_roots_start"),
        sa.CheckConstraint("jsonb_typeof(journal_heads) = 'array'", name="epoch_roots_journal"),
        sa.CheckConstraint(
            "octet_length(tree) = 32 * greatest(2 * accounts - 1, 0)", name="epoch_roots_tree"
        ),
        sa.CheckConstraint(
            "(raw_transaction IS NULL) = (transaction_hash IS NULL) "
            "AND (raw_transaction IS NULL) = (signed_at IS NULL) "
            "AND (raw_transaction IS NULL OR file_hash IS NOT NULL)",
            name="epoch_roots_signed",
        ),
        sa.CheckConstraint(
            "(published_block IS NULL) = (published_transaction IS NULL) "
            "AND (published_block IS NULL OR file_hash IS NOT NULL)",
            name="epoch_roots_published",
        ),
    )
    # Not compressed: hashes do not get smaller, and a few of them are read without the others.
    op.execute("ALTER TABLE epoch_roots ALTER COLUMN tree SET STORAGE EXTERNAL")
    op.create_table(
        "epoch_leaves",
        sa.Column(
            "epoch", sa.Integer(), sa.ForeignKey("epoch_roots.epoch"), autoincrement=False, nullable=False
        ),
        sa.Column("wallet", sa.Text(), nullable=False),
        sa.Column("diem", sa.BigInteger(), nullable=False),
        sa.Column("pro_rata", sa.BigInteger(), nullable=False),
        sa.Column("spent", sa.BigInteger(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("epoch", "wallet", name="epoch_leaves_pkey"),
        sa.CheckConstraint("diem >= 0 AND pro_rata >= 0", name="epoch_leaves_granted"),
        sa.CheckConstraint("spent >= 0 AND spent <= diem + pro_rata", name="epoch_leaves_spent"),
        sa.CheckConstraint("octet_length(salt) = 32", name="epoch_leaves_salt"),
    )
    op.execute(KEEPS_WHAT_IT_SAID)
    op.execute(
        "CREATE TRIGGER epoch_roots_stay BEFORE UPDATE ON epoch_roots "
        "FOR EACH ROW EXECUTE FUNCTION refuse_other_root()"
    )
    op.execute(
        "CREATE TRIGGER epoch_roots_keep_their_tree BEFORE UPDATE OF tree ON epoch_roots "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER epoch_roots_are_kept BEFORE DELETE OR TRUNCATE ON epoch_roots "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER epoch_leaves_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON epoch_leaves "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    # A day's buckets are looked for among all days' when it is closed. They lie together, since they were
    # made together: an index of ranges is a few pages, and costs the requests that make buckets nothing.
    op.create_index("buckets_of_epoch", "buckets", ["epoch"], postgresql_using="brin")


def downgrade() -> None:
    op.drop_index("buckets_of_epoch", table_name="buckets")
    op.drop_table("epoch_leaves")
    op.drop_table("epoch_roots")
    op.execute("DROP FUNCTION refuse_other_root()")
