"""What an operator does by hand: each act has somebody who did it, and a reason."""

from dataclasses import dataclass
from enum import StrEnum

from entitlement.core.adjustments import NAME_MAX, REASON_MAX
from entitlement.core.errors import InvalidRequest


class ActKind(StrEnum):
    """What was done. None of it is on the chain, where everybody sees it."""

    CREDIT_GRANT = "credit.grant"
    CREDIT_REFUND = "credit.refund"
    CREDIT_CORRECT = "credit.correct"
    KEY_SUSPEND = "key.suspend"
    KEY_RESTORE = "key.restore"
    GATEWAY_TOKEN = "gateway.token"  # noqa: S105 - what was done
    GATEWAY_REVOKE = "gateway.revoke"
    PRO_RATA_SET = "pro_rata.set"
    MEMBERSHIP_SET = "membership.set"
    BUYBACK_POLICY = "buyback.policy"
    BUYBACK_VETO = "buyback.veto"
    BUYBACK_ALLOW = "buyback.allow"
    BUYBACK_FUND = "buyback.fund"
    UNDO_FINAL = "chain.undo_final"
    REINDEX = "chain.reindex"
    CLOCK_JUMP = "clock.jump"
    TIMELOCK_PROPOSE = "timelock.propose"
    """On the chain, but for the reason: of that it has the keccak."""


@dataclass(frozen=True, slots=True)
class Because:
    """Who does it, and why."""

    made_by: str
    reason: str

    def check(self) -> None:
        """Raise InvalidRequest where it says nothing, or too much."""
        for field, text, longest in (
            ("reason", self.reason, REASON_MAX),
            ("made_by", self.made_by, NAME_MAX),
        ):
            if not (len(text.strip()) > 0 and len(text) <= longest and text.isprintable()):
                raise InvalidRequest(f"{field}: give 1 to {longest} printable characters", field=field)


@dataclass(frozen=True, slots=True)
class Act:
    """An act as it is kept."""

    id: int
    kind: ActKind
    made_at: int
    because: Because
    subject: str
    """What it was done to: a wallet, a key, a gateway's name, a tier, a network."""
    reference: str | None
    """Of an adjustment: the name of the case."""
    figures: dict[str, int]
    """What it was set to, by name; of credit in nano-USD, of tokens in wei."""


BY_PROGRAM = Because("the service itself", "started by its program")
"""What a local stack does for itself."""
