"""A call that is to be proposed to the timelock."""

from dataclasses import dataclass

from eth_utils.crypto import keccak

from entitlement.chain.timelock.queue import NO_PREDECESSOR, Call, operation_id


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
