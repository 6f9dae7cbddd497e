"""Reorganisations: where our chain and the node's chain part.

ours     a--b--c--d        the fork point is the highest block both have: b
node's   a--b--e--f--g     blocks above it are undone, then the new ones are followed
"""

from collections.abc import Callable, Sequence

from entitlement.core.blocks import Header
from entitlement.core.errors import ForkBelowWindow


def fork_point(ours: Sequence[Header], hash_on_node: Callable[[int], str | None]) -> Header:
    """Return the highest of our blocks that the node's chain also has.

    `ours` are the kept headers, oldest first; `hash_on_node` answers the node's hash at a height, or None
    where its chain is shorter. A chain that has one of our blocks has all before it, so this is a binary
    search: 8 questions for a window of 200. Raises `ForkBelowWindow` when not even the oldest is shared.
    """
    low, high = 0, len(ours)
    while low < high:  # ours[:low] are shared, ours[high:] are not; the gap halves each round
        middle = (low + high) // 2
        if hash_on_node(ours[middle].number) == ours[middle].hash:
            low = middle + 1
        else:
            high = middle
    if low == 0:
        raise ForkBelowWindow(oldest_kept=ours[0].number if ours else None)
    return ours[low - 1]


def is_linked(headers: Sequence[Header], parent: Header | None) -> bool:
    """Tell whether `headers` follow each other and `parent` without a gap, by number and by hash."""
    previous = parent
    for header in headers:
        if previous is not None and (
            header.number != previous.number + 1 or header.parent_hash != previous.hash
        ):
            return False
        previous = header
    return True
