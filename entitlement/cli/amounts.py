"""Amounts as a person types them: exact, never by way of a float."""

import re

from entitlement.core.errors import InvalidRequest
from entitlement.core.units import NanoUsd, Usdc, Wei

_AMOUNT = re.compile(r"([0-9]{1,9})(?:\.([0-9]+))?")
_DECIMALS_OF_DOLLARS = 9
_DECIMALS_OF_TOKENS = 18
_DECIMALS_OF_USDC = 6


def nano_usd(dollars: str) -> NanoUsd:
    """Return an amount of dollars as nano-USD; raises InvalidRequest."""
    return NanoUsd(_smallest_units(dollars, _DECIMALS_OF_DOLLARS, "dollars"))


def wei(tokens: str) -> Wei:
    """Return an amount of tokens as wei; raises InvalidRequest."""
    return Wei(_smallest_units(tokens, _DECIMALS_OF_TOKENS, "tokens"))


def usdc_units(dollars: str) -> Usdc:
    """Return an amount of USDC in its units; raises InvalidRequest."""
    return Usdc(_smallest_units(dollars, _DECIMALS_OF_USDC, "USDC"))


def _smallest_units(given: str, decimals: int, what: str) -> int:
    found = _AMOUNT.fullmatch(given)
    whole, rest = found.groups("") if found else ("", "")
    if found is None or len(rest) > decimals:
        raise InvalidRequest(
            f"{given[:40]!r} is not an amount of {what}: give digits, and at most {decimals} decimals"
        )
    return int(whole + rest.ljust(decimals, "0"))
