"""The port to a node: the few questions the follower asks. Anvil, Base and a scripted chain answer."""

from collections.abc import Sequence
from typing import Protocol

from entitlement.core.blocks import Header
from entitlement.core.events import ChainEvent


class ChainReader(Protocol):
    """Reads one deployment on one chain. Every answer is checked before it is returned.

    All methods raise `NodeUnavailable` (worth another try) or `InconsistentNode` (nothing was believed).
    """

    def chain_id(self) -> int:
        """Return the chain id that the node says it serves."""
        ...

    def head(self) -> Header:
        """Return the newest block."""
        ...

    def final_head(self) -> Header:
        """Return the newest block that the network's finality rule calls final; at least the start block."""
        ...

    def header(self, number: int) -> Header | None:
        """Return the block at a height, or None where the chain is shorter."""
        ...

    def expect(self, first: int, last: int) -> None:
        """Hear that `headers` and `events` of blocks `first..last` will be asked for next.

        A node far away can answer while we work. It changes no answer, and nothing needs to come of it; what
        fails is raised when it is asked for.
        """
        ...

    def read_piece(self) -> bool:
        """Read a little of what came after `expect`, and return whether there was any to read.

        For whoever has a moment, as while a database writes. It changes no answer either, and raises nothing.
        """
        ...

    def headers(self, first: int, last: int) -> list[Header]:
        """Return blocks `first..last`, both included, each linked to the one before it by hash."""
        ...

    def events(self, headers: Sequence[Header]) -> list[ChainEvent]:
        """Return what our contracts said in exactly these blocks, in chain order.

        Every event's block hash is that of the given header; a block whose bloom filter says that one of our
        contracts may have spoken is not believed to be silent without a second question.

        Raises `RangeTooFull` where they hold more than the reader takes at once; one block alone never does.
        """
        ...
