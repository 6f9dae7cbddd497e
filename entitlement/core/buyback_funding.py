"""How much USDC is sent to the burner: what is owed and is not there yet."""

from dataclasses import dataclass
from enum import StrEnum

from entitlement.core.buyback import Verdict
from entitlement.core.units import Usdc

NOTHING = Usdc(0)


class FundingState(StrEnum):
    """Where a transfer is: written down when it is signed, and ended by what final blocks say."""

    SIGNED = "signed"
    FINAL = "final"
    FAILED = "failed"
    """A block has it, and the token refused."""
    REPLACED = "replaced"
    """Another transaction has its nonce."""


@dataclass(frozen=True, slots=True)
class FundingPlan:
    """What is to be sent, and the figures that say so."""

    verdict: Verdict
    reason: str
    wanted: Usdc
    """What is owed."""
    held: Usdc
    """What the burner has."""
    amount: Usdc = NOTHING


def plan_funding(
    *, wanted: Usdc, held: Usdc, minimum: Usdc, balance: Usdc | None, most: Usdc | None
) -> FundingPlan:
    """Return what to send.

    `balance` is what the sender has, None where nobody is named; `most` is a person's cap. Nothing is sent
    for less than a buyback's `minimum`, as nothing would be bought.
    """
    if wanted < minimum:
        told = f"{wanted} units of USDC are owed, fewer than {minimum}"
        return FundingPlan(Verdict.NOTHING, told, wanted, held)
    short = wanted - held
    if short <= 0:
        told = f"{wanted} units of USDC are owed, and the burner holds {held}"
        return FundingPlan(Verdict.NOTHING, told, wanted, held)
    amount = Usdc(short if most is None else min(short, most))
    if balance is not None and balance < amount:
        told = f"{amount} units of USDC are to be sent, and the sender has {balance}: name the most by --most"
        return FundingPlan(Verdict.PERSON, told, wanted, held, amount)
    told = f"{wanted} units of USDC are owed, the burner holds {held}: {amount} are to be sent"
    return FundingPlan(Verdict.ACT, told, wanted, held, amount)
