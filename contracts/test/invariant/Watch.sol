// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {DiemChecks} from "./DiemChecks.sol";
import {Figures, Totals} from "./Sight.sol";

/// @title What stands around every action: the checks after it
/// @dev Everybody's figures equal the books, and an action writes the books of its actor only: that alone keeps
/// strangers apart (invariant 12). What is done against others is compared to the wei beside that.
abstract contract Watch is DiemChecks {
    uint256 private constant CALLS_BETWEEN_SLOW_CHECKS = 16;

    modifier watched() {
        ++calls;
        _;
        check();
    }

    /// @dev But for the actor and who was given something, nothing has changed.
    modifier harmless(address actor, address receiver) {
        bytes32[] memory before = new bytes32[](actors.length);
        for (uint256 i = 0; i < actors.length; ++i) {
            before[i] = belongingsOf(actors[i]);
        }
        _;
        for (uint256 i = 0; i < actors.length; ++i) {
            if (actors[i] == actor || actors[i] == receiver) continue;
            holds(belongingsOf(actors[i]) == before[i], "12: nobody can harm another");
        }
    }

    /// @dev Around a gift by plain transfer.
    modifier withoutEffect() {
        bytes32 before = accounting();
        _;
        holds(accounting() == before, "26: donated tokens change no accounting value");
    }

    /// @dev The totals after each call, each account after every fourth, and the curve after every sixteenth.
    function check() internal virtual {
        Totals memory seen = totals();
        check_01_TheSupplyIsGenesisPlusEmissionLessBurns(seen);
        check_02_EmissionIsAtMostRateTimesElapsed(seen);
        check_05_TheTotalsAreTheStakesAndTickets();
        check_06_IndicesNeverFallAndTheLockedOneGainsFourFifths(seen);
        check_14_TheDiemSupplyIsTheSumOfPositionsAndBelowItsCap(seen);
        check_24_TheDiemHeldCoversStakeAndTickets(seen);
        remember(seen);
        if (calls % CALLS_BETWEEN_FULL_CHECKS == 0) checkEach();
        if (calls % CALLS_BETWEEN_SLOW_CHECKS == 0) check_16_ThePriceIsAtLeastNinetyAndRises();
    }

    function checkEach() private {
        Figures[] memory each = figuresOfAll();
        check_04_TheVVVHeldCoversAllThatIsOwed(each);
        check_05_TheStakesAndTicketsOfEachAreItsOwn(each);
        check_07_RewardsNeverFallThroughTimeOrTheActsOfOthers(each);
        check_09_RewardsAreProportionalToStakeAndTime(each);
        check_11_TicketsStandAsTheyWereWritten();
        check_19_WhatIsLockedCoversTheCurve(each);
        check_20_NothingIsMintedExactlyWhenNothingIsLocked(each);
        check_21_TheNextAllowancesAreTheStakedDiem(each);
        check_23_DelegatedStakeStaysAndMovesInTheNextEpoch(each);
        check_26_SettingsAreWhatTheirHoldersSet();
    }

    /// @dev Everything that is an account's own and that an act of another might touch.
    function belongingsOf(address account) private view returns (bytes32) {
        Figures memory figures = figuresOf(account);
        uint256[4] memory inHand = [
            c.vvv.balanceOf(account),
            c.diem.balanceOf(account),
            c.vvv.allowance(account, c.mallory),
            c.diem.allowance(account, c.mallory)
        ];
        return keccak256(abi.encode(figures, inHand));
    }

    /// @dev All that the contracts account for, without the tokens that they happen to hold.
    function accounting() private view returns (bytes32) {
        Totals memory seen = totals();
        seen.heldDiem = 0;
        uint256[4] memory others = [
            c.stakedVVV.totalStaked(),
            c.stakedVVV.totalCooling(),
            c.stakedVVV.pendingTreasury(),
            c.inferenceStake.totalCooling()
        ];
        return keccak256(abi.encode(seen, others, figuresOfAll()));
    }
}
