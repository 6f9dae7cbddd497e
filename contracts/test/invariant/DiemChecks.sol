// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {MintCurve} from "../../src/MintCurve.sol";
import {Book, DelegationBook} from "./Books.sol";
import {Figures, Totals} from "./Sight.sol";
import {StakingChecks} from "./StakingChecks.sol";

/// @title The contracts against the books: invariants 14, 16, 19 to 24, and the settings of 26
abstract contract DiemChecks is StakingChecks {
    /// @dev As with tickets: a few each time, in turn, and all at the end.
    uint256 private constant DELEGATIONS_EACH_TIME = 4;

    function check_14_TheDiemSupplyIsTheSumOfPositionsAndBelowItsCap(Totals memory seen) internal view {
        same(seen.supplyDiem, totalMinted(), "14: the sum of what was minted");
        uint256 target = targetNow();
        atMost(seen.supplyDiem, target + target / 2, "14: the cap");
    }

    function check_16_ThePriceIsAtLeastNinetyAndRises() internal view {
        (uint256 supply, uint256 target) = (totalMinted(), targetNow());
        uint256 rateNow = c.diemMint.rate();
        atLeast(rateNow, 90e18, "16: the rate is at least 90");
        if (supply == MintCurve.cap(target)) return;
        atLeast(c.diemMint.quoteLock(1), 90, "16: F(S+1) - F(S) >= 90");
        atLeast(MintCurve.rate(supply + 1, target), rateNow, "16: the rate never falls in S");
    }

    function check_19_WhatIsLockedCoversTheCurve(Figures[] memory each) internal view {
        uint256 sum = 0;
        for (uint256 i = 0; i < each.length; ++i) {
            Figures memory figures = each[i];
            same(figures.minted, books[actors[i]].minted, "14: what each minted");
            same(figures.lockedByPosition, figures.locked, "19: the lock is there");
            same(figures.lockedByPosition, books[actors[i]].locked, "19: the lock of each");
            atLeast(figures.locked, 90 * figures.minted, "19: 90 VVV and more behind each DIEM");
            sum += figures.locked;
        }
        uint256 potential = MintCurve.potential(totalMinted(), targetNow());
        atLeast(sum + 4 * met.mints, potential, "19: coverage");
    }

    function check_20_NothingIsMintedExactlyWhenNothingIsLocked(Figures[] memory each) internal pure {
        for (uint256 i = 0; i < each.length; ++i) {
            Figures memory figures = each[i];
            holds((figures.lockedByPosition == 0) == (figures.minted == 0), "20: both or none");
        }
    }

    function check_21_TheNextAllowancesAreTheStakedDiem(Figures[] memory each) internal view {
        uint256 sum = 0;
        for (uint256 i = 0; i < each.length; ++i) {
            same(each[i].staked, books[actors[i]].staked, "21: the staked DIEM of each");
            same(each[i].next, nextOf(actors[i]), "21: delegation only moves it");
            sum += each[i].next;
        }
        same(sum, totalDiemStake(), "21: the sum of next");
    }

    /// @dev At whatever time it is called.
    function check_22_TheAllowancesOfAnEpochNeverExceedTheDiemHeld() external view {
        uint256 sum = 0;
        for (uint256 i = 0; i < actors.length; ++i) {
            (uint256 current,) = c.inferenceStake.allowanceOf(actors[i]);
            sum += current;
        }
        atMost(sum, c.diem.balanceOf(address(c.inferenceStake)), "22: the sum of current");
    }

    function check_23_DelegatedStakeStaysAndMovesInTheNextEpoch(Figures[] memory each) internal view {
        for (uint256 i = 0; i < each.length; ++i) {
            Book storage book = books[actors[i]];
            same(each[i].delegated, book.given, "23: what is given away");
            atMost(book.given, each[i].staked, "23: delegated stake stays");
            same(each[i].current, book.current, "23: a delegation takes effect in the next epoch");
        }
        requireDelegations(DELEGATIONS_EACH_TIME);
    }

    function check_23_AllDelegationsStandAsTheyWereMade() external view {
        requireDelegations(type(uint256).max);
    }

    function check_24_TheDiemHeldCoversStakeAndTickets(Totals memory seen) internal view {
        uint256 staked = totalDiemStake();
        same(seen.stakedDiem, staked, "21: the staked DIEM");
        uint256 owed = staked + totalCooling(c.inferenceStake);
        atLeast(seen.heldDiem, owed, "24: the DIEM held");
        same(seen.heldDiem, owed + donatedDiem, "24: and nothing but gifts beside it");
    }

    function check_26_SettingsAreWhatTheirHoldersSet() internal view {
        same(c.stakedVVV.emissionRatePerSecond(), rate, "26: the rate");
        same(c.diemMint.target(), targetNow(), "26: the target");
        same(c.guardian.pausedUntil(), pausedUntil, "26: the pause");
        holds(c.guardian.guardian() == c.keeper, "26: the guardian");
    }

    function requireDelegations(uint256 most) private view {
        uint256 count = delegations.length;
        same(c.inferenceStake.delegationCount(), count, "23: a number for each delegation");
        for (uint256 i = 0; i < count && i < most; ++i) {
            uint256 id = (calls / CALLS_BETWEEN_FULL_CHECKS * DELEGATIONS_EACH_TIME + i) % count + 1;
            DelegationBook storage book = delegations[id - 1];
            (address from, address to, uint256 amount, uint256 untilEpoch, bool open) =
                c.inferenceStake.delegationOf(id);
            holds(from == book.from && to == book.to, "23: the parties never change");
            same(amount, book.amount, "23: the amount never changes");
            same(untilEpoch, book.untilEpoch, "23: the term never changes");
            holds(open == book.open, "23: a delegation stands until a party ends it");
        }
    }
}
