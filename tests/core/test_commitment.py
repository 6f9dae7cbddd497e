"""Trees as OpenZeppelin makes them: `vectors/tree.json` is written by its own package (see scripts)."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entitlement.core.commitment import (
    HASH_BYTES,
    NO_ROOT,
    SALT_BYTES,
    leaf_of,
    make_tree,
    node_at,
    root_from,
    spending_of,
)
from entitlement.core.epochs import Epoch
from entitlement.core.units import NanoUsd, Wallet

TREES = json.loads((Path(__file__).parent / "vectors" / "tree.json").read_text())["trees"]
of_each_size = pytest.mark.parametrize("tree", TREES, ids=lambda tree: f"{len(tree['rows'])} leaves")
hashes = st.binary(min_size=HASH_BYTES, max_size=HASH_BYTES)


def raw(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def leaf(tree: dict[str, Any], row: dict[str, str]) -> bytes:
    spending = spending_of(NanoUsd(int(row["spent"])), raw(row["salt"]))
    return leaf_of(Epoch(tree["epoch"]), Wallet(row["account"]), NanoUsd(int(row["granted"])), spending)


@of_each_size
def test_leaves_are_those_of_openzeppelins_package(tree: dict[str, Any]) -> None:
    assert [leaf(tree, row) for row in tree["rows"]] == [raw(row["leaf"]) for row in tree["rows"]]


@of_each_size
def test_every_node_of_a_tree_is_that_of_openzeppelins_package(tree: dict[str, Any]) -> None:
    made = make_tree(leaf(tree, row) for row in tree["rows"])
    assert made.nodes == b"".join(raw(node) for node in tree["nodes"])
    assert made.root == raw(tree["root"])


@of_each_size
def test_every_proof_is_that_of_openzeppelins_package_and_leads_to_the_root(tree: dict[str, Any]) -> None:
    made = make_tree(leaf(tree, row) for row in tree["rows"])
    for row in tree["rows"]:
        proof = made.proof(leaf(tree, row))
        assert proof == [raw(node) for node in row["proof"]]
        assert root_from(leaf(tree, row), proof) == made.root


def test_the_root_of_nothing_is_zero() -> None:
    assert make_tree([]).root == NO_ROOT == bytes(32)


@given(st.lists(hashes, min_size=1, max_size=40, unique=True))
def test_the_order_in_which_leaves_come_changes_nothing(leaves: list[bytes]) -> None:
    assert make_tree(leaves) == make_tree(sorted(leaves))


@given(st.sets(hashes, min_size=2, max_size=40), st.integers(0), st.integers(0), st.integers(0, 255))
def test_a_proof_with_any_bit_changed_leads_elsewhere(
    leaves: set[bytes], which: int, step: int, bit: int
) -> None:
    made = make_tree(leaves)
    mine = sorted(leaves)[which % len(leaves)]
    proof = made.proof(mine)
    assert root_from(mine, proof) == made.root
    place = step % len(proof)
    proof[place] = (int.from_bytes(proof[place], "big") ^ (1 << bit)).to_bytes(HASH_BYTES, "big")
    assert root_from(mine, proof) != made.root


@given(st.sets(hashes, min_size=2, max_size=40), hashes)
def test_no_other_leaf_has_a_proof_of_the_same_root(leaves: set[bytes], other: bytes) -> None:
    made = make_tree(leaves - {other})
    for mine in leaves - {other}:
        assert root_from(other, made.proof(mine)) != made.root or other == mine


@given(st.sets(hashes, min_size=2, max_size=40))
def test_no_inner_node_is_a_leaf_of_the_tree(leaves: set[bytes]) -> None:
    made = make_tree(leaves)
    inner = {node_at(made.nodes, place) for place in range(len(leaves) - 1)}
    assert not inner & set(made.places)


@given(st.integers(0, 2**53), st.integers(0, 2**53), st.binary(min_size=SALT_BYTES, max_size=SALT_BYTES))
def test_another_sum_with_the_same_salt_is_another_commitment(one: int, other: int, salt: bytes) -> None:
    same = spending_of(NanoUsd(one), salt) == spending_of(NanoUsd(other), salt)
    assert same == (one == other)
