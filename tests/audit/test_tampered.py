"""Whatever is changed in a journal behind its back is found, and its batch is named."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import sha256

import psycopg
import pytest
from sqlalchemy import text

from entitlement.audit.chain import Batch, Finding, batch_of, check_chain, root_of
from entitlement.audit.journal import Head, audit, check_open, check_sums, compare_heads
from entitlement.audit.reading import batch_hash
from entitlement.core.journal_chain import leaf_hash, merkle_path, merkle_root
from tests.audit.support import Sessions, address, in_order, lived, spend, written
from tests.support import holder

EDITS = 10_000
EDITS_OF_ROWS = 300
ID, COLUMNS = 2, 11
Row = list[bytes]
Place = tuple[int, int]


@dataclass
class Journal:
    """The rows of a journal in somebody's hands."""

    batches: list[Batch]
    rows: list[Row]
    heads: list[Head] = field(default_factory=list)
    """As they were published."""

    def copy(self) -> "Journal":
        return Journal(list(self.batches), [list(row) for row in self.rows], self.heads)

    def findings(self) -> list[Finding]:
        ordered = sorted(self.batches, key=lambda each: (each.lane, each.number))
        said = check_chain(ordered, in_order([b"\t".join(row) for row in self.rows]), {})
        known = {(each.lane, each.number): each.hash for each in self.batches}
        gone = compare_heads(self.heads, lambda lane, number: known.get((lane, number)))
        return [each for each in said if isinstance(each, Finding)] + gone

    def place(self, row: Row) -> Place:
        return int(row[0]), int(row[1])

    def entries_of(self, batch: Batch) -> list[Row]:
        return [row for row in self.rows if self.place(row) == (batch.lane, batch.number)]

    def is_last(self, batch: Batch) -> bool:
        return not any(each.lane == batch.lane and each.number > batch.number for each in self.batches)

    def bind_again(self, batch: Batch, previous: bytes) -> Batch:
        """What an honest writer would have written of the rows as they are now."""
        rows = sorted(self.entries_of(batch), key=lambda row: int(row[ID]))
        leaves = [leaf_hash(b"\t".join(row[ID:]).decode()) for row in rows]
        bound = replace(batch, previous=previous, root=root_of(leaves), count=len(leaves))
        return replace(bound, hash=bound.own_hash())


Edit = Callable[[Journal, random.Random], Place]
"""Changes something, and says which batch must be named."""


def other(rng: random.Random, value: bytes) -> bytes:
    """Another value of the same form."""
    if value.lstrip(b"-").isdigit():
        return str(int(value) + rng.choice((-1, 1, 7, 10**9))).encode()
    places = [place for place, byte in enumerate(value) if byte not in b"\t\n{},>"]
    if not places:
        return value[:1] + b"1" + value[1:]
    place = rng.choice(places)
    byte = value[place : place + 1]
    return value[:place] + (b"8" if byte == b"9" else b"9") + value[place + 1 :]


def edit_column(journal: Journal, rng: random.Random) -> Place:
    row = rng.choice(journal.rows)
    column = rng.randrange(ID, COLUMNS)
    row[column] = other(rng, row[column])
    return journal.place(row)


def move_to_another_batch(journal: Journal, rng: random.Random) -> Place:
    row = rng.choice(journal.rows)
    was = journal.place(row)
    column = rng.randrange(2)
    row[column] = other(rng, row[column]).lstrip(b"-")
    return was


def delete(journal: Journal, rng: random.Random) -> Place:
    return journal.place(journal.rows.pop(rng.randrange(len(journal.rows))))


def insert(journal: Journal, rng: random.Random) -> Place:
    row = list(rng.choice(journal.rows))
    if rng.random() < 0.5:
        row[ID] = other(rng, row[ID])
    journal.rows.append(row)
    return journal.place(row)


def swap_ids(journal: Journal, rng: random.Random) -> Place:
    first, second = rng.sample(journal.rows, 2)
    first[ID], second[ID] = second[ID], first[ID]
    return journal.place(first)


def swap_batches(journal: Journal, rng: random.Random) -> Place:
    first = rng.choice(journal.rows)
    second = rng.choice([row for row in journal.rows if journal.place(row) != journal.place(first)])
    first[:ID], second[:ID] = second[:ID], first[:ID]
    return journal.place(first)


def reverse_arrays(journal: Journal, rng: random.Random) -> Place:
    row = rng.choice([each for each in journal.rows if reversed_arrays(each) != each])
    row[:] = reversed_arrays(row)
    return journal.place(row)


def reversed_arrays(row: Row) -> Row:
    arrays = [b"{" + b",".join(reversed(each.strip()[1:-1].split(b","))) + b"}" for each in row[-3:]]
    return [*row[:-3], *arrays[:2], arrays[2] + b"\n"]


def edit_batch(journal: Journal, rng: random.Random) -> Place:
    at = rng.randrange(len(journal.batches))
    batch = journal.batches[at]
    flipped = bytearray(rng.choice((batch.previous, batch.root, batch.hash)))
    flipped[rng.randrange(32)] ^= 1 << rng.randrange(8)
    changed = rng.choice(
        (
            {"previous": bytes(flipped)},
            {"root": bytes(flipped)},
            {"hash": bytes(flipped)},
            {"count": batch.count + rng.choice((-1, 1))},
            {"written_at": batch.written_at + rng.choice((-1, 1))},
        )
    )
    journal.batches[at] = replace(batch, **changed)  # type: ignore[arg-type]
    return batch.lane, batch.number


def delete_batch(journal: Journal, rng: random.Random) -> Place:
    """With its entries or without; the last one only without, or see `cut_tail`."""
    batch = rng.choice(journal.batches)
    if journal.is_last(batch) or rng.random() < 0.5:
        journal.batches.remove(batch)
        return batch.lane, batch.number
    journal.rows = [row for row in journal.rows if journal.place(row) != (batch.lane, batch.number)]
    journal.batches.remove(batch)
    return batch.lane, batch.number + 1


def bind_one_again(journal: Journal, rng: random.Random) -> Place:
    """Change an entry, and its batch so that they fit: the next one knows better."""
    batch = rng.choice([each for each in journal.batches if not journal.is_last(each)])
    row = rng.choice(journal.entries_of(batch))
    row[-1] = other(rng, row[-1])
    journal.batches[journal.batches.index(batch)] = journal.bind_again(batch, batch.previous)
    return batch.lane, batch.number + 1


def cut_tail(journal: Journal, rng: random.Random) -> Place:
    """Take away the newest batches of a lane without a trace: only what was published knows of them."""
    head = rng.choice(journal.heads)
    kept = rng.randrange(head.number)
    journal.batches = [each for each in journal.batches if each.lane != head.lane or each.number <= kept]
    journal.rows = [
        row for row in journal.rows if journal.place(row)[0] != head.lane or journal.place(row)[1] <= kept
    ]
    return head.lane, head.number


def bind_all_again(journal: Journal, rng: random.Random) -> Place:
    """Change an entry, and all that follows it so that everything fits."""
    changed = rng.choice(journal.rows)
    changed[-1] = other(rng, changed[-1])
    lane, first = journal.place(changed)
    previous = bytes(32)
    for at, batch in enumerate(journal.batches):
        if batch.lane == lane:
            if batch.number >= first:
                journal.batches[at] = journal.bind_again(batch, previous)
            previous = journal.batches[at].hash
    return lane, next(head.number for head in journal.heads if head.lane == lane)


EVERY_EDIT: tuple[Edit, ...] = (
    edit_column,
    move_to_another_batch,
    delete,
    insert,
    swap_ids,
    swap_batches,
    reverse_arrays,
    edit_batch,
    delete_batch,
    bind_one_again,
    cut_tail,
    bind_all_again,
)


@pytest.fixture(name="journal")
def a_journal(sessions: Sessions) -> Journal:
    """Of two lanes."""
    lived(sessions, 9, groups=2)
    with sessions() as busy:
        busy.execute(text("SELECT take_lane()"))
        spend(sessions, holder(sessions, diem=500, number=9), random.Random(2), groups=3, name="other")
        busy.rollback()
    report = audit(address(sessions))
    assert report.findings == []
    assert [each.lane for each in report.heads] == [0, 1]
    batches, rows = written(sessions)
    return Journal(list(map(batch_of, batches)), [row.split(b"\t") for row in rows], report.heads)


def test_ten_thousand_edits_are_all_found_and_their_batches_named(journal: Journal) -> None:
    assert journal.findings() == []
    rng = random.Random(11)
    for number in range(EDITS):
        edit = EVERY_EDIT[number % len(EVERY_EDIT)]
        changed = journal.copy()
        place = edit(changed, rng)
        named = {(each.lane, each.batch) for each in changed.findings()}
        assert place in named, (number, edit.__name__, place, named)
        # Not everything: who looks for what was changed finds it near what is named.
        assert len(named) <= 4, (number, edit.__name__, named)


def test_the_writers_tree_is_the_auditors_and_each_leaf_has_a_path_to_its_root() -> None:
    leaves = [leaf_hash(str(number)) for number in range(40)]
    for count in range(1, len(leaves)):
        root = root_of(leaves[:count])
        assert merkle_root(leaves[:count]) == root
        for place in range(count):
            path = merkle_path(leaves[:count], place)
            assert root_by(leaves[place], place, count, path) == root
            assert root_by(leaves[place - 1], place, count, path) != root or count == 1


def root_by(leaf: bytes, place: int, count: int, path: list[bytes]) -> bytes:
    """The root that a leaf and its path make, of a tree with so many leaves."""
    left = list(path)
    while count > 1:
        if place ^ 1 < count:
            pair = (left.pop(0), leaf) if place % 2 else (leaf, left.pop(0))
            leaf = sha256(b"\1" + pair[0] + pair[1]).digest()
        place, count = place // 2, -(-count // 2)
    assert not left
    return leaf


# --- in the database itself ----------------------------------------------------------------------------

ONE_ENTRY = "(epoch, key) = (SELECT epoch, key FROM entries ORDER BY random() LIMIT 1)"
ONE_BATCH = "(lane, number) = (SELECT lane, number FROM journal_batches ORDER BY random() LIMIT 1)"
OF_AN_ENTRY = (
    "amounts = (SELECT array_agg(a + 1) FROM unnest(amounts) AS a)",
    "buckets = (SELECT array_agg(b + 1) FROM unnest(buckets) AS b)",
    "moves = array_fill('held>consumed'::text, ARRAY[cardinality(moves) + 1])",
    "amounts = ('[2:' || cardinality(amounts) + 1 || ']=' || amounts::text)::bigint[]",
    "key = key || '.'",
    "kind = kind || E'\\t'",
    "id = id + 100000",
    "account_id = account_id + 1",
    "created_at = created_at - 1",
    "epoch = epoch + 1",
    "batch = batch + 1",
    "lane = lane + 7",
)
OF_A_BATCH = (
    "root = set_byte(root, 3, 255 - get_byte(root, 3))",
    "hash = set_byte(hash, 3, 255 - get_byte(hash, 3))",
    "previous_hash = set_byte(previous_hash, 3, 255 - get_byte(previous_hash, 3))",
    "entry_count = entry_count + 1",
    "written_at = written_at + 1",
    "number = number + 1000",
    "lane = lane + 7",
)
A_COPY = """
    INSERT INTO entries (epoch, key, kind, account_id, created_at, buckets, moves, amounts, lane, batch)
    SELECT epoch, key || '+', kind, account_id, created_at, buckets, moves, amounts, lane, batch
    FROM entries WHERE {}
"""
A_CHANGE, A_DELETION = "UPDATE {} SET {} WHERE {}", "DELETE FROM {} WHERE {}"
THE_TAIL = """
    WITH last AS (SELECT lane, max(number) AS number FROM journal_batches GROUP BY lane LIMIT 1),
    gone AS (DELETE FROM journal_batches AS b USING last AS l WHERE (b.lane, b.number) = (l.lane, l.number))
    DELETE FROM entries AS e USING last AS l WHERE (e.lane, e.batch) = (l.lane, l.number)
"""
STATEMENTS = (
    *(A_CHANGE.format("entries", change, ONE_ENTRY) for change in OF_AN_ENTRY),
    *(A_CHANGE.format("journal_batches", change, ONE_BATCH) for change in OF_A_BATCH),
    A_DELETION.format("entries", ONE_ENTRY),
    A_DELETION.format("journal_batches", ONE_BATCH),
    A_COPY.format(ONE_ENTRY),
    THE_TAIL,
    "TRUNCATE entries",
    "TRUNCATE journal_batches, entries",
)


@pytest.fixture(name="open_journal")
def an_open_journal(sessions: Sessions, journal: Journal) -> Iterator[psycopg.Connection]:
    """A connection of somebody who has let go of all that the database guards."""
    with psycopg.connect(address(sessions)) as connection:
        for trigger, table in connection.execute(TRIGGERS).fetchall():
            connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}".encode())
        for constraint, table in connection.execute(CHECKS).fetchall():
            connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}".encode())
        connection.execute("SAVEPOINT honest")
        assert check_open(connection) == []
        assert journal.batches
        yield connection
        connection.rollback()


TRIGGERS = (
    "SELECT tgname, tgrelid::regclass::text FROM pg_trigger WHERE tgname ~ 'append_only' AND NOT tgisinternal"
)
CHECKS = """
    SELECT conname, conrelid::regclass::text FROM pg_constraint
    WHERE contype = 'c' AND conrelid = 'entries'::regclass
"""


def test_hundreds_of_edits_of_rows_are_all_found(journal: Journal, open_journal: psycopg.Connection) -> None:
    for number in range(EDITS_OF_ROWS):
        statement = STATEMENTS[number % len(STATEMENTS)]
        edited = open_journal.execute(statement.encode())
        assert edited.rowcount != 0, statement
        found = check_open(open_journal)
        found += compare_heads(journal.heads, partial(batch_hash, open_journal))
        assert found, statement
        open_journal.execute("ROLLBACK TO SAVEPOINT honest")
    assert check_open(open_journal) == []


def test_a_week_that_is_taken_away_whole_is_found(open_journal: psycopg.Connection) -> None:
    week = open_journal.execute("SELECT 'entries_' || max(epoch) / 7 FROM entries").fetchone()
    assert week is not None
    open_journal.execute(f"ALTER TABLE entries DETACH PARTITION {week[0]}".encode())
    assert check_open(open_journal)


def test_a_balance_that_its_entries_do_not_make_is_found(open_journal: psycopg.Connection) -> None:
    assert check_sums(open_journal) == []
    open_journal.execute(
        "UPDATE buckets SET granted = granted + 1, available = available + 1 "
        "WHERE id = (SELECT min(id) FROM buckets)"
    )
    assert [str(each) for each in check_sums(open_journal)] == ["bucket 1 is not the sum of its entries"]
