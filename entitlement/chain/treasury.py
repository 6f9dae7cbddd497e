"""USDC on its way from the treasury to the burner: signed here, and looked for in blocks."""

from dataclasses import dataclass

from eth_typing import HexStr
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from hexbytes import HexBytes
from web3.exceptions import TransactionNotFound, Web3Exception
from web3.types import TxParams

from entitlement.chain.abi import encode
from entitlement.chain.contracts import Contracts
from entitlement.chain.raw_calls import ask
from entitlement.chain.reader import ChainReader
from entitlement.chain.replacement import fields_of
from entitlement.chain.signers import Signer
from entitlement.chain.transactions import SendLimits, sign
from entitlement.core.blocks import Header
from entitlement.core.buyback_funding import FundingState
from entitlement.core.errors import NodeUnavailable, TransactionFailed
from entitlement.core.units import Usdc, Wallet, wallet

TIP_MOST = 20 * 10**9
"""Wei for each gas that a node is followed to."""
_LIMITS = SendLimits(tip_most=TIP_MOST)
_WHAT = "the transfer of USDC to the burner"


@dataclass(frozen=True, slots=True)
class SignedTransfer:
    """A transfer that nobody has seen yet."""

    nonce: int
    hash: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Fate:
    """What the chain says of a transfer now."""

    state: FundingState
    """SIGNED while no final block decides it."""
    block: int | None = None
    """Of the block that has it, final or not."""
    may_be_sent: bool = False
    """Whether its nonce is still to be used."""


class Treasury:
    """One account that sends USDC, on one chain."""

    def __init__(self, contracts: Contracts, reader: ChainReader, usdc: str, signer: Signer) -> None:
        """Take who signs."""
        self._contracts, self._reader, self._usdc, self._signer = contracts, reader, usdc, signer
        self._web3 = contracts.web3
        self.address: Wallet = wallet(signer.address)

    def balance(self, at: Header) -> Usdc:
        """Return what USDC it has at a block. Raises `NodeUnavailable`."""
        (held,) = ask(
            self._web3,
            self._usdc,
            ("balanceOf(address)", [to_checksum_address(self.address)]),
            ["uint256"],
            at.hash,
        )
        return Usdc(held)

    def sign(self, to: Wallet, amount: Usdc) -> SignedTransfer:
        """Sign a transfer, once the node has tried it.

        Raises `TransactionFailed` also where transactions of this account wait that are not in a block:
        which of them goes first nobody could say. `NodeUnavailable`, `SignatureRefused`.
        """
        address = to_checksum_address(self.address)
        try:
            nonce = self._web3.eth.get_transaction_count(address, "latest")
            pending = self._web3.eth.get_transaction_count(address, "pending")
        except Web3Exception as error:
            raise NodeUnavailable(method="eth_getTransactionCount", reason=str(error)[:200]) from error
        if pending != nonce:
            raise TransactionFailed(
                what=_WHAT, reason=f"{address} has {pending - nonce} transactions waiting: let them end first"
            )
        data = keccak(text="transfer(address,uint256)")[:4] + encode(["address", "uint256"], [to, amount])
        call: TxParams = {"to": to_checksum_address(self._usdc), "data": HexStr(f"0x{data.hex()}")}
        reverts = self._contracts.reverts
        raw = bytes(sign(self._web3, self._signer, call, _WHAT, reverts, nonce=nonce, limits=_LIMITS))
        return SignedTransfer(int(nonce), f"0x{keccak(raw).hex()}", raw)

    def fate(self, transfer: SignedTransfer) -> Fate:
        """Return what became of a transfer. Raises `NodeUnavailable`."""
        final = self._reader.final_head()
        try:
            receipt = self._web3.eth.get_transaction_receipt(HexStr(transfer.hash))
        except TransactionNotFound:
            return self._fate_of_nonce(transfer, final)
        except Web3Exception as error:
            raise NodeUnavailable(method="eth_getTransactionReceipt", reason=str(error)[:200]) from error
        block = int(receipt["blockNumber"])
        if block > final.number:
            return Fate(FundingState.SIGNED, block)
        return Fate(FundingState.FINAL if receipt["status"] == 1 else FundingState.FAILED, block)

    def send(self, transfer: SignedTransfer) -> None:
        """Send what was signed, which may have been sent before. Raises `TransactionFailed`."""
        try:
            self._web3.eth.send_raw_transaction(HexBytes(transfer.raw))
        except Web3Exception as error:
            # A node refuses what it has already, each in words of its own; so it is asked whether it has it.
            try:
                self._web3.eth.get_transaction(HexStr(transfer.hash))
            except TransactionNotFound:
                raise TransactionFailed(what=_WHAT, reason=str(error)[:300]) from error

    def _fate_of_nonce(self, transfer: SignedTransfer, final: Header) -> Fate:
        sender = to_checksum_address(self.address)
        try:
            used = self._web3.eth.get_transaction_count(sender, HexStr(hex(final.number)))
            newest = self._web3.eth.get_transaction_count(sender, "latest")
        except Web3Exception as error:
            raise NodeUnavailable(method="eth_getTransactionCount", reason=str(error)[:200]) from error
        assert fields_of(transfer.raw)["nonce"] == transfer.nonce, (
            "the journal's row is of another transaction"
        )
        if used > transfer.nonce:
            return Fate(FundingState.REPLACED)
        return Fate(FundingState.SIGNED, may_be_sent=newest <= transfer.nonce)
