"""Write the daily right's test vectors from its rule: `python scripts/make_allowance_vectors.py`.

The rule stands in core/allowance.py and, for readers who check it in their browser, in
web/src/core/allowance.ts; the tests of both are held to these. All are decimal strings: a right in wei of
DIEM, credit in nano-dollars, an epoch in days, a time in Unix seconds.
"""

import json
import random
from collections.abc import Iterator
from pathlib import Path

from entitlement.core.allowance import BLIND_SECONDS_MAX, SMALLEST_RIGHT, allowance, right_in
from entitlement.core.epochs import Epoch, starts_at
from entitlement.core.positions import Slot
from entitlement.core.units import WEI_PER_TOKEN, Wei

VECTORS = Path(__file__).resolve().parent.parent / "tests" / "core" / "vectors" / "allowance.json"
COLUMNS = (
    *("epoch", "final_timestamp", "latest_timestamp"),
    *("final_epoch", "final_current", "final_next"),
    *("latest_epoch", "latest_current", "latest_next"),
    *("right_final", "right_latest", "credit"),
)
TODAY = Epoch(20_000)
MIDNIGHT = starts_at(TODAY)
AMOUNTS = (
    *(0, 1, SMALLEST_RIGHT - 1, SMALLEST_RIGHT, SMALLEST_RIGHT + 10**9 - 1, SMALLEST_RIGHT + 10**9),
    *(WEI_PER_TOKEN - 1, WEI_PER_TOKEN, 40_000 * WEI_PER_TOKEN, 2**128 - 1),
)
"""Those around the least that gives credit and around a nano-dollar, and the largest that can be stated."""
SPOKEN = (-TODAY, -300, -1, 0, 1)
"""Days from today on which a slot was stated; the first is that of a wallet which was never spoken of."""
AROUND_MIDNIGHT = (-BLIND_SECONDS_MAX - 1, -BLIND_SECONDS_MAX, -1, 0, 1, 86_399)
ODD = 160
"""Cases with all their digits in use, beside those at the bounds."""

Case = tuple[Slot, Slot, int, int]
"""The slot at the final block and at the newest, and when these blocks were made."""


def at_the_bounds() -> Iterator[Case]:
    """Each day a slot can be of, each place beside midnight, and each amount that a bound is at."""
    kept = Slot(Epoch(TODAY - 1), Wei(4 * WEI_PER_TOKEN), Wei(4 * WEI_PER_TOKEN))
    for latest in AROUND_MIDNIGHT:
        for final in (each for each in AROUND_MIDNIGHT if each <= latest):
            less = Slot(Epoch(TODAY - 1), kept.current, Wei(WEI_PER_TOKEN))
            yield kept, less, MIDNIGHT + final, MIDNIGHT + latest
    for spoken in SPOKEN:
        slot = Slot(Epoch(TODAY + spoken), Wei(3 * WEI_PER_TOKEN), Wei(5 * WEI_PER_TOKEN))
        yield slot, slot, MIDNIGHT, MIDNIGHT
        yield kept, slot, MIDNIGHT - 1, MIDNIGHT + 1
        yield slot, kept, MIDNIGHT - 1, MIDNIGHT + 1
    for amount in AMOUNTS:
        slot = Slot(TODAY, Wei(amount), Wei(0))
        yield slot, slot, MIDNIGHT, MIDNIGHT
        yield slot, Slot(TODAY, Wei(amount // 2), Wei(0)), MIDNIGHT - 1, MIDNIGHT + 1


def odd() -> Iterator[Case]:
    """Cases that no rounding favours; the same every time."""
    chosen = random.Random(TODAY)  # noqa: S311 - the same vectors every time

    def slot() -> Slot:
        amount = [Wei(chosen.randrange(10 ** chosen.randrange(17, 26))) for _ in range(2)]
        return Slot(Epoch(TODAY + chosen.choice(SPOKEN)), *amount)

    for _ in range(ODD):
        final, latest = sorted(chosen.randrange(-2 * BLIND_SECONDS_MAX, 86_400) for _ in range(2))
        yield slot(), slot(), MIDNIGHT + final, MIDNIGHT + latest


def rows() -> Iterator[list[str]]:
    """Each case with what the rule answers."""
    for final, latest, final_timestamp, latest_timestamp in (*at_the_bounds(), *odd()):
        credit = allowance(
            final=final,
            latest=latest,
            final_timestamp=final_timestamp,
            latest_timestamp=latest_timestamp,
            epoch=TODAY,
        )
        asked = (TODAY, final_timestamp, latest_timestamp)
        slots = (final.epoch, final.current, final.next, latest.epoch, latest.current, latest.next)
        answers = (right_in(final, TODAY), right_in(latest, TODAY), credit)
        yield [str(number) for number in (*asked, *slots, *answers)]


def vectors() -> str:
    """Return the file's text, in a form whose diff can be read."""
    cases = list(rows())
    told = ",\n".join(json.dumps(case) for case in cases)
    return f'{{"columns": {json.dumps(COLUMNS)},\n"count": {len(cases)},\n"cases": [\n{told}\n]}}\n'


def main() -> None:
    """Write the vectors."""
    VECTORS.write_text(vectors())


if __name__ == "__main__":
    main()
