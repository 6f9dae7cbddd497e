"""What was ever proposed to the timelock, from its events, and where each operation stands.

scheduled --the delay--> ready --executed--> done
    '------------'--------- cancelled
"""

from dataclasses import replace

from eth_typing import BlockNumber
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from web3.types import LogReceipt

from entitlement.chain.abi import decode
from entitlement.chain.contracts import Contracts
from entitlement.chain.deployment.powers import logs_of
from entitlement.chain.deployment.record import Deployment
from entitlement.chain.timelock.operation import Call, Operation, State
from entitlement.core.blocks import Header
from entitlement.core.errors import InvalidRequest

_SCHEDULED = keccak(text="CallScheduled(bytes32,uint256,address,uint256,bytes,bytes32,uint256)")
_SALTED = keccak(text="CallSalt(bytes32,bytes32)")
_EXECUTED = keccak(text="CallExecuted(bytes32,uint256,address,uint256,bytes)")
_CANCELLED = keccak(text="Cancelled(bytes32)")
_TOPICS = (_SCHEDULED, _SALTED, _EXECUTED, _CANCELLED)


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
    elif name not in found:
        # One without calls does nothing, and no log says that it was scheduled: only its salt, and its end.
        pass
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
