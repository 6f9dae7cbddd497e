"""Fees of a transaction that is signed again under its nonce, because no block takes it."""

from dataclasses import dataclass

from entitlement.core.units import mul_div_up

BUMP_THOUSANDTHS = 1_125
"""A node takes a second transaction of a nonce for a fee that is an eighth higher, both parts of it."""


@dataclass(frozen=True, slots=True)
class Fees:
    """What is offered for each gas, in wei."""

    most: int
    tip: int
    """The part of it that the block's maker gets."""


def raised(last: Fees, asked: Fees) -> Fees:
    """Return what the next transaction offers: what the chain asks for, and an eighth more than the last."""
    return Fees(
        max(asked.most, mul_div_up(last.most, BUMP_THOUSANDTHS, 1_000)),
        max(asked.tip, mul_div_up(last.tip, BUMP_THOUSANDTHS, 1_000)),
    )
