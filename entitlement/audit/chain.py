"""The journal's hash chain, checked: lines of batches against lines of entries, both in order.

    batches   lane, number, previous hash, root, entries, time, hash      by lane and number
    entries   lane, batch,  id, epoch, key, kind, account, ...            by lane, batch and id

A batch is found to be wrong where its entries do not have its root or its count, where its own hash is not
that of what it says, and where it does not follow the one before it. What was changed with all that follows
it shows in the heads that were published before.
"""

import struct
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256

DOMAIN = b"entitlement journal batch 1\x00"
FIRST = (0, b"\x00" * 32)
"""The number and the hash that the first batch of a lane follows."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it was written."""

    lane: int | None
    """With `batch`: which one; none where it is about the journal as a whole."""
    batch: int | None
    what: str

    def __str__(self) -> str:
        """Return it as a sentence."""
        return self.what if self.lane is None else f"lane {self.lane}, batch {self.batch}: {self.what}"


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as it is stored."""

    lane: int
    number: int
    previous: bytes
    root: bytes
    count: int
    written_at: int
    hash: bytes

    def own_hash(self) -> bytes:
        """Return the hash of what it says."""
        place = struct.pack(">IQ", self.lane, self.number)
        size = struct.pack(">IQ", self.count, self.written_at)
        return sha256(DOMAIN + place + self.previous + self.root + size).digest()


def batch_of(line: bytes) -> Batch:
    """Return the batch of a line, whose hashes are in hexadecimal."""
    lane, number, previous, root, count, written_at, own = line.split(b"\t")
    return Batch(
        int(lane),
        int(number),
        bytes.fromhex(previous.decode()),
        bytes.fromhex(root.decode()),
        int(count),
        int(written_at),
        bytes.fromhex(own.decode()),
    )


def root_of(level: list[bytes]) -> bytes:
    """Return the root of the tree over these leaves: two by two, and the last alone goes up as it is."""
    while len(level) > 1:
        pairs = iter(level)
        above = [sha256(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs, strict=False)]
        if len(level) & 1:
            above.append(level[-1])
        level = above
    return level[0] if level else b""


def check_chain(
    batches: Iterable[Batch], entries: Iterator[bytes], before: Mapping[int, tuple[int, bytes]]
) -> Generator[Finding | int]:
    """Yield what is wrong; and after each batch, for whoever shows progress, how many entries it had.

    `before` says of lanes that are not read from their beginning which number and hash come first.
    """
    lane, number, previous = -1, *FIRST
    line = next(entries, b"")
    for batch in batches:
        if batch.lane != lane:
            lane = batch.lane
            number, previous = before.get(lane, FIRST)
        line = yield from _entries_without_batch(entries, line, (lane, batch.number))
        prefix = b"%d\t%d\t" % (lane, batch.number)
        skipped = len(prefix)
        leaves: list[bytes] = []
        while line.startswith(prefix):
            leaves.append(sha256(b"\x00" + line[skipped:]).digest())
            line = next(entries, b"")
        wrong = _wrong_with(batch, leaves, number, previous)
        if wrong:
            yield Finding(lane, batch.number, "; ".join(wrong))
        number, previous = batch.number, batch.hash
        yield len(leaves)
    yield from _entries_without_batch(entries, line, None)


def _wrong_with(batch: Batch, leaves: list[bytes], number: int, previous: bytes) -> list[str]:
    wrong: list[str] = []
    if batch.number != number + 1:
        wrong.append(f"the one before it is {number}: batches are missing, or it is none of its lane")
    elif batch.previous != previous:
        wrong.append(f"it does not follow batch {number} as that stands: one of them was changed")
    if len(leaves) != batch.count:
        wrong.append(f"it has {len(leaves)} entries and had {batch.count}")
    elif root_of(leaves) != batch.root:
        wrong.append("its entries are not as they were written")
    if batch.own_hash() != batch.hash:
        wrong.append("its hash is not that of what it says")
    return wrong


def _entries_without_batch(
    entries: Iterator[bytes], line: bytes, batch: tuple[int, int] | None
) -> Generator[Finding, None, bytes]:
    """Pass over entries that belong in front of a batch, or behind all; return the line after them."""
    while line:
        place = _place(line)
        if place is not None and batch is not None and place >= batch:
            break
        count = 0
        while line and _place(line) == place:
            count += 1
            line = next(entries, b"")
        said = (None, None) if place is None else place
        yield Finding(*said, f"{count} entries say that they are of this batch, and there is none")
    return line


def _place(line: bytes) -> tuple[int, int] | None:
    lane, batch, _ = line.split(b"\t", 2)
    try:
        return int(lane), int(batch)
    except ValueError:
        return None
