"""The keeper's hands: what the chain says about a run, and the transactions that are signed for it.

Nothing is kept here and nothing is decided: `core.buyback_run` decides, and whoever calls has written down
what was signed before it is sent.
"""

from dataclasses import dataclass
from typing import Any

from eth_typing import HexStr
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from hexbytes import HexBytes
from web3 import Web3
from web3.exceptions import TransactionNotFound, Web3Exception
from web3.types import TxParams, TxReceipt

from entitlement.chain.buyback_logs import EXECUTED
from entitlement.chain.contracts import Contracts
from entitlement.chain.market import BURNER
from entitlement.chain.reader import ChainReader
from entitlement.chain.replacement import fields_of, sign_dearer
from entitlement.chain.signers import Signer
from entitlement.chain.transactions import SendLimits, fees_now, sign
from entitlement.core.blocks import Header
from entitlement.core.buyback_run import Attempt, Included, Kind, Run, Sight
from entitlement.core.errors import InconsistentNode, NodeUnavailable, TransactionFailed
from entitlement.core.units import Usdc, Wallet, Wei, wallet

CANCEL_GAS = 21_000
TIP_MOST = 20 * 10**9
"""Wei for each gas: what a node that lies about tips can waste in a run is 0.008 coins."""
_LIMITS = SendLimits(tip_most=TIP_MOST)
_EVENT_WORDS = 3


@dataclass(frozen=True, slots=True)
class Account:
    """The keeper's account at a block, and what gas costs."""

    address: Wallet
    nonce: int
    pending: int
    """What the node calls its next nonce: higher while something waits that the journal may not know."""
    balance: int
    """Wei of the chain's own coin."""
    max_fee: int
    """Wei for each gas that a transaction would offer at the most."""


class Keeper:
    """Acts for one account on one deployment."""

    def __init__(
        self, contracts: Contracts, reader: ChainReader, signer: Signer, sender: Web3 | None = None
    ) -> None:
        """Take who signs, and where transactions are sent: to the node that is read from by default."""
        self._contracts, self._reader, self._signer = contracts, reader, signer
        self._web3 = contracts.web3
        self._sender = sender or contracts.web3
        self.address = wallet(signer.address)

    def account(self, at: Header) -> Account:
        """Return the account as it is at a block; raises `NodeUnavailable`."""
        address, web3 = to_checksum_address(self.address), self._web3
        try:
            return Account(
                self.address,
                web3.eth.get_transaction_count(address, HexStr(hex(at.number))),
                web3.eth.get_transaction_count(address, "pending"),
                web3.eth.get_balance(address, HexStr(hex(at.number))),
                fees_now(self._web3, TIP_MOST).most,
            )
        except Web3Exception as error:
            raise NodeUnavailable(method="eth_getTransactionCount", reason=str(error)[:200]) from error

    def sight(self, run: Run) -> Sight:
        """Return what the chain says about a run now; raises `NodeUnavailable`, `InconsistentNode`."""
        head, final = self._reader.head(), self._reader.final_head()
        try:
            included = self._included(run, head.number, min(final.number, head.number))
            nonce = self._web3.eth.get_transaction_count(
                to_checksum_address(run.keeper), HexStr(hex(head.number))
            )
            is_known = run.newest is not None and self._knows(run.newest)
        except Web3Exception as error:
            raise NodeUnavailable(method="eth_getTransactionReceipt", reason=str(error)[:200]) from error
        return Sight(
            block=head.number,
            time=head.timestamp,
            final_block=final.number,
            next_run=self._contracts.view(BURNER, "nextRun", block=head.hash),
            nonce=nonce,
            included=included,
            is_known=is_known,
        )

    def sign_execute(self, run: Run) -> Attempt:
        """Sign the run itself, once the node has tried it.

        Raises `TransactionFailed` with the contract's reason, `NodeUnavailable`, `SignatureRefused`.
        """
        arguments = (run.number, run.usdc, run.minimum, run.deadline)
        call: TxParams = {
            "to": to_checksum_address(self._contracts.address(BURNER)),
            "data": HexStr(self._contracts.call_data(BURNER, "execute", *arguments)),
        }
        what, reverts = f"run {run.number}", self._contracts.reverts
        raw = sign(self._web3, self._signer, call, what, reverts, nonce=run.nonce, limits=_LIMITS)
        return _attempt(1, Kind.EXECUTE, raw)

    def sign_again(self, run: Run, kind: Kind) -> Attempt:
        """Sign another transaction of the run's nonce, for a higher fee: the same call, or nothing at all."""
        newest = run.newest
        assert newest is not None, "what was never signed needs no other transaction"
        changes: dict[str, Any] = {}
        if kind is Kind.CANCEL:
            changes = {"to": to_checksum_address(run.keeper), "data": HexStr("0x"), "gas": CANCEL_GAS}
        raw = sign_dearer(self._web3, self._signer, newest.raw, tip_most=TIP_MOST, changes=changes)
        return _attempt(newest.number + 1, kind, HexBytes(raw))

    def broadcast(self, attempt: Attempt) -> None:
        """Send what was signed. It may have been sent before, and even be mined.

        Raises `TransactionFailed` where the node does not take it and does not have it, `NodeUnavailable`.
        """
        try:
            self._sender.eth.send_raw_transaction(HexBytes(attempt.raw))
        except Web3Exception as error:
            # A node refuses what it has already, each in words of its own; so it is asked whether it has it.
            if not self._knows(attempt):
                raise TransactionFailed(what=f"sending {attempt.hash}", reason=str(error)[:300]) from error

    def _knows(self, attempt: Attempt) -> bool:
        for web3 in {id(each): each for each in (self._web3, self._sender)}.values():
            try:
                web3.eth.get_transaction(HexStr(attempt.hash))
            except TransactionNotFound:
                continue
            return True
        return False

    def _included(self, run: Run, head: int, final: int) -> Included | None:
        for attempt in run.attempts:
            try:
                receipt = self._web3.eth.get_transaction_receipt(HexStr(attempt.hash))
            except TransactionNotFound:
                continue
            number = receipt["blockNumber"]
            header = self._reader.header(number) if number <= head else None
            if header is None or header.hash != receipt["blockHash"].to_0x_hex():
                # Its block is newer than what else is read here, or a fork is just dropping it: the next look
                # will tell.
                continue
            spent, burned = self._executed(run, receipt) if attempt.kind is Kind.EXECUTE else (0, 0)
            succeeded = receipt["status"] == 1
            if succeeded and attempt.kind is Kind.EXECUTE and not burned:
                raise InconsistentNode(f"{attempt.hash} succeeded and burned nothing")
            return Included(attempt, number, number <= final, succeeded, Usdc(spent), Wei(burned))
        return None

    def _executed(self, run: Run, receipt: TxReceipt) -> tuple[int, int]:
        """Return (spent, burned) by the burner's own event of this run; zeros where there is none."""
        burner = self._contracts.address(BURNER).lower()
        for log in receipt["logs"]:
            topics = [each.to_0x_hex() for each in log["topics"]]
            is_ours = log["address"].lower() == burner and topics[:1] == [EXECUTED]
            if is_ours and int(topics[1], 16) == run.number:
                words = bytes(log["data"])
                spent, burned, _ = (
                    int.from_bytes(words[32 * place : 32 * place + 32]) for place in range(_EVENT_WORDS)
                )
                return spent, burned
        return 0, 0


def _attempt(number: int, kind: Kind, raw: HexBytes) -> Attempt:
    fields = fields_of(bytes(raw))
    return Attempt(
        number=number,
        kind=kind,
        hash=HexBytes(keccak(raw)).to_0x_hex(),
        raw=bytes(raw),
        max_fee=fields["maxFeePerGas"],
        tip=fields["maxPriorityFeePerGas"],
        sent_at=None,
    )
