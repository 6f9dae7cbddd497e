"""Answers that will be wanted next, fetched by another thread while this one works on the last ones.

    this thread     | read 1 | fold and write 1 | read 2 | fold and write 2 | ...
    the other one            | fetch 2 |                 | fetch 3 |

The other thread only waits and takes JSON apart: two that read logs or fold events at once would fight for
the interpreter, and both be slower than one.
"""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Lock, Thread
from typing import Any


@dataclass(frozen=True, slots=True)
class Logs:
    """Logs as a node told them, perhaps in several parts."""

    told: list[Any]
    ends: list[Any]
    """The last log of each part."""


@dataclass(slots=True)
class _Asked:
    first: int
    last: int
    blocks: Future[list[Any]] = field(default_factory=Future[list[Any]])
    logs: Future[Logs] = field(default_factory=Future[Logs])
    are_blocks_taken: bool = False


class AskedAhead:
    """Keeps the answers about one range until each is taken, once, or another range is begun. Thread-safe."""

    def __init__(self) -> None:
        self._asked: _Asked | None = None
        self._lock = Lock()

    def begin(self, first: int, last: int, blocks: Callable[[], list[Any]], logs: Callable[[], Logs]) -> None:
        """Fetch blocks `first..last`, then their logs, in a thread that keeps no process from ending.

        What was fetched before and nobody took is forgotten.
        """
        asked = _Asked(first, last)
        with self._lock:
            self._asked = asked

        def fetch() -> None:
            if _settle(asked.blocks, blocks):
                _settle(asked.logs, logs)

        Thread(target=fetch, name="asked-ahead", daemon=True).start()

    def take_blocks(self, first: int, last: int) -> list[Any] | None:
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

    def take_logs(self, first: int, last: int) -> Logs | None:
        """Return the logs of the range whose blocks were taken, or None; raises what asking raised."""
        with self._lock:
            asked = self._asked
            if asked is None or (asked.first, asked.last) != (first, last) or not asked.are_blocks_taken:
                return None
            self._asked = None
        return None if asked.blocks.exception() else asked.logs.result()


def _settle(future: "Future[Any]", fetch: Callable[[], Any]) -> bool:
    try:
        future.set_result(fetch())
    except BaseException as error:  # noqa: BLE001  it belongs to who asks for the result
        future.set_exception(error)
        return False
    return True
