"""A call that is to be proposed to the timelock, and whether words are the reason of one that was."""

from collections.abc import Sequence
from dataclasses import dataclass

from eth_utils.crypto import keccak

from entitlement.chain.abi import encode
from entitlement.chain.timelock.operation import NO_PREDECESSOR, Call, operation_id


@dataclass(frozen=True, slots=True)
class Proposal:
    """One call for the timelock, and why."""

    call: Call
    reason: str

    @property
    def salt(self) -> bytes:
        """The keccak of the reason: who is told it can check that it is the one that was given."""
        return keccak(text=self.reason)

    @property
    def id(self) -> bytes:
        """The operation's name."""
        return operation_id(self.call, NO_PREDECESSOR, self.salt)


def is_reason_of(operation: bytes, calls: Sequence[Call], reason: str) -> bool:
    """Tell whether an operation was named with this reason: its id has the keccak of it for a salt."""
    salt = keccak(text=reason)
    if len(calls) == 1 and operation_id(calls[0], NO_PREDECESSOR, salt) == operation:
        return True
    types = ["address[]", "uint256[]", "bytes[]", "bytes32", "bytes32"]
    fields = ([each.to for each in calls], [each.value for each in calls], [each.data for each in calls])
    return keccak(encode(types, [*fields, NO_PREDECESSOR, salt])) == operation
