"""What a node says, before it is believed: each field has one form, and anything else is a contradiction."""

import re
from functools import lru_cache
from typing import Any, cast

from entitlement.core.blocks import Header
from entitlement.core.errors import InconsistentNode
from entitlement.core.units import Wallet

# Their bounds are in the patterns: `match` of a bound pattern is the quickest question there is.
_QUANTITY = re.compile(r"0[xX](?:0|[1-9a-fA-F][0-9a-fA-F]*)\Z")
_DIGEST = re.compile(r"0[xX][0-9a-fA-F]{64}\Z")
_ADDRESS = re.compile(r"0[xX][0-9a-fA-F]{40}\Z")

QUANTITY_MAX = 2**53 - 1
"""Above any height, time or index that a chain can reach; what the database and JSON carry exactly."""


def quantity(fields: dict[str, Any], name: str) -> int:
    """Return a number that the node wrote as `0x` and hex without leading zeros."""
    value = fields.get(name)
    number = _number(value) if isinstance(value, str) else None
    if number is None:
        raise InconsistentNode(f"{name} is {_shown(value)}, not a quantity")
    if number > QUANTITY_MAX:
        raise InconsistentNode(f"{name} is {_shown(value)}, more than can be")
    return number


@lru_cache(maxsize=4_096)
def _number(value: str) -> int | None:
    """Read a quantity; the same ones come again and again, as the places of logs in their blocks do."""
    return int(value, 16) if _QUANTITY.match(value) else None


def digest(fields: dict[str, Any], name: str) -> str:
    """Return a hash in the one spelling used inside: `0x` and 64 lower-case hex digits."""
    value = fields.get(name)
    if not isinstance(value, str) or not _DIGEST.match(value):
        raise InconsistentNode(f"{name} is {_shown(value)}, not a hash")
    return value.lower()


def address(fields: dict[str, Any], name: str) -> Wallet:
    """Return an address in the one spelling used inside."""
    value = fields.get(name)
    if not isinstance(value, str) or not _ADDRESS.match(value):
        raise InconsistentNode(f"{name} is {_shown(value)}, not an address")
    return Wallet(value.lower())


def header(block: object) -> Header:
    """Return what is kept of a block."""
    fields = mapping(block, "a block")
    return Header(
        number=quantity(fields, "number"),
        hash=digest(fields, "hash"),
        parent_hash=digest(fields, "parentHash"),
        timestamp=quantity(fields, "timestamp"),
    )


def bloom(block: object, size: int) -> int | None:
    """Return a block's bloom filter of `size` bytes as one number, or None where the chain has no filters."""
    value = mapping(block, "a block").get("logsBloom")
    if value is None:
        return None
    given = words(value, size)
    if given is None:
        raise InconsistentNode(f"logsBloom is {_shown(value)}, not {size} bytes")
    return int.from_bytes(given, "big")


def words(value: object, size: int) -> bytes | None:
    """Return the `size` bytes that a node wrote as `0x` and hex, or None if it did not."""
    if not isinstance(value, str) or len(value) != 2 + 2 * size or value[:2] != "0x":
        return None
    try:
        given = bytes.fromhex(value[2:])
    except ValueError:
        return None
    # It takes spaces too, which then are missing.
    return given if len(given) == size else None


def mapping(value: object, what: str) -> dict[str, Any]:
    """Return `value` as the JSON object that it must be."""
    if not isinstance(value, dict):
        raise InconsistentNode(f"{what} is {_shown(value)}, not an object")
    return cast("dict[str, Any]", value)


def sequence(value: object, what: str) -> list[Any]:
    """Return `value` as the JSON list that it must be."""
    if not isinstance(value, list):
        raise InconsistentNode(f"{what} is {_shown(value)}, not a list")
    return cast("list[Any]", value)


def _shown(value: object) -> str:
    return repr(value)[:80]
