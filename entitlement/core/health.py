"""Health: when the service's answers cannot be relied on, and why."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FollowHealth:
    """How following the chain stands."""

    chain_id: int
    head_number: int
    """The newest block followed."""
    head_timestamp: int
    final_number: int
    final_timestamp: int
    node_number: int
    """The node's newest block when it was last asked."""
    seconds_since_step: int
    """Since the node was last asked with success."""
    seconds_behind: int
    """Age of the newest block followed."""
    problem: str | None
    """Why the last step failed."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """What is too far behind to be relied on."""

    blocks_behind: int
    seconds_since_step: int
    seconds_behind: int
    """Generous for a chain that makes blocks only when somebody asks for one."""

    def reasons(self, health: FollowHealth | None) -> list[str]:
        """Return, with the figures, everything that stands against being ready; empty when ready."""
        if health is None:
            return ["the chain has not been followed yet: is the jobs process running?"]
        reasons: list[str] = []
        if health.problem is not None:
            reasons.append(f"the last step failed: {health.problem}")
        if health.node_number - health.head_number > self.blocks_behind:
            reasons.append(
                f"{health.node_number - health.head_number} blocks behind the node, "
                f"more than {self.blocks_behind}"
            )
        if health.seconds_since_step > self.seconds_since_step:
            reasons.append(
                f"the node was last asked {health.seconds_since_step} s ago, "
                f"more than {self.seconds_since_step}: is the jobs process running?"
            )
        if health.seconds_behind > self.seconds_behind:
            reasons.append(
                f"the newest block is {health.seconds_behind} s old, more than {self.seconds_behind}"
            )
        return reasons
