"""What a node says, before it is believed: each field has one form, and anything else is a contradiction."""

import re
from typing import Any, cast

from entitlement.core.blocks import Header
from entitlement.core.errors import InconsistentNode
from entitlement.core.units import Wallet

_QUANTITY = re.compile(r"0x(0|[1-9a-f][0-9a-f]*)")
_DIGEST = re.compile(r"0x[0-9a-f]{64}")
_ADDRESS = re.compile(r"0x[0-9a-f]{40}")

QUANTITY_MAX = 2**53 - 1
"""Above any height, time or index that a chain can reach; what the database and JSON carry exactly."""


def quantity(fields: dict[str, Any], name: str) -> int:
    """Return a number that the node wrote as `0x` and hex without leading zeros."""
    value = fields.get(name)
    if not isinstance(value, str) or not _QUANTITY.fullmatch(value.lower()):
        raise InconsistentNode(f"{name} is {_shown(value)}, not a quantity")
    number = int(value, 16)
    if number > QUANTITY_MAX:
        raise InconsistentNode(f"{name} is {_shown(value)}, more than can be")
    return number


def digest(fields: dict[str, Any], name: str) -> str:
    """Return a hash in the one spelling used inside: `0x` and 64 lower-case hex digits."""
    value = fields.get(name)
    if not isinstance(value, str) or not _DIGEST.fullmatch(value.lower()):
        raise InconsistentNode(f"{name} is {_shown(value)}, not a hash")
    return value.lower()


def address(fields: dict[str, Any], name: str) -> Wallet:
    """Return an address in the one spelling used inside."""
    value = fields.get(name)
    if not isinstance(value, str) or not _ADDRESS.fullmatch(value.lower()):
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
    if not isinstance(value, str) or not re.fullmatch(r"0x[0-9a-fA-F]*", value) or len(value) != 2 + 2 * size:
        raise InconsistentNode(f"logsBloom is {_shown(value)}, not {size} bytes")
    return int(value, 16)


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
