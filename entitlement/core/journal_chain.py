"""The journal as a hash chain: what a batch of entries is bound to, in bytes.

Entries that are committed together are a batch. Whoever writes one takes a lane that nobody else writes in,
so that writers never wait for each other, and each lane is a chain:

    lane 0   [1]<--[2]<--[3]<--[4]      batch = SHA-256(lane, number, previous batch, root, count, time)
    lane 1   [1]<--[2]                  root  = Merkle root of the batch's entries, in the order of their ids

Trees are those of RFC 6962: leaves and inner nodes are hashed under different first bytes, and a node without
a neighbour goes up as it is. docs/audit.md says the same for who checks it with a program of his own.
"""

from collections.abc import Sequence
from hashlib import sha256
from struct import Struct

NO_BATCH = bytes(32)
"""What the first batch of a lane follows."""
LEAF, NODE = b"\0", b"\1"
_BATCH = b"entitlement journal batch 1\0"
_PLACE = Struct(">IQ")
"""Lane and number."""
_SIZE = Struct(">IQ")
"""How many entries, and when they were written."""


def leaf_hash(line: str) -> bytes:
    """Return the hash of an entry, which is given as one line: its columns between tabs, and a line feed.

    id, epoch, key, kind, account, created at, buckets, moves, amounts; the last three as `{1,2}`. All but
    figures are words of ours, in which neither a tab nor a backslash stands; so no two entries read the same.
    """
    return sha256(LEAF + line.encode()).digest()


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """Return the root of the tree over these leaves, of which there is at least one."""
    assert leaves, "a batch has an entry"
    level = list(leaves)
    while len(level) > 1:
        pairs = iter(level)
        above = [sha256(NODE + left + right).digest() for left, right in zip(pairs, pairs, strict=False)]
        if len(level) % 2:
            above.append(level[-1])
        level = above
    return level[0]


def merkle_path(leaves: Sequence[bytes], place: int) -> list[bytes]:
    """Return what proves that a leaf is in the tree: its neighbour of each level, from below."""
    path: list[bytes] = []
    level = list(leaves)
    while len(level) > 1:
        neighbour = place ^ 1
        if neighbour < len(level):
            path.append(level[neighbour])
        above = [merkle_root(level[first : first + 2]) for first in range(0, len(level), 2)]
        level, place = above, place // 2
    return path


def batch_hash(*, lane: int, number: int, previous: bytes, root: bytes, count: int, written_at: int) -> bytes:
    """Return a batch's hash. All figures have a fixed length, so that no two batches read the same."""
    assert len(previous) == len(root) == len(NO_BATCH)
    place, size = _PLACE.pack(lane, number), _SIZE.pack(count, written_at)
    return sha256(_BATCH + place + previous + root + size).digest()
