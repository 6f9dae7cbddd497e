"""A transaction that waits too long, signed again: the same nonce for a higher fee, so that one executes."""

from collections.abc import Mapping
from typing import Any

from eth_account.typed_transactions.typed_transaction import TypedTransaction
from eth_utils.address import to_checksum_address
from hexbytes import HexBytes
from web3 import Web3

from entitlement.chain.signers import Signer
from entitlement.chain.transactions import fees_now
from entitlement.core.fees import Fees, raised

_NO_CHANGES: Mapping[str, Any] = {}


def sign_dearer(
    web3: Web3,
    signer: Signer,
    raw: bytes,
    *,
    tip_most: int | None,
    changes: Mapping[str, Any] = _NO_CHANGES,
) -> bytes:
    """Return another transaction of the nonce of `raw`: the same call but for `changes`, for a higher fee.

    `tip_most` is what a node is followed to, in wei for each gas. Raises web3's errors, `SignatureRefused`.
    """
    fields = fields_of(raw)
    last = Fees(fields["maxFeePerGas"], fields["maxPriorityFeePerGas"])
    offered = raised(last, fees_now(web3, tip_most))
    tip = min(offered.tip, offered.most)
    fields |= {**changes, "maxFeePerGas": offered.most, "maxPriorityFeePerGas": tip}
    return bytes(signer.sign_transaction(fields).raw_transaction)


def fields_of(raw: bytes) -> dict[str, Any]:
    """Return what a signed transaction says, ready to be signed again."""
    found = TypedTransaction.from_bytes(HexBytes(raw)).as_dict()
    plain = {name: value for name, value in found.items() if name not in {"v", "r", "s", "accessList"}}
    plain["to"] = to_checksum_address(HexBytes(plain["to"]).to_0x_hex())
    plain["data"] = HexBytes(plain["data"]).to_0x_hex()
    plain["type"] = "0x2"
    return plain
