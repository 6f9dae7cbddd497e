"""Answers that will be wanted next, fetched by another thread while this one works on the last ones.

    this thread     | read 1 | fold and write 1 | the rest of 2 | fold and write 2 | ...
      where it waits                    read 2                             read 3
    the other one            | fetch 2 |                        | fetch 3 |

The other thread only waits and takes JSON apart: two that read logs or fold events at once would fight for
the interpreter, and both be slower than one. What it fetched is read by this thread, while it waits for
something else, and the rest when it is asked for.
"""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Lock, Thread
from typing import Any, Generic, TypeVar

from entitlement.chain.piecewise import Piecewise
from entitlement.chain.spoken import Kept

Block = TypeVar("Block")
Read = TypeVar("Read")


@dataclass(frozen=True, slots=True)
class Logs(Generic[Read]):
    """Logs as a node told them, perhaps in several parts."""

    reads: Piecewise[Read]
    """What each of them says."""
    ends: list[Any]
    """The last log of each part, as it was told; whole once all are read."""
    kept: Kept | None = None
    """Where the logs are too, for whom an event is not enough."""


@dataclass(slots=True)
class _Asked(Generic[Block, Read]):
    first: int
    last: int
    blocks: "Future[Piecewise[Block]]" = field(default_factory=Future)  # pyright: ignore[reportUnknownVariableType] - as annotated
    logs: "Future[Logs[Read]]" = field(default_factory=Future)  # pyright: ignore[reportUnknownVariableType] - as annotated
    are_blocks_taken: bool = False


class AskedAhead(Generic[Block, Read]):
    """Keeps the answers about one range until each is taken, once, or another range is begun. Thread-safe."""

    def __init__(self) -> None:
        self._asked: _Asked[Block, Read] | None = None
        self._lock = Lock()

    def begin(
        self,
        first: int,
        last: int,
        blocks: Callable[[], Piecewise[Block]],
        logs: Callable[[], Logs[Read]],
    ) -> None:
        """Fetch blocks `first..last`, then their logs, in a thread that keeps no process from ending.

        What was fetched before and nobody took is forgotten.
        """
        asked = _Asked[Block, Read](first, last)
        with self._lock:
            self._asked = asked

        def fetch() -> None:
            if _settle(asked.blocks, blocks):
                _settle(asked.logs, logs)

        Thread(target=fetch, name="asked-ahead", daemon=True).start()

    def read_piece(self) -> bool:
        """Read a little of what has come; return whether there was any that nobody has taken."""
        # Under the lock: what is taken is its taker's alone.
        with self._lock:
            asked = self._asked
            if asked is None:
                return False
            if not asked.are_blocks_taken and _has_come(asked.blocks) and asked.blocks.result().make_piece():
                return True
            return _has_come(asked.logs) and asked.logs.result().reads.make_piece()

    def take_blocks(self, first: int, last: int) -> Piecewise[Block] | None:
        """Return the blocks of exactly this range, or None if it is not here; raises what asking raised."""
        with self._lock:
            asked = self._asked
            if asked is None or (asked.first, asked.last) != (first, last):
                return None
            if asked.are_blocks_taken:
                # Whoever asks again reads the blocks anew, and wants the logs of that time.
                self._asked = None
                return None
            asked.are_blocks_taken = True
        return asked.blocks.result()

    def take_logs(self, first: int, last: int) -> Logs[Read] | None:
        """Return the logs of the range whose blocks were taken, or None; raises what asking raised."""
        with self._lock:
            asked = self._asked
            if asked is None or (asked.first, asked.last) != (first, last) or not asked.are_blocks_taken:
                return None
            self._asked = None
        return None if asked.blocks.exception() else asked.logs.result()


def _has_come(future: "Future[Any]") -> bool:
    return future.done() and future.exception() is None


def _settle(future: "Future[Any]", fetch: Callable[[], Any]) -> bool:
    try:
        future.set_result(fetch())
    except BaseException as error:  # noqa: BLE001  it belongs to who asks for the result
        future.set_exception(error)
        return False
    return True
