"""Adjustments: credit that a person moves, with a reason.

    grant      issued   -> available    a gift, or what was promised; prepaid, so it does not expire
    refund     available -> issued      takes back what is left of a top-up that was paid back
    correct    consumed -> available    gives back what was charged too much, to where it came from

Nothing in the journal is changed: each is an entry of its own.
"""

import hashlib
from dataclasses import dataclass

from entitlement.core.errors import InvalidAmount, InvalidRequest
from entitlement.core.units import NANO_USD_MAX, NanoUsd, Wallet

REFERENCE_MAX = 64
REASON_MAX = 200
NAME_MAX = 64
UPGRADE = "upgrade:"
"""How references begin that are the service's own."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be adjusted, who wants it, and why."""

    reference: str
    """Chosen by the person, of this adjustment alone: with the same one again nothing happens twice."""
    wallet: Wallet
    amount: NanoUsd
    reason: str
    made_by: str

    def check(self) -> None:
        """Raise InvalidAmount or InvalidRequest where this cannot be done."""
        if not 1 <= self.amount <= NANO_USD_MAX:
            raise InvalidAmount(field="amount", amount=self.amount, smallest=1, largest=NANO_USD_MAX)
        for field, text, longest in (
            ("reference", self.reference, REFERENCE_MAX),
            ("reason", self.reason, REASON_MAX),
            ("made_by", self.made_by, NAME_MAX),
        ):
            if not (len(text.strip()) > 0 and len(text) <= longest and text.isprintable()):
                raise InvalidRequest(f"{field}: give 1 to {longest} printable characters", field=field)
        if self.reference.startswith(UPGRADE):
            raise InvalidRequest(f"reference: {UPGRADE}… are the service's own", field="reference")

    def key(self) -> str:
        """Return what the journal calls the reference: a person's words stand nowhere but in their column."""
        return hashlib.sha256(self.reference.encode()).hexdigest()
