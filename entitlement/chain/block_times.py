"""Which block a moment falls behind: found by halving, since blocks rise in time with their heights."""

from collections.abc import Callable

from entitlement.core.blocks import Header
from entitlement.core.errors import InconsistentNode

LONGEST_SEARCH = 64
"""Halvings: more than any chain has digits in its height."""


def last_block_before(
    timestamp: int, header: Callable[[int], Header | None], *, low: Header, high: Header
) -> Header:
    """Return the last block with a time before `timestamp`, of those from `low` to `high`.

    `low` where no block is. `header` is asked for blocks by height. Raises as it does, and
    `InconsistentNode` for a block that is missing, or of a time that cannot be.
    """
    if high.timestamp < timestamp:
        return high
    below, above = low, high
    for _ in range(LONGEST_SEARCH):
        if above.number - below.number <= 1:
            return below
        number = (below.number + above.number) // 2
        found = header(number)
        if found is None or not below.timestamp <= found.timestamp <= above.timestamp:
            raise InconsistentNode(
                f"block {number} is {found}, between block {below.number} of {below.timestamp} "
                f"and block {above.number} of {above.timestamp}"
            )
        if found.timestamp < timestamp:
            below = found
        else:
            above = found
    raise AssertionError("halving ends")
