"""An account's proof: it holds as it is given, and with anything changed it does not."""

import json
from typing import Any

import pytest

from entitlement.core.account_proof import AccountProof, read_proof
from entitlement.core.commitment import leaf_of, make_tree, spending_of
from entitlement.core.epochs import Epoch
from entitlement.core.errors import NotAProof
from entitlement.core.units import NanoUsd, Wallet

EPOCH = Epoch(20_000)


def proof_of(number: int) -> dict[str, Any]:
    accounts = [Wallet(f"0x{each:040x}") for each in range(1, 6)]
    salts = [bytes([each]) * 32 for each in range(1, 6)]
    leaves = [
        leaf_of(EPOCH, account, NanoUsd(7), spending_of(NanoUsd(3), salt))
        for account, salt in zip(accounts, salts, strict=True)
    ]
    tree = make_tree(leaves)
    made = AccountProof(
        chain_id=31_337,
        contract="0x" + "c" * 40,
        epoch=EPOCH,
        account=accounts[number],
        diem=NanoUsd(5),
        pro_rata=NanoUsd(2),
        spent=NanoUsd(3),
        salt=salts[number],
        proof=tree.proof(leaves[number]),
        root=tree.root,
        file_hash="0x" + "f" * 64,
        block=12,
        transaction="0x" + "a" * 64,
    )
    return made.plain()


def wrong_in(proof: dict[str, Any]) -> list[str]:
    return read_proof(json.dumps(proof))[1]


def test_a_proof_holds_by_itself() -> None:
    for number in range(5):
        assert wrong_in(proof_of(number)) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("account", "0x" + "9" * 40),
        ("epoch", EPOCH + 1),
        ("diem", 6),
        ("pro_rata", 1),
        ("granted", 8),
        ("spent", 4),
        ("spent", 8),
        ("salt", "0x" + "9" * 64),
        ("spending", "0x" + "9" * 64),
        ("leaf", "0x" + "9" * 64),
        ("proof", []),
        ("root", "0x" + "9" * 64),
        ("note", "another name"),
    ],
)
def test_a_proof_with_anything_of_its_account_changed_is_found_out(name: str, value: object) -> None:
    assert wrong_in(proof_of(2) | {name: value})


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        "[" * 100_000,
        json.dumps(proof_of(0) | {"format": "another"}),
        json.dumps(proof_of(0) | {"spent": -1}),
        json.dumps(proof_of(0) | {"spent": True}),
        json.dumps(proof_of(0) | {"salt": "0x12"}),
        json.dumps(proof_of(0) | {"account": "0X" + "9" * 40}),
        json.dumps(proof_of(0) | {"proof": ["0x" + "9" * 64] * 65}),
        json.dumps(proof_of(0) | {"proof": 1}),
    ],
    ids=range(11),
)
def test_what_is_no_proof_is_refused_with_a_reason(content: str) -> None:
    with pytest.raises(NotAProof):
        read_proof(content)
