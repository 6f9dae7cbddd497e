"""The daily statement: what the operator owes, and what is there for it, as of one final block.

    day        of each source granted, spent, expired: of credit for a day alone that day's own, whenever
               it was booked, and of other credit what the journal booked on the day
    standing   of each source, since ever:  granted = spent + expired + outstanding
    usdc       what the addresses of the deployment hold of it
    journal_heads   every lane's newest batch, which binds all entries before it

Spent is without what nobody paid for: the operator's shortfall is no credit of an account.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from entitlement.core.acts import Act
from entitlement.core.attested import Types
from entitlement.core.epochs import Epoch

STATEMENT: Types = {
    "Statement": (
        ("epoch", "uint256"),
        ("made_at", "uint256"),
        ("block_number", "uint256"),
        ("block_hash", "bytes32"),
        # Wei.
        ("diem_staked", "uint256"),
        ("day", "Flow[]"),
        ("standing", "Standing[]"),
        ("usdc", "Holding[]"),
        # What was done by hand on the day: how much of it, and SHA-256 over all of it.
        ("acts", "uint256"),
        ("acts_hash", "bytes32"),
        ("journal_heads", "Head[]"),
    ),
    # Nano-USD. A day that took back more than it gave is below zero.
    "Flow": (("source", "string"), ("granted", "int256"), ("spent", "int256"), ("expired", "int256")),
    "Standing": (
        ("source", "string"),
        ("granted", "uint256"),
        ("spent", "uint256"),
        ("expired", "uint256"),
        ("outstanding", "uint256"),
    ),
    # Millionths of a dollar, as the token counts.
    "Holding": (("what", "string"), ("holder", "address"), ("amount", "uint256")),
    "Head": (("lane", "uint256"), ("number", "uint256"), ("hash", "bytes32")),
}


@dataclass(frozen=True, slots=True)
class Flow:
    """What a day moved of a source, in nano-USD."""

    source: str
    granted: int
    spent: int
    expired: int


@dataclass(frozen=True, slots=True)
class Standing:
    """How a source stands, in nano-USD."""

    source: str
    granted: int
    spent: int
    expired: int
    outstanding: int

    def __post_init__(self) -> None:
        """Hold it to the rule."""
        # The database holds every bucket to it; a sum that is not equal was not read as of one moment.
        assert self.granted == self.spent + self.expired + self.outstanding, self


@dataclass(frozen=True, slots=True)
class Holding:
    """What an address holds of the dollar token, in its smallest unit."""

    what: str
    holder: str
    amount: int


@dataclass(frozen=True, slots=True)
class LaneHead:
    """A lane's newest batch."""

    lane: int
    number: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Books:
    """What the database says, as of one moment."""

    made_at: int
    diem_staked: int
    day: Sequence[Flow]
    standing: Sequence[Standing]
    heads: Sequence[LaneHead]
    acts: Sequence[Act]


def acts_hash(acts: Sequence[Act]) -> bytes:
    """Return SHA-256 over acts: each a line of JSON, an array of its columns, in the order of their ids."""
    lines = [
        json.dumps(
            [
                act.id,
                act.made_at,
                act.kind,
                act.subject,
                act.reference,
                act.figures,
                act.because.made_by,
                act.because.reason,
            ],
            sort_keys=True,
            separators=(",", ":"),
        )
        + "\n"
        for act in acts
    ]
    return hashlib.sha256("".join(lines).encode()).digest()


def message(
    epoch: Epoch, books: Books, *, block_number: int, block_hash: str, usdc: Sequence[Holding]
) -> dict[str, object]:
    """Return what is signed: STATEMENT's message, integers as decimal text."""
    return {
        "epoch": str(epoch),
        "made_at": str(books.made_at),
        "block_number": str(block_number),
        "block_hash": block_hash,
        "diem_staked": str(books.diem_staked),
        "day": [
            {
                "source": each.source,
                "granted": str(each.granted),
                "spent": str(each.spent),
                "expired": str(each.expired),
            }
            for each in books.day
        ],
        "standing": [
            {
                "source": each.source,
                "granted": str(each.granted),
                "spent": str(each.spent),
                "expired": str(each.expired),
                "outstanding": str(each.outstanding),
            }
            for each in books.standing
        ],
        "usdc": [{"what": each.what, "holder": each.holder, "amount": str(each.amount)} for each in usdc],
        "acts": str(len(books.acts)),
        "acts_hash": f"0x{acts_hash(books.acts).hex()}",
        "journal_heads": [
            {"lane": str(each.lane), "number": str(each.number), "hash": f"0x{each.hash.hex()}"}
            for each in books.heads
        ],
    }
