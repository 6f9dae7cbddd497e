"""Blocks as the follower knows them, and which of them the chain can no longer take back."""

from dataclasses import dataclass
from enum import StrEnum

from entitlement.core.record import record


@record
class Header:
    """What is kept of a block: enough to link it to its parent and to date it."""

    number: int
    hash: str
    """`0x` and 64 lower-case hex digits, as are all hashes here."""
    parent_hash: str
    timestamp: int
    """Unix time in seconds."""


class FinalityRule(StrEnum):
    """How a network says that a block is final."""

    FINALIZED = "finalized"
    SAFE = "safe"
    DEPTH = "depth"


@dataclass(frozen=True, slots=True)
class Finality:
    """A network's finality: a tag its nodes answer to, or a number of blocks below the head."""

    rule: FinalityRule
    depth: int = 0
    """Blocks below the head that are not final yet; only for `FinalityRule.DEPTH`."""
