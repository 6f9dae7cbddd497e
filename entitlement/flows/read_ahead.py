"""Ranges of blocks, each as long as what was in the last ones suggests.

While one is folded and written, the reader gets ready for the next.
"""

from dataclasses import dataclass

from entitlement.chain.reader import ChainReader
from entitlement.core.blocks import Header
from entitlement.core.errors import InconsistentNode, RangeTooFull
from entitlement.core.events import ChainEvent
from entitlement.core.reorg import is_linked

FIRST_BLOCKS = 4
"""How many blocks are asked for at first, when nobody knows how much is in them."""
GROWTH = 4
"""How many times as many as the last time are asked for at most."""
SHRINKING = 8
"""How many times fewer are asked for after a part that held too much."""
EVENTS_WANTED = 8_000
"""What a range should hold: enough that a commit costs little, and little enough for a small machine."""


@dataclass(frozen=True, slots=True)
class Blocks:
    """Some blocks that follow each other, and everything our contracts said in them."""

    headers: list[Header]
    events: list[ChainEvent]


class ReadAhead:
    """Reads ranges of blocks. Not for several threads at once."""

    def __init__(self, reader: ChainReader, *, blocks_max: int, events_wanted: int = EVENTS_WANTED) -> None:
        self._reader = reader
        self._events_wanted = events_wanted
        self._blocks_max = blocks_max
        self._size = min(FIRST_BLOCKS, blocks_max)

    def expect(self, after: Header, *, to: int) -> None:
        """Let the reader get ready for what follows `after`, if that is a whole range.

        At the head, where there is a block or two, another thread costs more than it gains.
        """
        last = self._next_last(after, self._last(after, to))
        if last - after.number == self._size > 1:
            self._reader.expect(after.number + 1, last)

    def read(self, after: Header, *, to: int) -> Blocks:
        """Return at least one of the blocks that follow `after`, the last of them at height `to` or below.

        Raises as the reader does, and `InconsistentNode` if they do not follow `after`.
        """
        headers: list[Header] = []
        events: list[ChainEvent] = []
        head, last = after, self._last(after, to)
        while head.number < last and len(events) < self._events_wanted:
            part = self._part(head, self._next_last(head, last))
            headers += part.headers
            events += part.events
            head = headers[-1]
            self._size = self._next_size(part)
        return Blocks(headers, events)

    def _last(self, after: Header, to: int) -> int:
        return min(to, after.number + self._blocks_max)

    def _next_last(self, head: Header, last: int) -> int:
        return min(last, head.number + self._size)

    def _part(self, after: Header, last: int) -> Blocks:
        headers = self._reader.headers(after.number + 1, last)
        if not is_linked(headers, after):
            # The chain turned between two questions; the next step sees the new one.
            raise InconsistentNode(f"block {after.number + 1} does not follow our block {after.hash}")
        try:
            return Blocks(headers, self._reader.events(headers))
        except RangeTooFull:
            # More happens here than before: one part that was read in vain, then smaller ones.
            self._size = max(1, len(headers) // SHRINKING)
        return self._part(after, after.number + self._size)

    def _next_size(self, part: Blocks) -> int:
        """Return how many blocks may hold the events that are wanted, going by those that were read."""
        read = len(part.headers)
        fitting = read * self._events_wanted // max(1, len(part.events))
        # A short part says little about a long one, as at the head, where each block is read alone.
        return max(1, min(fitting, max(read * GROWTH, self._size), self._blocks_max))
