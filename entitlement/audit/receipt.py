"""A receipt's place in the journal, checked: from the entry up to its batch, and on to a published head.

    entry --path--> root --+
    previous batch --------+--> the batch's hash, which was signed --> next batch --> ... --> published head

It needs no database and no service, and shares no code with what writes the journal.
"""

import struct
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import cast

from entitlement.audit.chain import DOMAIN
from entitlement.audit.journal import Head

LINE_FIELDS = 9
"""id, epoch, key, kind, account, created at, buckets, moves, amounts."""
HASH_DIGITS = 2 + 64


class NotInForm(ValueError):
    """What is to be checked is not written as a receipt's place is."""


def check_place(message: Mapping[str, object], journal: object, *, keys: Sequence[str], cost: int) -> None:
    """Check that the entry is what the receipt says, and that its batch's hash is the one that was signed.

    `keys` is how the entry's key may begin, without the last number of a lease's; `cost` what it must have
    moved to `consumed`, in nano-USD. Raises `NotInForm`, or ValueError with what differs.
    """
    said = _members(journal)
    line = _text(said, "line")
    fields = line.removesuffix("\n").split("\t")
    if len(fields) != LINE_FIELDS or not line.endswith("\n"):
        raise NotInForm(f"the entry is a line of {len(fields)} columns, not of {LINE_FIELDS}")
    number, epoch, key, _, _, booked_at, _, moves, amounts = fields
    for name, found, wanted in (
        ("entry_id", number, message["entry_id"]),
        ("epoch", epoch, message["epoch"]),
        ("booked_at", booked_at, message["booked_at"]),
    ):
        if found != str(wanted):
            raise ValueError(f"{name} is {wanted} in the receipt, and {found} in the journal's entry")
    if not any(key == each or (each.endswith(":") and key.startswith(each)) for each in keys):
        raise ValueError(f"the journal's entry is {key}, which is about something else")
    moved = _consumed(moves, amounts)
    if moved != cost:
        raise ValueError(f"the receipt is about {cost} nano-dollars, and the journal's entry charged {moved}")
    root = _root(line, said)
    if root != _hash(said, "root"):
        raise ValueError("the entry's path does not lead to the root of its batch: the entry is another")
    own = batch_hash(
        lane=_count(message, "lane"),
        number=_count(message, "batch"),
        previous=_hash(said, "previous_hash"),
        root=root,
        count=_count(said, "entry_count"),
        written_at=_count(said, "written_at"),
    )
    if own != _hash(message, "batch_hash"):
        raise ValueError(f"the batch is 0x{own.hex()}, and the receipt was signed for another")


def check_head(message: Mapping[str, object], journal: object, heads: Sequence[Head]) -> Head:
    """Follow the chain from a receipt's batch to a head that was published; return that head.

    Raises `NotInForm`, or ValueError where it does not lead there.
    """
    lane, number = _count(message, "lane"), _count(message, "batch")
    later = [head for head in heads if head.lane == lane and head.number >= number]
    if not later:
        raise ValueError(
            f"no head of lane {lane} from batch {number} on was published there: take a later statement"
        )
    head = min(later, key=lambda each: each.number)
    following = _members(journal).get("following", [])
    if not isinstance(following, list):
        raise NotInForm("`following` is no list")
    steps = cast("list[object]", following)[: head.number - number]
    if len(steps) < head.number - number:
        raise ValueError(
            f"{head.number - number} batches lead to the published one, and {len(steps)} are there: "
            "fetch the receipt with --statement"
        )
    own = _hash(message, "batch_hash")
    for place, step in enumerate(steps, start=number + 1):
        said = _members(step)
        own = batch_hash(
            lane=lane,
            number=place,
            previous=own,
            root=_hash(said, "root"),
            count=_count(said, "entry_count"),
            written_at=_count(said, "written_at"),
        )
    if own != head.hash:
        raise ValueError(
            f"lane {lane}, batch {head.number} was published as 0x{head.hash.hex()}, and what the receipt "
            f"was signed for leads to 0x{own.hex()}: the journal was changed in between"
        )
    return head


def batch_hash(*, lane: int, number: int, previous: bytes, root: bytes, count: int, written_at: int) -> bytes:
    """Return the hash of a batch. Raises `NotInForm` for figures that no batch has."""
    try:
        place, size = struct.pack(">IQ", lane, number), struct.pack(">IQ", count, written_at)
    except struct.error as error:
        raise NotInForm(f"a batch has no such figures: {error}") from None
    return sha256(DOMAIN + place + previous + root + size).digest()


def _root(line: str, said: Mapping[str, object]) -> bytes:
    width, place = _count(said, "entry_count"), _count(said, "place")
    path = said.get("path")
    if not isinstance(path, list) or not 0 <= place < width:
        raise NotInForm("its path is none of a batch of so many entries")
    left = [_hash({"path": each}, "path") for each in cast("list[object]", path)]
    node = sha256(b"\x00" + line.encode()).digest()
    while width > 1:  # ends: it is halved
        if place ^ 1 < width:
            if not left:
                raise NotInForm("its path is too short")
            beside = left.pop(0)
            both = beside + node if place & 1 else node + beside
            node = sha256(b"\x01" + both).digest()
        width, place = (width + 1) // 2, place // 2
    if left:
        raise NotInForm("its path is too long")
    return node


def _consumed(moves: str, amounts: str) -> int:
    words, numbers = (each.strip("{}").split(",") for each in (moves, amounts))
    if len(words) != len(numbers) or not all(each.isascii() and each.isdigit() for each in numbers):
        raise NotInForm("the entry's moves and amounts are not written as the journal has them")
    pairs = zip(words, numbers, strict=True)
    return sum(int(number) for word, number in pairs if word.strip('"').endswith(">consumed"))


def _members(found: object) -> dict[str, object]:
    if not isinstance(found, dict):
        raise NotInForm("it does not say where the charge is in the journal")
    return cast("dict[str, object]", found)


def _text(said: Mapping[str, object], name: str) -> str:
    found = said.get(name)
    if not isinstance(found, str):
        raise NotInForm(f"{name} is missing")
    return found


def _count(said: Mapping[str, object], name: str) -> int:
    found = _text(said, name)
    if not (found.isascii() and found.isdigit() and len(found) <= len(str(2**64))):
        raise NotInForm(f"{name} is no number: {found[:40]!r}")
    return int(found)


def _hash(said: Mapping[str, object], name: str) -> bytes:
    found = _text(said, name)
    try:
        raw = bytes.fromhex(found.removeprefix("0x"))
    except ValueError:
        raw = b""
    if len(found) != HASH_DIGITS or len(raw) != 32:  # noqa: PLR2004 - of SHA-256
        raise NotInForm(f"{name} is no hash: {found[:40]!r}")
    return raw
