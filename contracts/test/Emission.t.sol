// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IStakedVVV} from "../src/interfaces/IStakedVVV.sol";
import {ITimelocked} from "../src/interfaces/ITimelocked.sol";
import {System} from "./support/System.sol";

contract EmissionTest is System {
    uint256 private constant START = MIDNIGHT + 1 days;
    uint256 private constant RAY = 1e27;

    function setUp() public override {
        vm.warp(NOON);
        deploy(START, NOON);
    }

    function test_TheEmissionBeginsAtItsSecond() public {
        stakeVVV(alice, 1_000e18);
        for (uint256 moment = START - 1; moment <= START; ++moment) {
            vm.warp(moment);
            stakedVVV.accrue();
            vm.assertEq(stakedVVV.pendingRewards(alice), 0);
            vm.assertEq(vvv.totalSupply(), GENESIS);
            vm.assertEq(stakedVVV.lastRewardTimestamp(), START);
        }
        vm.warp(START + 1);
        vm.assertApproxEqAbs(stakedVVV.pendingRewards(alice), EMISSION, 1);
        stakedVVV.accrue();
        vm.assertEq(vvv.totalSupply(), GENESIS + EMISSION);
    }

    /// @dev Invariant 3.
    function test_NothingIsMintedForTimeInWhichNobodyStaked(uint256 empty, uint256 staked) public {
        empty = bound(empty, 1, 1_000 days);
        staked = bound(staked, 1, 1_000 days);
        vm.warp(START + empty);
        stakeVVV(alice, 1_000e18);
        vm.assertEq(vvv.totalSupply(), GENESIS);
        vm.warp(START + empty + staked);
        vm.startPrank(alice);
        stakedVVV.requestUnstake(1_000e18);
        vm.assertEq(vvv.totalSupply(), GENESIS + EMISSION * staked);
        vm.warp(START + empty + staked + 30 days);
        stakedVVV.accrue();
        vm.assertEq(vvv.totalSupply(), GENESIS + EMISSION * staked, "nor after the last one left");
        vm.assertApproxEqAbs(stakedVVV.claim(), EMISSION * staked, 1e9);
    }

    function test_AnAccrualTellsWhatItDid() public {
        stakeVVV(alice, 1_000e18);
        vm.warp(START + 100);
        uint256 index = EMISSION * 100 * RAY / 1_000e18 / 5 * 5;
        vm.expectEmit(address(stakedVVV));
        emit IStakedVVV.Accrued(EMISSION * 100, index, index * 4 / 5);
        stakedVVV.accrue();
        vm.assertEq(stakedVVV.unlockedIndex(), index);
        vm.assertEq(stakedVVV.lockedIndex(), index * 4 / 5);
    }

    /// @dev Invariant 2.
    function test_ALoweredRateAppliesFromItsChangeOn() public {
        stakeVVV(alice, 1_000e18);
        vm.warp(START + 10 days);
        vm.expectEmit(address(stakedVVV));
        emit IStakedVVV.EmissionRateLowered(EMISSION, 1e16);
        lowerEmissionRate(1e16);
        vm.assertEq(stakedVVV.emissionRatePerSecond(), 1e16);
        vm.assertApproxEqAbs(stakedVVV.pendingRewards(alice), EMISSION * 10 days, 2);
        vm.warp(START + 30 days);
        vm.assertApproxEqAbs(stakedVVV.pendingRewards(alice), EMISSION * 10 days + 1e16 * 20 days, 2);
    }

    function test_TheEmissionMayEnd() public {
        stakeVVV(alice, 1_000e18);
        vm.warp(START + 10 days);
        lowerEmissionRate(0);
        vm.warp(START + 1_000 days);
        stakedVVV.accrue();
        vm.assertEq(vvv.totalSupply(), GENESIS + EMISSION * 10 days);
        vm.prank(alice);
        vm.assertApproxEqAbs(stakedVVV.claim(), EMISSION * 10 days, 2);
        expectMustFall(0, 0);
        lowerEmissionRate(0);
    }

    /// @dev Invariants 6 and 13. What the last division left over must not move the index of a rate of zero: it is
    /// not written then, and whoever was settled by it would be ahead of it.
    function test_NobodyIsLockedInWhenTheEmissionEnds(uint256 large, uint256 duration) public {
        large = bound(large, 1e18, 10_000_000e18);
        stakeVVV(alice, 1e15);
        stakeVVV(bob, large);
        vm.warp(START + bound(duration, 1, 1_000 days));
        lowerEmissionRate(0);
        vm.prank(bob);
        uint256 ticket = stakedVVV.requestUnstake(large);
        vm.warp(block.timestamp + 1);
        vm.startPrank(alice);
        stakedVVV.claim();
        vm.assertEq(stakedVVV.claim(), 0, "all of it was claimed");
        vm.stopPrank();
        vm.prank(bob);
        stakedVVV.cancelUnstake(ticket);
        vm.prank(alice);
        stakedVVV.requestUnstake(1e15);
    }

    function test_TheEmissionMayOnlyFall(uint256 rate) public {
        rate = bound(rate, EMISSION, type(uint256).max);
        expectMustFall(EMISSION, rate);
        lowerEmissionRate(rate);
    }

    function test_OnlyTheTimelockLowersTheEmission(address stranger) public {
        vm.assume(stranger != timelock);
        vm.expectRevert(abi.encodeWithSelector(ITimelocked.OnlyTimelock.selector, stranger));
        vm.prank(stranger);
        stakedVVV.lowerEmissionRate(1);
    }

    function lowerEmissionRate(uint256 rate) private {
        vm.prank(timelock);
        stakedVVV.lowerEmissionRate(rate);
    }

    function expectMustFall(uint256 current, uint256 requested) private {
        vm.expectRevert(abi.encodeWithSelector(IStakedVVV.EmissionRateMustFall.selector, current, requested));
    }
}
