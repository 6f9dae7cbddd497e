"""The thorough check: a block's logs against its receipts, and those against the block's own filter.

    eth_getLogs  ==  our logs among all receipts' logs     what is left out of one answer is in the other
                     all receipts' logs  ==>  logsBloom    what is left out of both is missing in the filter

The second is an equality: a log that is left out takes its bits with it. What still goes unnoticed is one of
several logs of the same contract with the same topics, left out of both answers with all indices renumbered.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from entitlement.chain import answers
from entitlement.chain.bloom import BLOOM_BYTES, bits_of
from entitlement.chain.rpc import HASHES_ONLY, Rpc
from entitlement.core.blocks import Header
from entitlement.core.errors import InconsistentNode

RECEIPTS_PER_BATCH = 10
"""Blocks whose receipts are asked for at once: on a busy chain one answer has a megabyte."""

_bits = lru_cache(maxsize=65_536)(bits_of)
"""The same contracts and events speak in block after block."""

_Log = tuple[int, str, tuple[str, ...], str]
"""Index in the block, address, topics, data: what tells one log from another."""


class ReceiptCheck:
    """Compares what a node says of a block in three ways."""

    def __init__(self, topics_of: Mapping[str, Sequence[str]]) -> None:
        """Take the addresses that are followed, each with the first topics of its events; all lower-case."""
        self._followed = {(address, topic) for address, topics in topics_of.items() for topic in topics}

    def check(self, rpc: Rpc, headers: Sequence[Header], logs: Mapping[str, Sequence[Any]]) -> None:
        """Raise `InconsistentNode` unless each block's `logs`, by its hash, are all that its receipts have.

        Raises `NodeUnavailable` where the node has no receipts of whole blocks.
        """
        for start in range(0, len(headers), RECEIPTS_PER_BATCH):
            part = headers[start : start + RECEIPTS_PER_BATCH]
            receipts = rpc.batch("eth_getBlockReceipts", [[header.hash] for header in part])
            blocks = rpc.batch("eth_getBlockByHash", [[header.hash, HASHES_ONLY] for header in part])
            for header, of_block, block in zip(part, receipts, blocks, strict=True):
                if of_block is None or block is None:
                    raise InconsistentNode(
                        f"block {header.number} {header.hash} is not on the node any more, or has no receipts"
                    )
                all_logs = _logs_of(header, of_block, answers.mapping(block, "a block"))
                _compare_with_filter(header, all_logs, answers.bloom(block, BLOOM_BYTES))
                self._compare(header, all_logs, logs[header.hash])

    def _compare(self, header: Header, all_logs: list[_Log], said: Sequence[Any]) -> None:
        in_receipts = [log for log in all_logs if self._is_followed(log)]
        in_logs = [log for log in map(_log, said) if self._is_followed(log)]
        if in_receipts != in_logs:
            raise InconsistentNode(
                f"block {header.number} {header.hash} has {len(in_receipts)} of our logs in its receipts, "
                f"and {len(in_logs)}, or others, as logs"
            )

    def _is_followed(self, log: _Log) -> bool:
        _, address, topics, _ = log
        return bool(topics) and (address, topics[0]) in self._followed


def _logs_of(header: Header, receipts: object, block: Mapping[str, Any]) -> list[_Log]:
    """Return all logs of a block: those of a receipt for each transaction, counted without a gap."""
    logs: list[_Log] = []
    transactions: list[str] = []
    for each in answers.sequence(receipts, "receipts"):
        receipt = answers.mapping(each, "a receipt")
        if answers.digest(receipt, "blockHash") != header.hash:
            raise InconsistentNode(f"the receipts of block {header.number} {header.hash} are another block's")
        transactions.append(answers.digest(receipt, "transactionHash"))
        logs += map(_log, answers.sequence(receipt.get("logs"), "a receipt's logs"))
    hashes = [
        str(transaction).lower() for transaction in answers.sequence(block.get("transactions"), "hashes")
    ]
    if transactions != hashes or [log[0] for log in logs] != list(range(len(logs))):
        raise InconsistentNode(
            f"the receipts of block {header.number} {header.hash} are not all, or not in order"
        )
    return logs


def _compare_with_filter(header: Header, logs: list[_Log], bloom: int | None) -> None:
    union = 0
    for _, address, topics, _ in logs:
        for entry in (address, *topics):
            union |= _bits(bytes.fromhex(entry[2:]))
    if bloom is not None and union != bloom:
        raise InconsistentNode(
            f"the logs in the receipts of block {header.number} {header.hash} do not make its filter"
        )


def _log(log: object) -> _Log:
    fields = answers.mapping(log, "a log")
    return (
        answers.quantity(fields, "logIndex"),
        answers.address(fields, "address"),
        tuple(
            answers.digest({"topic": topic}, "topic")
            for topic in answers.sequence(fields.get("topics"), "topics")
        ),
        str(fields.get("data")).lower(),
    )
