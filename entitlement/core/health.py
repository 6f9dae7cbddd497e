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
    seconds_since_move: int
    """Since the newest block followed became another."""
    node_seconds_behind: int
    """Age of the node's newest block."""
    problem: str | None
    """Why the last step failed."""
    granting_stopped: str | None
    """Why following lets nothing be granted."""
    check_failed: str | None
    """What the last verification found."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """What is too far behind to be relied on."""

    blocks_behind: int
    seconds_since_step: int
    seconds_behind: int
    """Generous for a chain that makes blocks only when somebody asks for one."""
    seconds_since_move: int
    """How long the node's head may be another than ours while ours stands."""

    def reasons(self, health: FollowHealth | None) -> list[str]:
        """Return, with the figures, everything that stands against being ready; empty when ready."""
        if health is None:
            return ["the chain has not been followed yet: is the jobs process running?"]
        reasons: list[str] = []
        if health.granting_stopped is not None:
            reasons.append(f"nothing is granted until a step succeeds: {health.granting_stopped}")
        if health.check_failed is not None:
            reasons.append(f"nothing is granted until a verification succeeds: {health.check_failed}")
        if health.problem is not None and health.problem != health.granting_stopped:
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
        if (
            health.head_number != health.node_number
            and health.seconds_since_step <= self.seconds_since_step
            and health.seconds_since_move > self.seconds_since_move
        ):
            reasons.append(
                f"following has stood at block {health.head_number} for {health.seconds_since_move} s, "
                f"the node is at {health.node_number}"
            )
        if health.seconds_behind > self.seconds_behind:
            reasons.append(
                f"the newest block is {health.seconds_behind} s old, more than {self.seconds_behind}; "
                f"the node's newest was made {health.node_seconds_behind} s ago"
            )
        return reasons
