"""What will be wanted soon, made piece by piece by whoever has a moment, or when it is asked for."""

from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")

ITEMS_PER_PIECE = 64
"""Some 300 microseconds of logs: whoever waits for something else does not wait much longer for it."""


class Piecewise(Generic[Item]):
    """The items of an iterator, in order, made ahead as far as there was time. For one thread at a time."""

    def __init__(self, source: Iterator[Item]) -> None:
        self._source = source
        self._made: list[Item] = []
        self._error: Exception | None = None
        self._may_go_on = True

    def make_piece(self) -> bool:
        """Make some more; return whether there was any to make.

        What goes wrong is kept for whoever asks for the item.
        """
        if not self._may_go_on:
            return False
        try:
            for _ in range(ITEMS_PER_PIECE):
                self._made.append(next(self._source))
        except StopIteration:
            self._may_go_on = False
        except Exception as error:  # noqa: BLE001  it belongs to whoever asks for the item
            self._may_go_on, self._error = False, error
        return True

    def __iter__(self) -> Iterator[Item]:
        """Yield all of them, once: what is made already, then the rest. Raises what making them raised."""
        made, self._made = self._made, []
        yield from made
        if self._error is not None:
            raise self._error
        yield from self._source


def drained(items: list[Item]) -> Iterable[Item]:
    """Yield the items and let go of each: what is made of them need not be in memory beside all of them."""
    items.reverse()
    while items:
        yield items.pop()
