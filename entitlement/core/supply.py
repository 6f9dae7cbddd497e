"""One definition of the supply of VVV, with its parts. Every figure is wei of VVV at the end of one block.

    genesis + emitted = minted ever
    minted ever - burned = total supply                        `totalSupply()`: a burn here lowers it
    total supply - at the zero and the dead address = effective
    effective - staked - cooling - rewards - in contracts = circulating
    circulating = pool + treasury + all other wallets

What is staked (unlocked, or locked behind DIEM), on its way out (cooling) or earned and not claimed (rewards)
lies in StakedVVV and cannot be sold as it is. What lies in the pool can be bought at any
moment, so it circulates.
"""

from dataclasses import dataclass

from entitlement.core.units import Wei


@dataclass(frozen=True, slots=True)
class Check:
    """Two figures that must be equal, each found by its own way."""

    name: str
    one: int
    other: int

    @property
    def holds(self) -> bool:
        """Whether they are."""
        return self.one == self.other


@dataclass(frozen=True, slots=True)
class Supply:
    """What was read of a block."""

    genesis: Wei
    emitted: Wei
    """By the logs of StakedVVV."""
    burned: Wei
    """By the logs of VVV."""
    total: Wei
    """As `totalSupply()` says."""
    zero_address: Wei
    dead_address: Wei
    staked: Wei
    """Unlocked and locked together."""
    locked: Wei
    cooling: Wei
    in_station: Wei
    """All that StakedVVV holds."""
    in_contracts: Wei
    """What the other contracts of the system hold."""
    pool: Wei
    treasury: Wei

    @property
    def minted_ever(self) -> Wei:
        """The genesis supply and all emission."""
        return Wei(self.genesis + self.emitted)

    @property
    def unlocked(self) -> Wei:
        """Staked, and not locked behind DIEM."""
        return Wei(self.staked - self.locked)

    @property
    def rewards(self) -> Wei:
        """Minted for stakers and the treasury, not claimed yet; also what somebody sent there by mistake."""
        return Wei(self.in_station - self.staked - self.cooling)

    @property
    def effective(self) -> Wei:
        """What somebody can still have some day."""
        return Wei(self.total - self.zero_address - self.dead_address)

    @property
    def circulating(self) -> Wei:
        """What can be sold at this moment."""
        return Wei(self.effective - self.in_station - self.in_contracts)

    @property
    def wallets(self) -> Wei:
        """What circulates outside the pool and the treasury."""
        return Wei(self.circulating - self.pool - self.treasury)

    def checks(self) -> list[Check]:
        """Return what must hold of them; the parts cannot be less than nothing either."""
        parts = (self.unlocked, self.rewards, self.wallets)
        return [
            Check("minted ever - burned = total supply", self.minted_ever - self.burned, self.total),
            Check("parts that are less than nothing", sum(part < 0 for part in parts), 0),
        ]
