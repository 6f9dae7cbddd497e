"""Two independent nodes: what is final is believed if both say the same, to the last event.

    kept   -- final --------- head -- this step          what we have of the chain, from the first node
    second -- ............................                the same blocks, asked for again
                     ^ both call it final: hash and events are compared, then it is final for us too

The head and what is not final yet are the first node's alone: nothing is granted for them, and a node that
lies about them is found out when they become final. A second node that lags or is down is waited for: what is
final stays where it is. One that says something else raises `NodesDisagree`, and following stops.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock

import structlog

from entitlement import metrics
from entitlement.chain.reader import ChainReader
from entitlement.core.blocks import Header
from entitlement.core.errors import InconsistentNode, NodesDisagree, NodeUnavailable
from entitlement.core.events import ChainEvent

log = structlog.get_logger()

BLOCKS_COMPARED_MAX = 2_000
"""At once. After an outage of the second node, what was missed is compared in so large parts."""

READS_KEPT = 16
"""So many answers of the first node may not be stored yet: it may be read ahead."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far the chain was followed, as stored."""

    head: Header
    final: Header


@dataclass(frozen=True, slots=True)
class Kept:
    """What we have stored of the chain."""

    cursor: Callable[[], Cursor | None]
    """None before the first step."""
    block: Callable[[int], Header | None]
    """One of our blocks; all that are not final are kept, and the newest final one."""
    events: Callable[[int, int], list[ChainEvent]]
    """Our events of blocks above the first number up to the second, in chain order."""


@dataclass(frozen=True, slots=True)
class Second:
    """The node that must agree."""

    reader: ChainReader
    names: tuple[str, str]
    """The hosts of the node that is followed and of this one; the rest of an address may hold a key."""


@dataclass(frozen=True, slots=True)
class _Read:
    """Blocks that the first node was asked for, and what was said in them."""

    headers: Sequence[Header]
    events: list[ChainEvent]


class QuorumReader:
    """`ChainReader` over two others. Thread-safe.

    Raises what they raise, and `NodesDisagree` where both have a final block and differ about it.
    """

    held_back_by: str | None = None
    """Why nothing above our final block was final when that was last asked, and by which node."""

    def __init__(
        self,
        first: ChainReader,
        second: ChainReader,
        kept: Kept,
        *,
        names: tuple[str, str],
        consequence: str | None = None,
    ) -> None:
        """Take the node that is followed, the one that must agree, and their hosts: nothing else of them.

        `consequence` says what comes of a disagreement where it is not following that stops.
        """
        self._first, self._second, self._kept, self._names = first, second, kept, names
        self._consequence = {} if consequence is None else {"consequence": consequence}
        self._reads: OrderedDict[str, _Read] = OrderedDict()
        self._lock = Lock()

    def chain_id(self) -> int:
        """Return the chain id that the first node says it serves; the second checks its own."""
        return self._first.chain_id()

    def head(self) -> Header:
        """Return the first node's newest block; one below ours that is not ours only if both have it."""
        head, cursor = self._first.head(), self._kept.cursor()
        if cursor is None or head.number >= cursor.head.number:
            return head
        ours = self._kept.block(head.number)
        if ours is None or ours.hash == head.hash:
            return head
        other = self._second.header(head.number)
        if other is None or other.hash != head.hash:
            raise NodeUnavailable(
                method="eth_getBlockByNumber",
                reason=f"its head is block {head.number} {head.hash}, below ours of {cursor.head.number}, "
                f"and {self._names[1]} does not have it",
            )
        return head

    def header(self, number: int) -> Header | None:
        """Return the first node's block at a height; one that is final and not ours only if both have it."""
        found, cursor = self._first.header(number), self._kept.cursor()
        if cursor is None or number > cursor.final.number:
            return found
        ours = self._kept.block(number)
        if ours is None or (found is not None and found.hash == ours.hash):
            return found
        other = self._second.header(number)
        if other is None:
            raise NodeUnavailable(
                method="eth_getBlockByNumber", reason=f"{self._names[1]} has not reached block {number}"
            )
        if found is None or found.hash != other.hash:
            raise self._disagreement(number, "none" if found is None else found.hash, other.hash)
        return found

    def headers(self, first: int, last: int) -> list[Header]:
        """Return the first node's blocks `first..last`."""
        return self._first.headers(first, last)

    def expect(self, first: int, last: int) -> None:
        """Let the first node be asked for blocks `first..last`."""
        self._first.expect(first, last)

    def read_piece(self) -> bool:
        """Read a little of what the first node was asked for."""
        return self._first.read_piece()

    def events(self, headers: Sequence[Header]) -> list[ChainEvent]:
        """Return what the first node says of these blocks, to be compared when they become final."""
        events = self._first.events(headers)
        if headers:
            with self._lock:
                self._reads[headers[0].parent_hash] = _Read(headers, events)
                self._reads.move_to_end(headers[0].parent_hash)
                while len(self._reads) > READS_KEPT:
                    self._reads.popitem(last=False)
        return events

    def final_head(self) -> Header:
        """Return the newest block that both call final and agree about; ours while the second is out."""
        theirs, cursor = self._first.final_head(), self._kept.cursor()
        if cursor is None:
            return theirs
        try:
            return self._agreed(cursor, theirs)
        except (NodeUnavailable, InconsistentNode) as error:
            self.held_back_by = f"comparing with {self._names[1]}, {error}"
            log.warning("quorum_waits", node=self._names[1], final=cursor.final.number, reason=str(error))
            return cursor.final

    def _agreed(self, cursor: Cursor, theirs: Header) -> Header:
        reads = self._unstored(cursor.head)
        newest = reads[-1].headers[-1] if reads else cursor.head
        number = min(theirs.number, newest.number, cursor.final.number + BLOCKS_COMPARED_MAX)
        slower, said = self._names[0], theirs.number
        if number > cursor.final.number:
            slower, said = self._names[1], self._second.final_head().number
        number = min(number, said)
        if number <= cursor.final.number:
            self.held_back_by = f"{slower} calls block {said} its newest final one"
            return cursor.final
        ours = self._ours(number, cursor, reads)
        above = cursor.final.number
        events = self._kept.events(above, min(number, cursor.head.number))
        events += [event for read in reads for event in read.events if event.at.block_number <= number]
        self._compare(ours, events, self._second.headers(above + 1, number))
        self.held_back_by = None
        metrics.QUORUM_BLOCK.set(number)
        return ours

    def _ours(self, number: int, cursor: Cursor, reads: Sequence[_Read]) -> Header:
        if number <= cursor.head.number:
            kept = self._kept.block(number)
            assert kept is not None, f"block {number} is not final yet, and all of those are kept"
            return kept
        return next(header for read in reads for header in read.headers if header.number == number)

    def _unstored(self, head: Header) -> list[_Read]:
        """Return what was read and follows our head, oldest first; what is stored by now is forgotten."""
        found: list[_Read] = []
        tip = head.hash
        with self._lock:
            for parent_hash, read in list(self._reads.items()):
                if read.headers[-1].number <= head.number:
                    del self._reads[parent_hash]
            while tip in self._reads and len(found) < READS_KEPT:
                found.append(self._reads[tip])
                tip = found[-1].headers[-1].hash
        return found

    def _compare(self, ours: Header, events: list[ChainEvent], headers: list[Header]) -> None:
        if headers[-1].hash != ours.hash:
            again = self._first.header(ours.number)
            if again is None or again.hash != ours.hash:
                raise InconsistentNode(f"block {ours.number} {ours.hash} is not on the node any more")
            raise self._disagreement(ours.number, ours.hash, headers[-1].hash)
        others = self._second.events(headers)
        if others == events:
            return
        # Once more: of all things, a credit that stops must not rest on one bad answer.
        others = self._second.events(headers)
        if others != events:
            block = _first_difference(events, others)
            said = [[event for event in each if event.at.block_number == block] for each in (events, others)]
            raise self._disagreement(block, _shown(said[0]), _shown(said[1]))

    def _disagreement(self, block: int, first_said: str, second_said: str) -> NodesDisagree:
        metrics.DISAGREEMENTS.inc()
        first, second = self._names
        return NodesDisagree(
            block=block,
            first=first,
            first_said=first_said,
            second=second,
            second_said=second_said,
            **self._consequence,
        )


def _first_difference(ours: list[ChainEvent], others: list[ChainEvent]) -> int:
    """Return the number of the first block about which two lists of events differ."""
    same = 0
    while same < min(len(ours), len(others)) and ours[same] == others[same]:
        same += 1
    return min(each[same].at.block_number for each in (ours, others) if same < len(each))


def _shown(events: list[ChainEvent]) -> str:
    named = ", ".join(f"{type(event).__name__} at {event.at.log_index}" for event in events[:5])
    return f"{len(events)} events ({named}{', …' if len(events) > 5 else ''})" if events else "no event"  # noqa: PLR2004  as many as were named
