"""Bloom filters of blocks: whether a contract may have written a log in a block. It says "no" only truly.

Each address and topic of a block's logs sets three of 2048 bits, chosen by the first six bytes of its keccak
hash (Ethereum's yellow paper, section 4.3.1).
"""

from collections.abc import Mapping, Sequence

from eth_utils.crypto import keccak

BLOOM_BYTES = 256
_BLOOM_BITS = 8 * BLOOM_BYTES


def bits_of(entry: bytes) -> int:
    """Return the three bits that an address or a topic sets, as a number of 2048 bits."""
    hashed = keccak(entry)
    bits = 0
    for first in (0, 2, 4):
        bits |= 1 << (int.from_bytes(hashed[first : first + 2], "big") % _BLOOM_BITS)
    return bits


class BloomWatch:
    """Knows what our contracts' logs look like in a bloom filter."""

    def __init__(self, topics_of: Mapping[str, Sequence[str]]) -> None:
        """Take the addresses to watch, each with the first topics of the events that are followed."""
        self._patterns = [
            (
                bits_of(bytes.fromhex(address[2:])),
                [bits_of(bytes.fromhex(topic[2:])) for topic in topics],
            )
            for address, topics in topics_of.items()
        ]

    def may_speak(self, bloom: int) -> bool:
        """Tell whether a block with this filter may hold a followed event of a watched contract."""
        return any(
            bloom & address == address and any(bloom & topic == topic for topic in topics)
            for address, topics in self._patterns
        )
