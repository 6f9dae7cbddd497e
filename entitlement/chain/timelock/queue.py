"""What was ever proposed to the timelock, from its events, and where each operation stands.

scheduled --the delay--> ready --executed--> done
    '------------'--------- cancelled
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from eth_abi.abi import decode, encode
from eth_typing import BlockNumber
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from web3.types import LogReceipt

from entitlement.chain.contracts import Contracts
from entitlement.chain.deployment.powers import logs_of
from entitlement.chain.deployment.record import Deployment
from entitlement.core.blocks import Header
from entitlement.core.errors import InvalidRequest

NO_PREDECESSOR = bytes(32)

_SCHEDULED = keccak(text="CallScheduled(bytes32,uint256,address,uint256,bytes,bytes32,uint256)")
_SALTED = keccak(text="CallSalt(bytes32,bytes32)")
_EXECUTED = keccak(text="CallExecuted(bytes32,uint256,address,uint256,bytes)")
_CANCELLED = keccak(text="Cancelled(bytes32)")
_TOPICS = (_SCHEDULED, _SALTED, _EXECUTED, _CANCELLED)


class State(StrEnum):
    """Where an operation stands."""

    WAITING = "waiting"
    READY = "ready"
    DONE = "done"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Call:
    """One call that the timelock makes."""

    to: str
    value: int
    """Wei of the chain's own coin."""
    data: bytes


@dataclass(frozen=True, slots=True)
class Operation:
    """What was scheduled together."""

    id: bytes
    calls: tuple[Call, ...]
    predecessor: bytes
    """What has to be done before; all zero for nothing."""
    salt: bytes
    """The keccak of the reason, where it was proposed from here."""
    state: State
    ready_at: int
    """Unix time from which it may be executed."""
    scheduled_in: str
    """The hash of the transaction."""
    ended_in: str | None = None
    """The hash of the transaction that executed or cancelled it."""

    @property
    def is_batch(self) -> bool:
        """Whether it has the name of a batch: one of a single call may."""
        only = self.calls[0]
        return len(self.calls) > 1 or operation_id(only, self.predecessor, self.salt) != self.id

    def execution(self) -> tuple[str, tuple[Any, ...]]:
        """Return the timelock's function that executes it, and its arguments."""
        if not self.is_batch:
            call = self.calls[0]
            return "execute", (call.to, call.value, call.data, self.predecessor, self.salt)
        targets = [call.to for call in self.calls]
        values = [call.value for call in self.calls]
        payloads = [call.data for call in self.calls]
        return "executeBatch", (targets, values, payloads, self.predecessor, self.salt)


def operation_id(call: Call, predecessor: bytes, salt: bytes) -> bytes:
    """Return the name of an operation of one call, as OpenZeppelin's TimelockController makes it."""
    fields = (call.to, call.value, call.data, predecessor, salt)
    return keccak(encode(["address", "uint256", "bytes", "bytes32", "bytes32"], fields))


def read_queue(contracts: Contracts, deployment: Deployment, at: Header) -> list[Operation]:
    """Return every operation up to a block, in the order in which they were scheduled.

    One that was scheduled again after it had been cancelled is there once, as it stands. Raises
    `NodeUnavailable`.
    """
    timelock, found = deployment.addresses["Timelock"], dict[bytes, Operation]()
    for log in logs_of(contracts.web3, timelock, _TOPICS, deployment.start_block, at.number):
        _take(found, log, contracts)
    return [
        replace(each, state=State.READY)
        if each.state is State.WAITING and each.ready_at <= at.timestamp
        else each
        for each in found.values()
    ]


def find(queue: list[Operation], name: str) -> Operation:
    """Return the operation whose name begins so; raises `InvalidRequest` for none, or for several."""
    wanted = name.lower().removeprefix("0x")
    matching = [each for each in queue if wanted and each.id.hex().startswith(wanted)]
    if len(matching) != 1:
        raise InvalidRequest(
            f"{len(matching)} of {len(queue)} operations have a name that begins with {name[:66]!r}: "
            "give more of it, as the queue shows it"
        )
    return matching[0]


def _take(found: dict[bytes, Operation], log: LogReceipt, contracts: Contracts) -> None:
    topics = [bytes(topic) for topic in log["topics"]]
    event, name, data = topics[0], topics[1], bytes(log["data"])
    transaction = log["transactionHash"].to_0x_hex()
    if event == _SCHEDULED:
        _schedule(found, name, data, log, contracts)
    elif event == _SALTED:
        found[name] = replace(found[name], salt=data)
    elif event == _EXECUTED:
        found[name] = replace(found[name], state=State.DONE, ended_in=transaction)
    else:
        found[name] = replace(found[name], state=State.CANCELLED, ended_in=transaction)


def _schedule(
    found: dict[bytes, Operation], name: bytes, data: bytes, log: LogReceipt, contracts: Contracts
) -> None:
    types = ["address", "uint256", "bytes", "bytes32", "uint256"]
    to, value, payload, predecessor, delay = decode(types, data)
    call = Call(to_checksum_address(to), value, payload)
    index = int.from_bytes(log["topics"][2], "big")
    if index > 0:
        found[name] = replace(found[name], calls=(*found[name].calls, call))
        return
    # Scheduled anew, it waits at the end of the queue.
    found.pop(name, None)
    found[name] = Operation(
        id=name,
        calls=(call,),
        predecessor=predecessor,
        salt=bytes(32),
        state=State.WAITING,
        ready_at=_time_of(contracts, log) + delay,
        scheduled_in=log["transactionHash"].to_0x_hex(),
    )


def _time_of(contracts: Contracts, log: LogReceipt) -> int:
    return contracts.web3.eth.get_block(BlockNumber(log["blockNumber"])).get("timestamp", 0)
