// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {MintCurve} from "../../src/MintCurve.sol";
import {IStation} from "../../src/interfaces/IStation.sol";
import {System} from "../support/System.sol";
import {Handler} from "./Handler.sol";
import {Contracts} from "./Watch.sol";

/// @title The invariants of the whole system, under their numbers
contract InvariantsTest is System {
    Handler private handler;
    address[] private actors;
    uint256 private mintsBefore;

    function setUp() public override {
        super.setUp();
        actors = [alice, bob, carol, treasury];
        for (uint256 i = 0; i < actors.length; ++i) {
            fund(actors[i], 10_000_000e18);
            stakeDiem(actors[i], 1_000e18 * (i + 1));
            mintDiem(actors[i], 2_000e18);
        }
        mintsBefore = 2 * actors.length;
        handler = new Handler(
            Contracts(guardian, vvv, stakedVVV, diem, diemMint, inferenceStake, timelock, keeper), actors
        );
    }

    /// @dev forge asks for this: only the handler acts.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @dev One campaign for all, as each of its own would walk the same paths again.
    function invariant_AllHoldAfterEveryCall() external {
        check_01_TheSupplyIsGenesisPlusEmissionLessBurns();
        check_04_TheVVVHeldCoversAllThatIsOwed();
        check_05_TheStakesAndTicketsAreTheTotals();
        check_06_TheLockedIndexIsFourFifthsOfTheOther();
        check_14_TheDiemSupplyIsTheSumOfPositionsAndBelowItsCap();
        check_19_WhatIsLockedCoversTheCurve();
        check_20_NothingIsMintedExactlyWhenNothingIsLocked();
        check_21_TheNextAllowancesAreTheStakedDiem();
        check_22_TheAllowancesOfAnEpochNeverExceedTheDiemHeld();
        check_23_DelegatedStakeStaysAndIsAccountedFor();
        check_24_TheDiemHeldCoversStakeAndTickets();
    }

    function check_01_TheSupplyIsGenesisPlusEmissionLessBurns() private view {
        vm.assertEq(
            vvv.totalSupply() + unaccrued(), GENESIS + handler.emitted() - handler.burned(), "1: the supply"
        );
    }

    function check_04_TheVVVHeldCoversAllThatIsOwed() private view {
        uint256 owed = stakedVVV.totalStaked() + stakedVVV.totalCooling() + stakedVVV.pendingTreasury();
        for (uint256 i = 0; i < actors.length; ++i) {
            owed += stakedVVV.pendingRewards(actors[i]);
        }
        vm.assertGe(vvv.balanceOf(address(stakedVVV)) + unaccrued(), owed, "4: the VVV held");
    }

    function check_05_TheStakesAndTicketsAreTheTotals() private view {
        (uint256 unlocked, uint256 locked) = (0, 0);
        for (uint256 i = 0; i < actors.length; ++i) {
            unlocked += stakedVVV.balanceOfUnlocked(actors[i]);
            locked += stakedVVV.balanceOfLocked(actors[i]);
        }
        vm.assertEq(unlocked + locked, stakedVVV.totalStaked(), "5: the stake");
        vm.assertEq(locked, stakedVVV.totalLocked(), "5: the locked stake");
        assertTickets(stakedVVV);
        assertTickets(inferenceStake);
    }

    function check_06_TheLockedIndexIsFourFifthsOfTheOther() private view {
        vm.assertEq(stakedVVV.unlockedIndex() * 4, stakedVVV.lockedIndex() * 5, "6: the indices");
    }

    function check_14_TheDiemSupplyIsTheSumOfPositionsAndBelowItsCap() private view {
        uint256 sum = 0;
        for (uint256 i = 0; i < actors.length; ++i) {
            (, uint256 minted) = diemMint.lockedStakes(actors[i]);
            sum += minted;
        }
        vm.assertEq(diem.totalSupply(), sum, "14: the sum of what was minted");
        vm.assertLe(sum, MintCurve.cap(diemMint.target()), "14: the cap");
    }

    function check_19_WhatIsLockedCoversTheCurve() private view {
        uint256 locked = 0;
        for (uint256 i = 0; i < actors.length; ++i) {
            (uint256 lockedOfActor,) = diemMint.lockedStakes(actors[i]);
            vm.assertEq(lockedOfActor, stakedVVV.balanceOfLocked(actors[i]), "19: the lock is there");
            locked += lockedOfActor;
        }
        uint256 potential = MintCurve.potential(diem.totalSupply(), diemMint.target());
        vm.assertGe(locked + 4 * (mintsBefore + handler.mints()), potential, "19: coverage");
    }

    function check_20_NothingIsMintedExactlyWhenNothingIsLocked() private view {
        for (uint256 i = 0; i < actors.length; ++i) {
            (uint256 locked, uint256 minted) = diemMint.lockedStakes(actors[i]);
            vm.assertTrue((locked == 0) == (minted == 0), "20: both or none");
        }
    }

    function check_21_TheNextAllowancesAreTheStakedDiem() private view {
        (uint256 next, uint256 staked) = (0, 0);
        for (uint256 i = 0; i < actors.length; ++i) {
            (, uint256 nextOfActor) = inferenceStake.allowanceOf(actors[i]);
            next += nextOfActor;
            staked += inferenceStake.stakedOf(actors[i]);
        }
        vm.assertEq(next, staked, "21: the sum of next");
        vm.assertEq(staked, inferenceStake.totalStaked(), "21: the staked DIEM");
    }

    function check_22_TheAllowancesOfAnEpochNeverExceedTheDiemHeld() private {
        assertAllowancesHeld();
        uint256 midnight = (inferenceStake.epoch() + 1) * 1 days;
        for (uint256 moment = midnight - 1; moment <= midnight + 1; ++moment) {
            vm.warp(moment);
            assertAllowancesHeld();
        }
    }

    function check_23_DelegatedStakeStaysAndIsAccountedFor() private view {
        uint256 count = inferenceStake.delegationCount();
        uint256[] memory out = new uint256[](actors.length);
        uint256[] memory received = new uint256[](actors.length);
        for (uint256 id = 1; id <= count; ++id) {
            (address from, address to, uint256 amount,, bool open) = inferenceStake.delegationOf(id);
            for (uint256 i = 0; open && i < actors.length; ++i) {
                if (actors[i] == from) out[i] += amount;
                if (actors[i] == to) received[i] += amount;
            }
        }
        for (uint256 i = 0; i < actors.length; ++i) {
            uint256 staked = inferenceStake.stakedOf(actors[i]);
            vm.assertEq(inferenceStake.delegatedOf(actors[i]), out[i], "23: what is given away");
            vm.assertLe(out[i], staked, "23: delegated stake stays");
            (, uint256 next) = inferenceStake.allowanceOf(actors[i]);
            vm.assertEq(next, staked - out[i] + received[i], "23: the next allowance of each");
        }
    }

    function check_24_TheDiemHeldCoversStakeAndTickets() private view {
        vm.assertGe(
            diem.balanceOf(address(inferenceStake)),
            inferenceStake.totalStaked() + inferenceStake.totalCooling(),
            "24: the DIEM held"
        );
    }

    /// @dev Invariant 13, from wherever a run ended: with entries paused, everyone takes everything out.
    function afterInvariant() external {
        vm.warp(block.timestamp + 400 days);
        pauseEntries(7 days);
        endAllDelegations();
        for (uint256 i = 0; i < actors.length; ++i) {
            leaveInferenceStake(actors[i]);
        }
        vm.warp(block.timestamp + 1 days);
        claimAllTickets(inferenceStake);
        collectDonatedDiem();
        for (uint256 i = 0; i < actors.length; ++i) {
            burnAndLeave(actors[i]);
        }
        vm.warp(block.timestamp + 7 days);
        claimAllTickets(stakedVVV);
        vm.assertEq(stakedVVV.totalStaked() + stakedVVV.totalCooling(), 0, "13: all VVV is out");
        vm.assertEq(inferenceStake.totalStaked() + inferenceStake.totalCooling(), 0, "13: all DIEM is out");
        vm.assertEq(diem.totalSupply(), 0, "13: all DIEM is burned");
    }

    /// @dev What an accrual would mint now. The stake has not changed since the last one.
    function unaccrued() private view returns (uint256) {
        if (stakedVVV.totalStaked() == 0) return 0;
        return stakedVVV.emissionRatePerSecond() * (block.timestamp - stakedVVV.lastRewardTimestamp());
    }

    function assertTickets(IStation station) private view {
        uint256 sum = 0;
        for (uint256 i = 0; i < actors.length; ++i) {
            uint256 cooling = openTicketsOf(station, actors[i]);
            vm.assertEq(cooling, station.coolingOf(actors[i]), "5: the open tickets of each");
            sum += cooling;
        }
        vm.assertEq(sum, station.totalCooling(), "5: the open tickets");
    }

    function openTicketsOf(IStation station, address account) private view returns (uint256 sum) {
        for (uint256 ticket = station.ticketCount(); ticket != 0; --ticket) {
            (uint256 amount,, IStation.TicketState state) = station.ticketOf(account, ticket);
            if (state == IStation.TicketState.Open) sum += amount;
        }
    }

    function assertAllowancesHeld() private view {
        uint256 current = 0;
        for (uint256 i = 0; i < actors.length; ++i) {
            (uint256 currentOfActor,) = inferenceStake.allowanceOf(actors[i]);
            current += currentOfActor;
        }
        vm.assertLe(current, diem.balanceOf(address(inferenceStake)), "22: the sum of current");
    }

    function endAllDelegations() private {
        for (uint256 id = inferenceStake.delegationCount(); id != 0; --id) {
            (address from,,,, bool open) = inferenceStake.delegationOf(id);
            if (!open) continue;
            vm.prank(from);
            inferenceStake.endDelegation(id);
        }
    }

    function leaveInferenceStake(address account) private {
        uint256 staked = inferenceStake.stakedOf(account);
        if (staked == 0) return;
        vm.prank(account);
        inferenceStake.requestUnstake(staked);
    }

    function claimAllTickets(IStation station) private {
        for (uint256 ticket = station.ticketCount(); ticket != 0; --ticket) {
            for (uint256 i = 0; i < actors.length; ++i) {
                (,, IStation.TicketState state) = station.ticketOf(actors[i], ticket);
                if (state != IStation.TicketState.Open) continue;
                vm.prank(actors[i]);
                station.claimUnstake(list(ticket));
            }
        }
    }

    /// @dev DIEM wandered between the actors, and some was given away: bring it to those who have to burn it.
    function collectDonatedDiem() private {
        address station = address(inferenceStake);
        uint256 donated = diem.balanceOf(station);
        vm.prank(station);
        diem.transfer(alice, donated);
        for (uint256 i = 1; i < actors.length; ++i) {
            uint256 held = diem.balanceOf(actors[i]);
            vm.prank(actors[i]);
            diem.transfer(alice, held);
        }
    }

    function burnAndLeave(address account) private {
        (, uint256 minted) = diemMint.lockedStakes(account);
        if (minted != 0) {
            vm.prank(alice);
            diem.transfer(account, minted);
            vm.prank(account);
            diemMint.burnDiem(minted);
        }
        uint256 staked = stakedVVV.balanceOf(account);
        vm.prank(account);
        stakedVVV.claim();
        if (staked == 0) return;
        vm.prank(account);
        stakedVVV.requestUnstake(staked);
    }
}
