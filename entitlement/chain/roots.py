"""EpochRoots on the chain: what it has, and the transactions that bring it there."""

from dataclasses import dataclass

from eth_account.typed_transactions.typed_transaction import TypedTransaction
from eth_typing import BlockNumber, HexStr
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from hexbytes import HexBytes
from web3.exceptions import Web3Exception
from web3.types import TxParams

from entitlement.chain.contracts import Contracts
from entitlement.chain.replacement import sign_dearer
from entitlement.chain.signers import Signer
from entitlement.chain.transactions import SendLimits, deliver, sign
from entitlement.core.epochs import Epoch
from entitlement.core.errors import InconsistentNode, NodeUnavailable
from entitlement.core.units import NanoUsd

CONTRACT = "EpochRoots"
_WHAT = f"{CONTRACT}.publish"
_TOPIC = keccak(text="RootPublished(uint256,bytes32,uint256,uint256,uint256,bytes32)")
_LIMITS = SendLimits()


@dataclass(frozen=True, slots=True)
class Commitment:
    """What is said of an epoch, once. Credit in nano-dollars."""

    root: bytes
    granted: NanoUsd
    spent: NanoUsd
    accounts: int
    file_hash: str
    """`0x` and hex."""

    def explain(self) -> str:
        """Return it in words."""
        return (
            f"root 0x{self.root.hex()}, granted {self.granted}, spent {self.spent}, "
            f"accounts {self.accounts}, file {self.file_hash}"
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """A commitment that stands on the chain."""

    commitment: Commitment
    published_at: int
    """The time of its block."""


class RootsOnChain:
    """What EpochRoots answers now, at the newest block. All raise `NodeUnavailable`."""

    def __init__(self, contracts: Contracts) -> None:
        """Take the deployment."""
        self._contracts = contracts

    def publisher(self) -> str:
        """Return who may publish."""
        return str(self._contracts.view(CONTRACT, "publisher"))

    def next_epoch(self) -> Epoch | None:
        """Return the epoch whose root comes next; None before the first."""
        found = int(self._contracts.view(CONTRACT, "nextEpoch"))
        return Epoch(found) if found else None

    def start_epoch(self) -> Epoch:
        """Return the day on which the contract was made: no root is of an earlier one."""
        return Epoch(int(self._contracts.view(CONTRACT, "startEpoch")))

    def standing(self, epoch: Epoch) -> Standing | None:
        """Return what was published for an epoch, if anything."""
        root, granted, spent, accounts, file_hash, published_at = self._contracts.view(
            CONTRACT, "commitmentOf", epoch
        )
        if not published_at:
            return None
        said = Commitment(root, NanoUsd(granted), NanoUsd(spent), accounts, f"0x{file_hash.hex()}")
        return Standing(said, published_at)

    def verify(self, epoch: Epoch, arguments: tuple[object, ...]) -> bool:
        """Ask the contract about a leaf: (account, granted, spent, salt, proof).

        Raises `TransactionFailed` where nothing was published for the epoch.
        """
        return bool(self._contracts.view(CONTRACT, "verify", epoch, *arguments))

    def publication(self, epoch: Epoch, *, first: int, last: int) -> tuple[int, str] | None:
        """Return which of the blocks `first..last` published an epoch, and by which transaction, if any."""
        try:
            logs = self._contracts.web3.eth.get_logs(
                {
                    "fromBlock": BlockNumber(first),
                    "toBlock": BlockNumber(last),
                    "address": to_checksum_address(self._contracts.address(CONTRACT)),
                    "topics": [HexStr(f"0x{_TOPIC.hex()}"), HexStr(f"0x{epoch:064x}")],
                }
            )
        except Web3Exception as error:
            raise NodeUnavailable(method="eth_getLogs", reason=str(error)[:200]) from error
        if not logs:
            return None
        if len(logs) > 1:
            raise InconsistentNode(f"blocks {first}..{last} have {len(logs)} roots of epoch {epoch}")
        return logs[0]["blockNumber"], "0x" + bytes(logs[0]["transactionHash"]).hex()


class RootPublisher(RootsOnChain):
    """Signs and sends, as the publisher that the contract names."""

    def __init__(self, contracts: Contracts, signer: Signer, limits: SendLimits = _LIMITS) -> None:
        """Take who signs."""
        super().__init__(contracts)
        self._signer, self._limits = signer, limits

    def sign(self, epoch: Epoch, said: Commitment) -> tuple[bytes, str]:
        """Return a signed publication that nobody has seen yet, and its hash.

        Raises `TransactionFailed` with the contract's own error where it would be refused.
        """
        web3, reverts = self._contracts.web3, self._contracts.reverts
        data = self._contracts.call_data(
            CONTRACT,
            "publish",
            epoch,
            said.root,
            said.granted,
            said.spent,
            said.accounts,
            bytes.fromhex(said.file_hash[2:]),
        )
        call: TxParams = {
            "to": to_checksum_address(self._contracts.address(CONTRACT)),
            "data": HexStr(data),
        }
        raw = sign(web3, self._signer, call, _WHAT, reverts, limits=self._limits)
        return bytes(raw), f"0x{keccak(bytes(raw)).hex()}"

    def sign_dearer(self, raw: bytes) -> tuple[bytes, str]:
        """Return another transaction of the nonce of `raw`, for a higher fee, and its hash.

        Whichever of the two a block takes, the same is published. Raises `NodeUnavailable`.
        """
        try:
            again = sign_dearer(self._contracts.web3, self._signer, raw, tip_most=self._limits.tip_most)
        except Web3Exception as error:
            raise NodeUnavailable(method="eth_maxPriorityFeePerGas", reason=str(error)[:200]) from error
        return again, f"0x{keccak(again).hex()}"

    def is_void(self, raw: bytes) -> bool:
        """Tell whether a signed transaction can never bring anything any more: its number was used.

        By itself, where it failed, or by another one of the same account.
        """
        fields = TypedTransaction.from_bytes(HexBytes(raw)).as_dict()
        web3 = self._contracts.web3
        try:
            used = web3.eth.get_transaction_count(self._signer.address, "latest")
        except Web3Exception as error:
            raise NodeUnavailable(method="eth_getTransactionCount", reason=str(error)[:200]) from error
        return int(fields["nonce"]) < used

    def send(self, raw: bytes) -> None:
        """Send a signed publication, again if it was sent, and wait until it is in a block.

        Raises `TransactionFailed` where it is refused, `TransactionNotMined` where no block takes it in time.
        """
        web3, reverts = self._contracts.web3, self._contracts.reverts
        deliver(web3, HexBytes(raw), _WHAT, reverts, limits=self._limits)
