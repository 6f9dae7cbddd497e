"""An operation of the timelock: its calls, name and state, as OpenZeppelin's TimelockController has them."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from eth_utils.crypto import keccak

from entitlement.chain.abi import encode

NO_PREDECESSOR = bytes(32)


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
