"""What the chain tells of buybacks: every run by its events, and proof that none is missing.

Runs are 0, 1, 2, ... and the burner counts them, so a node that leaves one out contradicts itself.
"""

from collections.abc import Sequence
from typing import Any, cast

from eth_utils.crypto import keccak

from entitlement.chain import answers
from entitlement.chain.abi import decode
from entitlement.chain.log_ranges import LogRanges
from entitlement.chain.reader import ChainReader
from entitlement.chain.rpc import Rpc
from entitlement.core.buyback_run import Execution
from entitlement.core.errors import InconsistentNode
from entitlement.core.units import Usdc, Wallet, Wei

EXECUTED = "0x" + keccak(text="BuybackExecuted(uint256,address,uint256,uint256,uint256)").hex()
DONATED = "0x" + keccak(text="DonationBurned(uint256,uint256)").hex()


class BuybackLogs:
    """Reads the burner's events through one node."""

    def __init__(self, rpc: Rpc, reader: ChainReader, burner: Wallet, blocks_per_request: int) -> None:
        self._rpc, self._reader, self.burner = rpc, reader, burner
        self._ranges = LogRanges(blocks_per_request)

    def executions(self, first: int, last: int) -> list[Execution]:
        """Return the runs of blocks `first..last`, in order.

        Raises `NodeUnavailable`, `InconsistentNode`; whether runs are missing is the caller's to see.
        """
        wanted = {"address": self.burner, "topics": [[EXECUTED, DONATED]]}
        # Where `first` is above `last` nothing is asked.
        told = self._ranges.logs(self._rpc, wanted, first, last)
        logs = [answers.mapping(log, "a log") for log in told]
        donated = dict(donations(logs))
        found = [self._execution(log, donated) for log in logs if _event_of(log) == EXECUTED]
        if [each.number for each in found] != sorted({each.number for each in found}):
            raise InconsistentNode(f"runs in blocks {first}..{last} are not in order")
        return found

    def _execution(self, log: dict[str, Any], donated: dict[int, int]) -> Execution:
        number, keeper, spent, burned, price = executed(log)
        block, transaction = answers.quantity(log, "blockNumber"), answers.digest(log, "transactionHash")
        header = self._reader.header(block)
        if header is None or header.hash != answers.digest(log, "blockHash"):
            raise InconsistentNode(f"run {number} is said to be in a block {block} that is not on the chain")
        return Execution(
            number,
            keeper,
            Usdc(spent),
            Wei(burned),
            Wei(donated.get(number, 0)),
            Wei(price),
            block,
            header.hash,
            transaction,
            header.timestamp,
        )


def executed(log: dict[str, Any]) -> tuple[int, Wallet, int, int, int]:
    """Return (run, keeper, spent, burned, reference price) of a log of BuybackExecuted."""
    try:
        topics = cast("Sequence[str]", log["topics"])
        spent, burned, price = decode(["uint256"] * 3, bytes.fromhex(log["data"][2:]))
        return int(topics[1], 16), Wallet("0x" + topics[2][-40:].lower()), spent, burned, price
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise InconsistentNode("a log of BuybackExecuted cannot be read") from error


def donations(logs: Sequence[dict[str, Any]]) -> list[tuple[int, int]]:
    """Return (run, wei) of those logs that are of DonationBurned."""
    try:
        return [
            (int(log["topics"][1], 16), int(log["data"], 16)) for log in logs if _event_of(log) == DONATED
        ]
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise InconsistentNode("a log of DonationBurned cannot be read") from error


def _event_of(log: dict[str, Any]) -> str:
    topics = answers.sequence(log.get("topics"), "a log's topics")
    if not topics:
        raise InconsistentNode("a log without topics was not asked for")
    return str(topics[0]).lower()
