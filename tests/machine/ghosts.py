"""What must hold over a whole history: ghosts that remember it, fed by sights alone and by no model.

Rewards are also computed a second way: as fractions, by the share of each second's emission that stake had in
it. The contract may be off by a wei for each accrual.
"""

from collections import defaultdict
from fractions import Fraction

from entitlement.core import curve
from entitlement.core.units import Wei
from tests.machine.names import EMISSION_START, GENESIS_SUPPLY, PEOPLE
from tests.machine.sight import Act, Sight

MINTS = ("DiemMint.mintDiem", "DiemMint.mintExactOut")
CURVE_ERROR = 4
"""Wei that invariant 19 allows for each mint."""
PAYMENTS = ("StakedVVV.claim", "StakedVVV.compound")
FIFTH = "the treasury's fifth"


class Ghosts:
    def __init__(self) -> None:
        self.emitted, self.burned, self.mints, self.accruals = 0, 0, 0, 0
        self.earned: defaultdict[str, Fraction] = defaultdict(Fraction)
        self.paid: defaultdict[str, int] = defaultdict(int)
        self.fresh: dict[str, tuple[int, int, int]] = {}
        """Who minted out of an empty position: when, how much, and for which lock."""

    def watch(self, then: Sight, now: Sight, act: Act) -> None:
        """Remember what happened between two sights, and see that all of it adds up."""
        self._remember(then, now, act)
        self._check_01_the_supply_is_genesis_plus_emission_less_burns(now)
        self._check_02_emission_never_exceeds_its_rate_which_never_rises(then, now)
        self._check_03_nothing_is_emitted_for_time_without_stake(then, now, act)
        self._check_08_and_09_everybody_has_the_share_of_stake_and_time_within_a_wei_for_each_accrual(now)
        if act.does(*MINTS):
            self._check_15_to_17_a_mint_costs_the_difference_of_one_function(then, now, act)
        if act.does("DiemMint.burnDiem"):
            self._check_18_mint_then_burn_in_one_block_never_profits(then, act)
        self._check_19_what_is_locked_covers_the_curve(now)

    def _remember(self, then: Sight, now: Sight, act: Act) -> None:
        seconds = now.now - max(then.now, EMISSION_START)
        total = then.one("StakedVVV", "totalStaked")
        if total and seconds > 0:
            emission = then.one("StakedVVV", "emissionRatePerSecond") * seconds
            self.emitted += emission
            for person in PEOPLE:
                unlocked = then.one("StakedVVV", "balanceOfUnlocked", person)
                locked = then.one("StakedVVV", "balanceOfLocked", person)
                self.earned[person] += Fraction(emission * (5 * unlocked + 4 * locked), 5 * total)
            self.earned[FIFTH] += Fraction(emission * then.one("StakedVVV", "totalLocked"), 5 * total)
        self.accruals += now.all("StakedVVV", "lastRewardTimestamp") != then.all(
            "StakedVVV", "lastRewardTimestamp"
        )
        if act.does(*PAYMENTS) and act.gave:
            self.paid[act.step.who] += int(act.gave[0])
        if act.does("StakedVVV.payTreasury") and act.gave:
            self.paid[FIFTH] += int(act.gave[0])
        if act.does("VVV.burn"):
            self.burned += act.step.arguments[0]
        self.mints += act.does(*MINTS)

    def _check_01_the_supply_is_genesis_plus_emission_less_burns(self, now: Sight) -> None:
        supply = now.one("VVV", "totalSupply") + now.unaccrued()
        assert supply == GENESIS_SUPPLY + self.emitted - self.burned

    @staticmethod
    def _check_02_emission_never_exceeds_its_rate_which_never_rises(then: Sight, now: Sight) -> None:
        rate = then.one("StakedVVV", "emissionRatePerSecond")
        assert now.one("StakedVVV", "emissionRatePerSecond") <= rate
        since = then.one("StakedVVV", "lastRewardTimestamp")
        minted = now.one("VVV", "totalSupply") - then.one("VVV", "totalSupply")
        assert minted <= rate * max(0, now.unix - since), "time before a change keeps its rate, at the most"

    @staticmethod
    def _check_03_nothing_is_emitted_for_time_without_stake(then: Sight, now: Sight, act: Act) -> None:
        if then.one("StakedVVV", "totalStaked") == 0:
            burned = act.step.arguments[0] if act.does("VVV.burn") else 0
            assert now.one("VVV", "totalSupply") == then.one("VVV", "totalSupply") - burned
            assert now.one("StakedVVV", "unlockedIndex") == then.one("StakedVVV", "unlockedIndex")

    def _check_08_and_09_everybody_has_the_share_of_stake_and_time_within_a_wei_for_each_accrual(
        self, now: Sight
    ) -> None:
        has = {person: now.one("StakedVVV", "pendingRewards", person) for person in PEOPLE}
        has[FIFTH] = now.one("StakedVVV", "pendingTreasury")
        for name, pending in has.items():
            # And for the accrual that a view makes, and the half wei that the index keeps back.
            assert abs(self.earned[name] - self.paid[name] - pending) <= self.accruals + 2, name

    def _check_15_to_17_a_mint_costs_the_difference_of_one_function(
        self, then: Sight, now: Sight, act: Act
    ) -> None:
        """15: so partitions cost the same. 16: 90 a wei at least, and never less. 17: as agreed."""
        before, after = Wei(then.one("DIEM", "totalSupply")), Wei(now.one("DIEM", "totalSupply"))
        target = Wei(now.one("DiemMint", "target"))
        who, amount = act.step.who, after - before
        held_before, held = (each.pair("DiemMint", "lockedStakes", who) for each in (then, now))
        locked = held[0] - held_before[0]
        assert locked == curve.potential(after, target) - curve.potential(before, target) >= 90 * amount
        assert now.one("DiemMint", "rate") >= then.one("DiemMint", "rate") or now.now > then.now
        given, bound = act.step.arguments
        if act.step.do == "DiemMint.mintDiem":
            assert locked <= given
            assert amount >= max(bound, 1)
            assert act.gave == (amount, locked)
        else:
            assert (amount, act.gave) == (given, (locked,))
            assert locked <= bound
        if held_before == [0, 0]:
            self.fresh[who] = (now.now, amount, locked)

    def _check_18_mint_then_burn_in_one_block_never_profits(self, then: Sight, act: Act) -> None:
        who, burned = act.step.who, act.step.arguments[0]
        at, amount, locked = self.fresh.pop(who, (-1, 0, 0))
        if at == then.now == act.step.at and act.gave:
            assert int(act.gave[0]) * amount <= locked * burned

    def _check_19_what_is_locked_covers_the_curve(self, now: Sight) -> None:
        locked = sum(now.pair("DiemMint", "lockedStakes", person)[0] for person in PEOPLE)
        supply, target = Wei(now.one("DIEM", "totalSupply")), Wei(now.one("DiemMint", "target"))
        assert locked + CURVE_ERROR * self.mints >= curve.potential(supply, target)
