// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IStakedVVV} from "../src/interfaces/IStakedVVV.sol";
import {IStation} from "../src/interfaces/IStation.sol";
import {System} from "./support/System.sol";

/// @dev Who earns what. The emission as a whole has a file of its own.
contract RewardsTest is System {
    uint256 private constant START = MIDNIGHT + 1 days;

    function setUp() public override {
        vm.warp(NOON);
        deploy(START, NOON);
    }

    /// @dev Invariant 9.
    function test_RewardsGoByStakeAndTime(uint256 ofAlice, uint256 ofBob, uint256 alone, uint256 together)
        public
    {
        ofAlice = bound(ofAlice, 1, 40_000_000e18);
        ofBob = bound(ofBob, 1, 40_000_000e18);
        alone = bound(alone, 1, 100 days);
        together = bound(together, 1, 100 days);
        stakeVVV(alice, ofAlice);
        vm.warp(START + alone);
        stakeVVV(bob, ofBob);
        vm.warp(START + alone + together);

        uint256 forBob = EMISSION * together * ofBob / (ofAlice + ofBob);
        uint256 forAlice = EMISSION * alone + EMISSION * together * ofAlice / (ofAlice + ofBob);
        vm.assertApproxEqAbs(stakedVVV.pendingRewards(bob), forBob, 2);
        vm.assertApproxEqAbs(stakedVVV.pendingRewards(alice), forAlice, 2);
    }

    function test_StakeAndRequestInOneBlockEarnNothing(uint256 amount) public {
        stakeVVV(bob, 1_000e18);
        vm.warp(START + 10 days);
        amount = bound(amount, 1, 50_000_000e18);
        stakeVVV(alice, amount);
        vm.startPrank(alice);
        stakedVVV.requestUnstake(amount);
        vm.warp(START + 100 days);
        vm.assertEq(stakedVVV.pendingRewards(alice), 0);
        vm.assertEq(stakedVVV.claim(), 0);
    }

    function test_CoolingStakeEarnsNothingAndEarnsAgainFromItsCancel() public {
        stakeVVV(alice, 1_000e18);
        stakeVVV(bob, 1_000e18);
        vm.warp(START);
        vm.startPrank(alice);
        uint256 ticket = stakedVVV.requestUnstake(1_000e18);
        vm.warp(START + 10 days);
        vm.assertEq(stakedVVV.pendingRewards(alice), 0);
        stakedVVV.cancelUnstake(ticket);
        vm.assertEq(stakedVVV.pendingRewards(alice), 0);
        vm.warp(START + 20 days);
        vm.assertApproxEqAbs(stakedVVV.pendingRewards(alice), EMISSION * 5 days, 2);
        vm.assertApproxEqAbs(stakedVVV.pendingRewards(bob), EMISSION * 15 days, 2);
    }

    function test_LockedStakeEarnsFourFifthsAndTheTreasuryTheRest() public {
        stakeVVV(bob, 3_000e18);
        mintDiem(alice, 10e18);
        uint256 locked = stakedVVV.balanceOfLocked(alice);
        uint256 total = stakedVVV.totalStaked();
        vm.assertEq(stakedVVV.totalLocked(), locked);
        vm.warp(START + 30 days);

        uint256 emission = EMISSION * 30 days;
        uint256 ofLocked = emission * locked / total;
        vm.assertApproxEqAbs(stakedVVV.pendingRewards(alice), ofLocked * 4 / 5, 2);
        vm.assertApproxEqAbs(stakedVVV.pendingTreasury(), ofLocked / 5, 2);
        vm.assertApproxEqAbs(stakedVVV.pendingRewards(bob), emission * 3_000e18 / total, 2);

        uint256 pending = stakedVVV.pendingTreasury();
        vm.expectEmit(address(stakedVVV));
        emit IStakedVVV.TreasuryPaid(treasury, pending);
        vm.prank(carol);
        stakedVVV.payTreasury();
        vm.assertEq(vvv.balanceOf(treasury), pending);
        vm.assertEq(stakedVVV.pendingTreasury(), 0);
        vm.assertEq(stakedVVV.payTreasury(), 0);
    }

    /// @dev Invariant 6: 80 % of every step, exactly, under pokes of any rhythm.
    function test_TheLockedIndexGainsFourFifths(uint256[8] memory gaps) public {
        mintDiem(alice, 1_234_567_891);
        stakeVVV(bob, 7);
        uint256 moment = START;
        for (uint256 i = 0; i < gaps.length; ++i) {
            (uint256 unlockedBefore, uint256 lockedBefore) =
                (stakedVVV.unlockedIndex(), stakedVVV.lockedIndex());
            moment += bound(gaps[i], 1, 3 days);
            vm.warp(moment);
            stakedVVV.accrue();
            uint256 step = stakedVVV.unlockedIndex() - unlockedBefore;
            vm.assertGt(step, 0, "the index moves");
            vm.assertEq((stakedVVV.lockedIndex() - lockedBefore) * 5, step * 4, "by 80 %, to the last digit");
        }
    }

    /// @dev Invariant 8, and no reward per token that rounds to nothing: the remainder is carried.
    function test_ManyAccrualsGiveWhatOneGives(uint256 ofAlice, uint256 pokes, uint256 gap) public {
        ofAlice = bound(ofAlice, 1, 30_000_000e18);
        pokes = bound(pokes, 1, 40);
        gap = bound(gap, 1, 2 days);
        stakeVVV(alice, ofAlice);
        stakeVVV(bob, 60_000_000e18);
        vm.warp(START + pokes * gap);
        (uint256 once, uint256 onceOfBob) = (stakedVVV.pendingRewards(alice), stakedVVV.pendingRewards(bob));
        for (uint256 i = 1; i <= pokes; ++i) {
            vm.warp(START + i * gap);
            stakedVVV.accrue();
        }
        vm.assertApproxEqAbs(stakedVVV.pendingRewards(alice), once, pokes, "within n wei");
        vm.assertApproxEqAbs(stakedVVV.pendingRewards(bob), onceOfBob, pokes, "within n wei");
        vm.assertEq(vvv.totalSupply(), GENESIS + EMISSION * pokes * gap, "the same emission");
    }

    /// @dev The step of one second is rounded to a fifth of a wei for this stake: 500 such losses would be seen.
    function test_WhatADivisionLeavesOverIsPaidLater() public {
        stakeVVV(alice, 30_000_000e18 + 1);
        stakeVVV(bob, 60_000_000e18 + 1);
        for (uint256 i = 1; i <= 500; ++i) {
            vm.warp(START + i);
            stakedVVV.accrue();
        }
        uint256 pending = stakedVVV.pendingRewards(alice) + stakedVVV.pendingRewards(bob);
        vm.assertLe(pending, EMISSION * 500, "never more than was minted");
        vm.assertLe(EMISSION * 500 - pending, 3, "and no less, for all the divisions");
    }

    function test_TheTreasurysShareIsRoundedDown(uint256 gap) public {
        stakeVVV(bob, 3_000e18);
        mintDiem(alice, 10e18);
        vm.warp(START + bound(gap, 1, 1_000 days));
        stakedVVV.accrue();
        uint256 share = stakedVVV.totalLocked() * stakedVVV.unlockedIndex() / (5 * 1e27);
        vm.assertEq(stakedVVV.pendingTreasury(), share);
    }

    function test_TheTreasuryEarnsOnlyWhileStakeIsLocked() public {
        stakeVVV(bob, 3_000e18);
        vm.warp(START + 10 days);
        mintDiem(alice, 10e18);
        vm.assertEq(stakedVVV.pendingTreasury(), 0, "nothing for the time before a lock");
        uint256 share = EMISSION * 10 days * stakedVVV.totalLocked() / stakedVVV.totalStaked() / 5;
        vm.warp(START + 20 days);
        vm.prank(alice);
        diemMint.burnDiem(10e18);
        vm.assertEq(stakedVVV.totalLocked(), 0);
        vm.assertApproxEqAbs(stakedVVV.pendingTreasury(), share, 2);
        vm.warp(START + 30 days);
        vm.assertApproxEqAbs(stakedVVV.pendingTreasury(), share, 2, "nor for the time after");
    }

    /// @dev Invariant 7.
    function test_WhatIsOwedNeverFallsThroughTheActsOfOthers(uint256 gift, uint256 wait) public {
        stakeVVV(alice, 1_000e18);
        stakeVVV(bob, 500e18);
        vm.warp(START + bound(wait, 0, 10 days));
        uint256 owed = stakedVVV.pendingRewards(alice);
        fund(bob, 2_000e18);
        vm.startPrank(bob);
        stakedVVV.stake(alice, bound(gift, 1, 1_000e18));
        vm.assertGe(stakedVVV.pendingRewards(alice), owed, "after a gift");
        stakedVVV.requestUnstake(500e18);
        stakedVVV.claim();
        stakedVVV.payTreasury();
        vm.assertGe(stakedVVV.pendingRewards(alice), owed, "after all that another can do");
    }

    function test_AClaimPaysWhatIsPendingAndOnce() public {
        stakeVVV(alice, 1_000e18);
        vm.warp(START + 3 days);
        uint256 pending = stakedVVV.pendingRewards(alice);
        vm.expectEmit(address(stakedVVV));
        emit IStakedVVV.RewardsClaimed(alice, pending);
        vm.startPrank(alice);
        vm.assertEq(stakedVVV.claim(), pending);
        vm.assertEq(vvv.balanceOf(alice), pending);
        vm.assertEq(stakedVVV.claim(), 0);
        vm.assertEq(stakedVVV.balanceOf(alice), 1_000e18, "principal is untouched");
    }

    /// @dev A request settles what is earned until then, so that the claim finds it written down.
    function test_AClaimPaysWhatWasWrittenDownBeforeAndOnce(uint256 later) public {
        stakeVVV(alice, 1_000e18);
        vm.warp(START + 3 days);
        vm.startPrank(alice);
        stakedVVV.requestUnstake(400e18);
        later = bound(later, 0, 30 days);
        vm.warp(START + 3 days + later);
        uint256 pending = stakedVVV.pendingRewards(alice);
        vm.assertApproxEqAbs(pending, EMISSION * (3 days + later), 2);
        vm.assertEq(stakedVVV.claim(), pending);
        vm.assertEq(vvv.balanceOf(alice), pending);
        vm.assertEq(stakedVVV.pendingRewards(alice), 0);
        vm.assertEq(stakedVVV.claim(), 0);
    }

    function test_CompoundingStakesTheRewards() public {
        stakeVVV(alice, 1_000e18);
        vm.warp(START + 3 days);
        uint256 pending = stakedVVV.pendingRewards(alice);
        vm.expectEmit(address(stakedVVV));
        emit IStakedVVV.RewardsClaimed(alice, pending);
        vm.expectEmit(address(stakedVVV));
        emit IStation.Staked(alice, alice, pending);
        vm.startPrank(alice);
        vm.assertEq(stakedVVV.compound(), pending);
        vm.assertEq(stakedVVV.balanceOfUnlocked(alice), 1_000e18 + pending);
        vm.assertEq(stakedVVV.totalStaked(), 1_000e18 + pending);
        vm.assertEq(stakedVVV.pendingRewards(alice), 0);
        vm.assertEq(vvv.balanceOf(alice), 0);
        vm.assertEq(stakedVVV.compound(), 0);
    }

    /// @dev Invariant 4, at the extremes of the stake: every claim can be paid, and what rounding keeps is dust.
    function test_AllEmissionGoesToSomebody(uint256 ofAlice, uint256 ofBob, uint256 minted, uint256 gap)
        public
    {
        stakeVVV(alice, bound(ofAlice, 1, 30_000_000e18));
        stakeVVV(bob, bound(ofBob, 1, 30_000_000e18));
        mintDiem(carol, bound(minted, 1, 20_000e18));
        vm.warp(START + bound(gap, 1, 4_000 days));
        uint256 emission = EMISSION * (block.timestamp - START);
        uint256 paid = stakedVVV.payTreasury();
        vm.prank(alice);
        paid += stakedVVV.claim();
        vm.prank(bob);
        paid += stakedVVV.claim();
        vm.prank(carol);
        paid += stakedVVV.claim();

        vm.assertLe(paid, emission, "never more than was minted");
        vm.assertLe(emission - paid, 5, "and all but a wei for each");
        vm.assertEq(vvv.balanceOf(address(stakedVVV)), stakedVVV.totalStaked() + emission - paid);
    }
}
