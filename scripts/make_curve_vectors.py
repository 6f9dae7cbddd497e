# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# (mpmath carries no types)
"""Compute the curve's test vectors from its closed form: `python scripts/make_curve_vectors.py`.

rate(S) = 90 * exp(2 * (S/T)^3) and its integral F(S) = 90 * S * M(1/3, 4/3, 2 * (S/T)^3), with M Kummer's
function, at 50 digits. The contract sums a series in fixed point instead, so this is another way to the same
numbers. Amounts are decimal strings in wei, rounded down; rates are wei of sVVV for one whole DIEM.
"""

import json
import random
from collections.abc import Iterator
from pathlib import Path

from mpmath import exp, floor, hyp1f1, mp, mpf

VECTORS = Path(__file__).resolve().parent.parent / "tests" / "core" / "vectors" / "curve.json"
COLUMNS = ("target", "supply", "potential", "rate", "potential_error_max")
DIGITS = 50
DIEM = 10**18
GRID = 48  # steps from nothing to the cap
ODD_SUPPLIES = 32  # supplies that no rounding favours

# (target, how many wei the fixed-point F may lie below the true one). The error grows with the supply.
TARGETS = ((38_000 * DIEM, 4), (40_000 * DIEM, 4), (DIEM, 4), (1_000_000 * DIEM, 128))


def potential(supply: int, target: int) -> int:
    """F(supply) in wei of sVVV, rounded down."""
    y = 2 * (mpf(supply) / target) ** 3
    return int(floor(90 * mpf(supply) * hyp1f1(mpf(1) / 3, mpf(4) / 3, y)))


def rate(supply: int, target: int) -> int:
    """Wei of sVVV for one whole DIEM at the margin, rounded down."""
    return int(floor(90 * DIEM * exp(2 * (mpf(supply) / target) ** 3)))


def supplies(target: int) -> Iterator[int]:
    """A grid to the cap, its ends, and supplies with all their digits in use."""
    cap = target + target // 2
    yield 1
    yield from (cap * step // GRID for step in range(GRID + 1))
    yield cap - 1
    odd = random.Random(target)  # noqa: S311  the same vectors every time
    yield from (odd.randrange(cap) for _ in range(ODD_SUPPLIES))


def main() -> None:
    """Write the vectors, in a form whose diff can be read."""
    mp.dps = DIGITS
    cases = [
        [str(number) for number in (target, supply, potential(supply, target), rate(supply, target), error)]
        for target, error in TARGETS
        for supply in sorted(set(supplies(target)))
    ]
    columns, rows = json.dumps(COLUMNS), ",\n".join(json.dumps(case) for case in cases)
    VECTORS.parent.mkdir(parents=True, exist_ok=True)
    VECTORS.write_text(f'{{"columns": {columns},\n"count": {len(cases)},\n"cases": [\n{rows}\n]}}\n')
    print(f"{len(cases)} cases in {VECTORS}")


if __name__ == "__main__":
    main()
