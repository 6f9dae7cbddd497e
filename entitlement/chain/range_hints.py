"""How many blocks a node takes at once, read from what it says when it refuses more.

Every provider has words of its own, and plans change them; so there is no list of providers here, but three
rules that their wordings follow. What none of them fits is answered by halving.

    a range     "this block range should work: [0x1180fca, 0x1180fd3]", "retry with the range 100-200"
    blocks      "up to a 2K block range", "ranges over 10000 blocks are not supported"
    a limit     "exceed maximum block range: 50000", "range 9009594 is bigger than range limit 2000"
"""

import re
from dataclasses import dataclass

_HEX_RANGE = re.compile(r"\[\s*(0x[0-9a-f]{1,16})\s*,\s*(0x[0-9a-f]{1,16})\s*\]")
_DECIMAL_RANGE = re.compile(r"range\D{0,3}(\d{1,16})\s*-\s*(\d{1,16})")
_NOISE = re.compile(r"https?://\S+|0x[0-9a-f]+")

_NUMBER = r"(\d{1,3}(?:[,.]\d{3})+|\d+)(k?)\b"
_BLOCKS = re.compile(rf"{_NUMBER}[ -]blocks?\b|requested blocks is {_NUMBER}")
_LIMIT = re.compile(
    r"(?:limit|max|allowed|up to|at most|exceed|greater than|bigger than|smaller than|distance|over|filter|>)"
    rf"[^0-9]{{0,40}}?(?:0\s*-\s*)?{_NUMBER}"
)
_OF_THE_ANSWER = re.compile(r"results|\blogs\b|response|bytes|time-?out|timed|deadline")
"""Where it is the answer that is too large, a bare number counts no blocks."""


@dataclass(frozen=True, slots=True)
class RangeHint:
    """What a refusal teaches."""

    blocks: int | None
    """So many may be asked for instead; None where the node names no number below what it refused."""
    is_lasting: bool
    """Whether it holds in the whole chain, and not only where there are as many logs as here."""


def hint_in(words: str, asked: int) -> RangeHint:
    """Return what a node's text says about how many blocks it takes; `asked` is how many it refused."""
    text = words.lower()
    of_the_answer = _OF_THE_ANSWER.search(text) is not None
    for pattern, base in ((_HEX_RANGE, 16), (_DECIMAL_RANGE, 10)):
        for first, last in pattern.findall(text):
            width = int(last, base) - int(first, base) + 1
            # There are nodes that advise the very range which they refuse.
            if 0 < width < asked:
                return RangeHint(width, is_lasting=not of_the_answer)
    text = _NOISE.sub(" ", text)
    for pattern in (_BLOCKS,) if of_the_answer else (_BLOCKS, _LIMIT):
        named = [number for match in pattern.finditer(text) if 0 < (number := _number(match)) < asked]
        if named:
            return RangeHint(min(named), is_lasting=True)
    return RangeHint(None, is_lasting=not of_the_answer)


def _number(match: re.Match[str]) -> int:
    digits, thousands = [group for group in match.groups() if group is not None][-2:]
    return int(re.sub(r"[,.]", "", digits)[:16]) * (1_000 if thousands else 1)
