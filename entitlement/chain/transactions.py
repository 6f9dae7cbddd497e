"""Sending: estimate, sign, send, wait. What a contract refuses is said in the contract's own words."""

import time
from dataclasses import dataclass
from typing import Any, cast

from eth_typing import ChecksumAddress, HexStr
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from hexbytes import HexBytes
from web3 import Web3
from web3.exceptions import ContractLogicError, TransactionNotFound, Web3Exception, Web3RPCError
from web3.types import Nonce, TxParams, TxReceipt, Wei

from entitlement.chain.contracts import Contracts
from entitlement.chain.reverts import RevertReader
from entitlement.chain.signers import Signer
from entitlement.core.errors import TransactionFailed, TransactionNotMined
from entitlement.core.fees import Fees
from entitlement.core.units import mul_div_up


@dataclass(frozen=True, slots=True)
class SendLimits:
    """How a transaction is sent."""

    gas_percent: int = 125
    """Of the estimate: state may have moved on when the transaction is mined."""
    gas_beside: int = 120_000
    """And so much more: a node estimates as if in the last block, whose emission is often accounted for
    already, while the block that the transaction lands in has some that must be. The very first emission
    writes three slots that were empty, at 22,100 each, beside the mint of VVV."""
    tip_most: int | None = None
    """Wei for each gas: a node that says more is not followed. None where a person looks on."""
    receipt_seconds: float = 120.0
    poll_seconds: float = 0.05


_LIMITS = SendLimits()


def transact(
    contracts: Contracts,
    signer: Signer,
    contract: str,
    function: str,
    *arguments: object,
    limits: SendLimits = _LIMITS,
) -> TxReceipt:
    """Call a function of one of our contracts and return the receipt of its success.

    Raises `TransactionFailed` naming the contract's error with its arguments, also when the call is refused
    before it is sent; `NodeUnavailable` when the node does not answer; `SignatureRefused` by a remote signer.
    """
    call: TxParams = {
        "to": to_checksum_address(contracts.address(contract)),
        "data": HexStr(contracts.call_data(contract, function, *arguments)),
    }
    return send(contracts.web3, signer, call, f"{contract}.{function}", contracts.reverts, limits=limits)


def send(
    web3: Web3,
    signer: Signer,
    call: TxParams,
    what: str,
    reverts: RevertReader,
    *,
    limits: SendLimits = _LIMITS,
) -> TxReceipt:
    """Sign `call`, send it, and return the receipt of its success; raises as `transact` does."""
    raw = sign(web3, signer, call, what, reverts, limits=limits)
    return deliver(web3, raw, what, reverts, limits=limits)


def sign(
    web3: Web3,
    signer: Signer,
    call: TxParams,
    what: str,
    reverts: RevertReader,
    *,
    nonce: int | None = None,
    limits: SendLimits = _LIMITS,
) -> HexBytes:
    """Return `call` as a signed transaction, which nobody has seen yet; `what` names it in errors.

    Raises as `transact` does: the node tries the call when it is asked for the gas.
    """
    transaction = prepare(web3, signer.address, call, what, reverts, nonce=nonce, limits=limits)
    return signer.sign_transaction(cast("dict[str, Any]", transaction)).raw_transaction


def prepare(
    web3: Web3,
    sender: str,
    call: TxParams,
    what: str,
    reverts: RevertReader,
    *,
    nonce: int | None = None,
    limits: SendLimits = _LIMITS,
) -> TxParams:
    """Return `call` with all that a signature of `sender` would cover. Raises as `sign` does."""
    try:
        return _completed(web3, to_checksum_address(sender), call, nonce, limits)
    except ContractLogicError as error:
        raise TransactionFailed(what=what, reason=_reason(error, reverts)) from error
    except Web3Exception as error:
        raise TransactionFailed(what=what, reason=_words(error)) from error


def deliver(
    web3: Web3, raw: HexBytes, what: str, reverts: RevertReader, *, limits: SendLimits = _LIMITS
) -> TxReceipt:
    """Send a signed transaction, wait until it is mined, and return its receipt.

    It may have been sent before, and even be mined: it is the same transaction. Raises as `transact` does.
    """
    sent = HexBytes(keccak(raw))
    try:
        _broadcast(web3, raw, sent)
        receipt = _mined(web3, sent, what, limits)
        if receipt["status"] != 1:
            # Asked again on the block it failed in, the node says why.
            found = cast("dict[str, Any]", web3.eth.get_transaction(sent))
            again = {"from": found["from"], "data": found["input"], "value": found["value"]}
            again |= {"to": found["to"]} if found.get("to") else {}
            web3.eth.call(cast("TxParams", again), receipt["blockNumber"])
            raise TransactionFailed(what=what, reason=f"reverted in block {receipt['blockNumber']}")
    except ContractLogicError as error:
        raise TransactionFailed(what=what, reason=_reason(error, reverts)) from error
    except Web3Exception as error:
        raise TransactionFailed(what=what, reason=_words(error)) from error
    return receipt


def fees_now(web3: Web3, tip_most: int | None) -> Fees:
    """Return what a transaction of this moment offers; a node that says a higher tip is not followed."""
    tip = int(web3.eth.max_priority_fee)
    if tip_most is not None:
        tip = min(tip, tip_most)
    base = int(web3.eth.get_block("latest").get("baseFeePerGas", 0))
    return Fees(2 * base + tip, tip)


def _completed(
    web3: Web3, sender: ChecksumAddress, call: TxParams, nonce: int | None, limits: SendLimits
) -> TxParams:
    """Return `call` with all that a signature covers; fees follow EIP-1559, twice the base fee at most."""
    fees = fees_now(web3, limits.tip_most)
    transaction: TxParams = {
        **call,
        "from": sender,
        "chainId": web3.eth.chain_id,
        "nonce": web3.eth.get_transaction_count(sender, "pending") if nonce is None else Nonce(nonce),
        "maxPriorityFeePerGas": Wei(fees.tip),
        "maxFeePerGas": Wei(fees.most),
        "value": call.get("value", Wei(0)),
    }
    estimate = web3.eth.estimate_gas(transaction)
    transaction["gas"] = mul_div_up(estimate, limits.gas_percent, 100) + limits.gas_beside
    return transaction


def _broadcast(web3: Web3, raw: HexBytes, sent: HexBytes) -> None:
    try:
        web3.eth.send_raw_transaction(raw)
    except Web3Exception:
        # A node refuses what it has already, each in words of its own; so it is asked whether it has it.
        if not _is_known(web3, sent):
            raise


def _is_known(web3: Web3, sent: HexBytes) -> bool:
    try:
        web3.eth.get_transaction(sent)
    except TransactionNotFound:
        return False
    return True


def _mined(web3: Web3, sent: HexBytes, what: str, limits: SendLimits) -> TxReceipt:
    deadline = time.monotonic() + limits.receipt_seconds
    while time.monotonic() < deadline:
        try:
            return web3.eth.get_transaction_receipt(sent)
        except TransactionNotFound:
            time.sleep(limits.poll_seconds)
    raise TransactionNotMined(
        what=what,
        reason=f"{sent.to_0x_hex()} was sent but not mined in {limits.receipt_seconds:g} s; it still may be",
    )


def _words(error: Web3Exception) -> str:
    """Return what the node said about a transaction that it did not take."""
    answer = error.rpc_response if isinstance(error, Web3RPCError) else None
    told = answer.get("error") if answer is not None else None
    message = told.get("message") if isinstance(told, dict) else told
    return str(message or error)[:300]


def _reason(error: ContractLogicError, reverts: RevertReader) -> str:
    data = error.data
    if isinstance(data, str) and data.startswith("0x"):
        return reverts.describe(bytes.fromhex(data[2:]))
    return str(error.message or "no reason given")
