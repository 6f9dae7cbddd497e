"""Bloom filters of blocks: whether a contract may have written a log in a block. It says "no" only truly.

Each address and topic of a block's logs sets three of 2048 bits, chosen by the first six bytes of its keccak
hash (Ethereum's yellow paper, section 4.3.1).
"""

from collections.abc import Mapping, Sequence
from typing import Any

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
    """Knows what our contracts' logs look like in a bloom filter: a pattern for each event of each contract.

    What may be said, and what was, is a number with a bit for each of these.
    """

    def __init__(self, topics_of: Mapping[str, Sequence[str]]) -> None:
        """Take the addresses to watch, each with the first topics of the events that are followed."""
        watched = [(address, topic) for address, topics in topics_of.items() for topic in topics]
        self.bit_of = {pair: 1 << place for place, pair in enumerate(watched)}
        """The bit of an event of a contract, which are its address and first topic."""
        self._patterns = [
            (bit, bits_of(bytes.fromhex(address[2:])) | bits_of(bytes.fromhex(topic[2:])))
            for (address, topic), bit in self.bit_of.items()
        ]
        self.everything = (1 << len(watched)) - 1
        """What may be said where nothing is known."""

    def may_say(self, bloom: int) -> int:
        """Return which events of which contracts a block with this filter may hold."""
        found = 0
        for bit, pattern in self._patterns:
            if bloom & pattern == pattern:
                found |= bit
        return found

    def saying(self, bits: int) -> dict[str, list[Any]]:
        """Return the filter of a question for logs of `bits`; it may let others of ours through."""
        wanted = [pair for pair, bit in self.bit_of.items() if bits & bit]
        return {
            "address": sorted({address for address, _ in wanted}),
            "topics": [sorted({topic for _, topic in wanted})],
        }
