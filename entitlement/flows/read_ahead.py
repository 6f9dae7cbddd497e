"""Reading ahead: while one range of blocks is folded and written, the next is asked for.

    this thread     | wait 1 | write 1 | write 2 | write 3 |
    the other one   | read 1 | read 2  | read 3  | read 4  |

What is read ahead is only used where the cursor came to stand on the block before it; a reorganisation or
another follower makes it waste, never wrong.
"""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Thread

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


@dataclass(frozen=True, slots=True)
class _Begun:
    after: Header
    reading: Future[Blocks]


class ReadAhead:
    """Reads ranges of blocks, each as long as the one before suggests. Not for several threads at once."""

    def __init__(self, reader: ChainReader, *, blocks_max: int, events_wanted: int = EVENTS_WANTED) -> None:
        self._reader = reader
        self._events_wanted = events_wanted
        self._blocks_max = blocks_max
        self._size = min(FIRST_BLOCKS, blocks_max)
        self._begun: _Begun | None = None

    @property
    def is_reading(self) -> bool:
        """Whether the other thread is at work."""
        return self._begun is not None and not self._begun.reading.done()

    def read(self, after: Header, *, to: int) -> Blocks:
        """Return at least one of the blocks that follow `after`, the last of them at height `to` or below.

        Raises as the reader does, and `InconsistentNode` if they do not follow `after`.
        """
        begun, self._begun = self._begun, None
        if begun is not None and begun.after == after:
            return begun.reading.result()
        return self._blocks(after, to)

    def begin(self, after: Header, *, to: int) -> None:
        """Begin to read what follows `after`, which is to be the cursor when `read` is called next."""
        self._begun = _Begun(after, _in_background(lambda: self._blocks(after, to)))

    def _blocks(self, after: Header, to: int) -> Blocks:
        headers: list[Header] = []
        events: list[ChainEvent] = []
        head, last = after, min(to, after.number + self._blocks_max)
        while head.number < last and len(events) < self._events_wanted:
            part = self._part(head, min(last, head.number + self._size))
            headers += part.headers
            events += part.events
            head = headers[-1]
            self._size = self._next_size(part)
        return Blocks(headers, events)

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


def _in_background(work: Callable[[], Blocks]) -> Future[Blocks]:
    """Begin `work` in a thread that does not keep the process from ending."""
    future: Future[Blocks] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001  it belongs to who asks for the result
            future.set_exception(error)

    Thread(target=run, name="read-ahead", daemon=True).start()
    return future
