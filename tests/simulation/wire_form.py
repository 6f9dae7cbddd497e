"""Blocks and logs as a node sends them: the scripted chain's events, written back into topics and words.

The opposite of the decoder, from the same ABIs but by `eth_abi`, so that the two can disagree.
"""

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from functools import cache
from typing import Any

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from entitlement.chain.artifacts import Artifacts
from entitlement.chain.bloom import bits_of
from entitlement.chain.decode import FOLLOWED
from entitlement.core.blocks import Header
from entitlement.core.events import ChainEvent
from entitlement.core.units import Wallet

ADDRESSES: dict[str, str] = {
    "StakedVVV": "0x" + "a1" * 20,
    "DiemMint": "0x" + "b2" * 20,
    "InferenceStake": "0x" + "c3" * 20,
    "CreditSales": "0x" + "f6" * 20,
}
STRANGER = "0x" + "d4" * 20
"""A contract that nobody asked about."""
PAYER = Wallet("0x" + "e5" * 20)
"""Pays for every stake: an argument that the follower does not keep."""

Log = dict[str, Any]
Block = dict[str, Any]


class WireForm:
    """Writes events as logs. Knows each block once it was asked for; blocks are told apart by their hash."""

    def __init__(self, artifacts: Artifacts) -> None:
        self._abis = {kind: _abi(artifacts, *names) for names, (kind, _) in FOLLOWED.items()}
        self._logs: dict[str, list[Log]] = {}
        self._blocks: dict[str, Block] = {}

    def logs(self, header: Header, events: list[ChainEvent]) -> list[Log]:
        """Return the logs of a block, in order."""
        found = self._logs.get(header.hash)
        if found is None:
            found = self._logs[header.hash] = [self._log(event) for event in events]
        return found

    def block(self, header: Header, events: list[ChainEvent]) -> Block:
        """Return a block with its filter, its transactions left out."""
        found = self._blocks.get(header.hash)
        if found is None:
            bloom = 0
            for log in self.logs(header, events):
                for entry in (log["address"], *log["topics"]):
                    bloom |= _bits(entry)
            found = self._blocks[header.hash] = {
                "number": hex(header.number),
                "hash": header.hash,
                "parentHash": header.parent_hash,
                "timestamp": hex(header.timestamp),
                "logsBloom": f"0x{bloom:0512x}",
                "transactions": [],
            }
        return found

    def receipts(self, header: Header, events: list[ChainEvent]) -> list[dict[str, Any]]:
        """Return one receipt with all logs of a block, or none for an empty one."""
        logs = self.logs(header, events)
        block = self.block(header, events)
        one = {
            "blockHash": header.hash,
            "blockNumber": hex(header.number),
            "transactionHash": header.hash,
            "transactionIndex": "0x0",
            "status": "0x1",
            "logsBloom": block["logsBloom"],
            "logs": logs,
        }
        return [one] if logs else []

    def _log(self, event: ChainEvent) -> Log:
        address, topic, inputs, arguments = self._abis[type(event)]
        values = {
            argument: getattr(event, field.name)
            for argument, field in zip(arguments, _said(event), strict=True)
        }
        values.setdefault("payer", PAYER)
        indexed = [each for each in inputs if each["indexed"]]
        plain = [each for each in inputs if not each["indexed"]]
        topics = [encode([each["type"]], [values[each["name"]]]).hex() for each in indexed]
        data = encode([each["type"] for each in plain], [values[each["name"]] for each in plain])
        return {
            "address": address,
            "topics": [topic, *(f"0x{word}" for word in topics)],
            "data": "0x" + data.hex(),
            "blockNumber": hex(event.at.block_number),
            "blockHash": event.at.block_hash,
            "transactionHash": event.at.transaction_hash,
            "transactionIndex": "0x0",
            "logIndex": hex(event.at.log_index),
            "removed": False,
        }


def _said(event: ChainEvent) -> list[Field[Any]]:
    """What the log says of an event; the rest is known of its block."""
    return [field for field in fields(event) if field.default is MISSING][1:]


@cache
def _bits(entry: str) -> int:
    return bits_of(bytes.fromhex(entry[2:]))


def _abi(
    artifacts: Artifacts, contract: str, name: str
) -> tuple[str, str, list[Mapping[str, Any]], list[str]]:
    (described,) = [
        each for each in artifacts[contract].abi if each["type"] == "event" and each["name"] == name
    ]
    inputs = described["inputs"]
    signature = f"{name}({','.join(each['type'] for each in inputs)})"
    _, arguments = FOLLOWED[contract, name]
    return ADDRESSES[contract], "0x" + keccak(text=signature).hex(), inputs, arguments.split()
