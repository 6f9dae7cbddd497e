"""The amounts that are worth trying: nothing, a wei, all there is and a wei more, and parts of it."""

from typing import NamedTuple

from tests.machine.model.tokens import UNLIMITED


class Part(NamedTuple):
    """`available * numerator / denominator + more`, within what a contract can be told."""

    numerator: int
    denominator: int
    more: int = 0

    def of(self, available: int) -> int:
        return min(max(available * self.numerator // self.denominator + self.more, 0), UNLIMITED)


NOTHING, A_WEI, ALL, ALL_AND_A_WEI = Part(0, 1), Part(0, 1, 1), Part(1, 1), Part(1, 1, 1)
ANYTHING = Part(0, 1, UNLIMITED)

PARTS = (
    *(Part(1, 3), Part(1, 10), Part(1, 2), Part(1, 100), Part(7, 8), Part(1, 7), Part(1, 30)),
    *(ALL, ALL_AND_A_WEI, A_WEI, NOTHING, Part(1, 10**6, 1)),
)
"""Of what there is."""

LEAST = (ALL, NOTHING, Part(1, 2), ALL, NOTHING, ALL_AND_A_WEI)
"""What a caller wants at least, of an amount that was quoted."""

MOST = (ALL, ANYTHING, ALL_AND_A_WEI, ALL, Part(1, 1, -1))
"""What a caller pays at most, of a price that was quoted."""

CUTS = (NOTHING, Part(99, 100), Part(1, 2), NOTHING, ALL)
"""What becomes of a rate."""

WHILES = (1, 12, 3_600, 40_000, 86_400, 300_000, 700_000)
"""Seconds."""

PAUSES = (3_600, 86_400, 7 * 86_400, 7 * 86_400 + 1, 0)
"""Seconds: at most seven days are allowed."""

TERMS = (1, 2, 3, 1, 366, 2, 0, 367)
"""Days: at least one and at most 366 are allowed."""
