r"""Commitment: one Merkle root for what all accounts were granted and spent in an epoch.

A tree in the format of OpenZeppelin's StandardMerkleTree (@openzeppelin/merkle-tree 1.0.8), which contracts,
browsers and other languages can check. Its leaves are (address, uint256 epoch, uint256 granted, bytes32
spending), and what was spent is behind `spending`, so that only its owner can open it:

    spending = keccak(abi.encode(spent, salt))
    leaf     = keccak(keccak(abi.encode(account, epoch, granted, spending)))

          0              node 0 is the root; below node i are 2i + 1 and 2i + 2, hashed in the
        /   \            order of their values; leaves stand at the end, the smallest last
       1     2
      / \   / \
     3   4 5   6
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from eth_utils.crypto import keccak

from entitlement.core.epochs import Epoch
from entitlement.core.units import NanoUsd, Wallet

HASH_BYTES = 32
SALT_BYTES = 32
NO_ROOT = bytes(HASH_BYTES)
"""The root of an epoch without leaves, as EpochRoots has it."""
_ADDRESS_PADDING = bytes(12)


def spending_of(spent: NanoUsd, salt: bytes) -> bytes:
    """Return what is published instead of `spent`. Who does not know the salt cannot guess it back."""
    assert len(salt) == SALT_BYTES, "a shorter salt could be guessed"
    return keccak(_word(spent) + salt)


def leaf_of(epoch: Epoch, wallet: Wallet, granted: NanoUsd, spending: bytes) -> bytes:
    """Return an account's leaf, as `EpochRoots.leafOf` does.

    Hashed twice, so that no inner node of a tree can be passed off as a leaf.
    """
    assert len(spending) == HASH_BYTES
    fields = _ADDRESS_PADDING + bytes.fromhex(wallet[2:]) + _word(epoch) + _word(granted) + spending
    return keccak(keccak(fields))


@dataclass(frozen=True, slots=True)
class Tree:
    """A whole tree."""

    nodes: bytes
    """All nodes one after another, the root first; empty for no leaves."""
    places: dict[bytes, int]
    """Where each leaf stands among the nodes."""

    @property
    def root(self) -> bytes:
        """The root; `NO_ROOT` where there is no leaf."""
        return self.nodes[:HASH_BYTES] or NO_ROOT

    def proof(self, leaf: bytes) -> list[bytes]:
        """Return what leads from a leaf of this tree to its root."""
        return [node_at(self.nodes, place) for place in proof_places(self.places[leaf])]


def make_tree(leaves: Iterable[bytes]) -> Tree:
    """Return the tree of `leaves`, which must differ, in whatever order they come."""
    ordered = sorted(leaves, reverse=True)
    places = {leaf: len(ordered) - 1 + number for number, leaf in enumerate(ordered)}
    assert len(places) == len(ordered), "two leaves are the same: an account has one in an epoch"
    nodes = [b""] * max(0, len(ordered) - 1) + ordered
    for place in range(len(ordered) - 2, -1, -1):
        nodes[place] = _parent(nodes[2 * place + 1], nodes[2 * place + 2])
    return Tree(b"".join(nodes), places)


def proof_places(place: int) -> list[int]:
    """Return where the nodes stand that prove the one at `place`, from the lowest up."""
    found: list[int] = []
    while place > 0:  # ends: each round is at least one level nearer to the root
        found.append(place + 1 if place % 2 else place - 1)
        place = (place - 1) // 2
    return found


def node_at(nodes: bytes, place: int) -> bytes:
    """Return one of a tree's nodes."""
    return nodes[place * HASH_BYTES : (place + 1) * HASH_BYTES]


def root_from(leaf: bytes, proof: Sequence[bytes]) -> bytes:
    """Return the root of the tree in which `proof` leads up from `leaf`: right only if both belong."""
    node = leaf
    for sibling in proof:
        node = _parent(node, sibling)
    return node


def _parent(one: bytes, other: bytes) -> bytes:
    return keccak(one + other if one < other else other + one)


def _word(number: int) -> bytes:
    return number.to_bytes(HASH_BYTES, "big")
