// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IGuarded} from "../src/interfaces/IGuarded.sol";
import {IGuardian} from "../src/interfaces/IGuardian.sol";
import {ITimelocked} from "../src/interfaces/ITimelocked.sol";
import {IWired} from "../src/interfaces/IWired.sol";
import {System} from "./support/System.sol";

contract GuardianTest is System {
    function test_APauseLastsUntilItsEndAndNotASecondLonger() public {
        stakeVVV(alice, 10e18);
        fund(alice, 2);
        vm.expectEmit(address(guardian));
        emit IGuardian.EntriesPaused(keeper, NOON + 7 days);
        pauseEntries(7 days);
        vm.assertEq(guardian.pausedUntil(), NOON + 7 days);

        vm.warp(NOON + 7 days - 1);
        expectPaused(NOON + 7 days);
        vm.prank(alice);
        stakedVVV.stake(alice, 1);

        vm.warp(NOON + 7 days);
        vm.prank(alice);
        stakedVVV.stake(alice, 1);
    }

    function test_EveryEntryIsPausedAndNothingElse() public {
        stakeDiem(alice, 5e18);
        stakeVVV(alice, 2_000e18);
        mintDiem(alice, 1e18);
        fund(alice, 1e18);
        vm.warp(NOON + 1 hours);
        pauseEntries(7 days);
        uint256 until = guardian.pausedUntil();

        vm.startPrank(alice);
        expectPaused(until);
        stakedVVV.stake(alice, 1);
        expectPaused(until);
        stakedVVV.stakeWithPermit(alice, 1, until, 27, 0, 0);
        expectPaused(until);
        stakedVVV.compound();
        expectPaused(until);
        diemMint.mintDiem(1e18, 0);
        expectPaused(until);
        diemMint.mintExactOut(1, type(uint256).max);
        expectPaused(until);
        inferenceStake.stake(alice, 1);
        expectPaused(until);
        inferenceStake.stakeWithPermit(alice, 1, until, 27, 0, 0);

        stakedVVV.claim();
        stakedVVV.requestUnstake(1e18);
        uint256 kept = stakedVVV.requestUnstake(1e18);
        stakedVVV.cancelUnstake(kept);
        diemMint.burnDiem(1e18);
        inferenceStake.requestUnstake(1e18);
        uint256 delegation = inferenceStake.delegate(bob, 1e18, inferenceStake.epoch() + 1);
        vm.warp(NOON + 6 days + 12 hours);
        inferenceStake.endDelegation(delegation);
        inferenceStake.claimUnstake(list(1));
        stakedVVV.payTreasury();
        vm.stopPrank();
    }

    /// @dev Invariant 13, at its hardest: paused all the time the guardian can.
    function test_ExitsLiveInEveryPauseState() public {
        stakeDiem(alice, 5e18);
        pauseEntries(7 days);
        vm.startPrank(alice);
        inferenceStake.requestUnstake(5e18);
        vm.warp(NOON + 1 days);
        inferenceStake.claimUnstake(list(1));
        diemMint.burnDiem(5e18);
        uint256 all = stakedVVV.balanceOfUnlocked(alice);
        uint256 ticket = stakedVVV.requestUnstake(all);
        vm.stopPrank();

        vm.warp(NOON + 14 days);
        pauseEntries(7 days);
        vm.startPrank(alice);
        stakedVVV.claimUnstake(list(ticket));
        uint256 rewards = stakedVVV.claim();
        vm.stopPrank();
        vm.assertEq(vvv.balanceOf(alice), all + rewards);
        vm.assertGt(rewards, 0, "there were rewards to claim");
    }

    function test_APauseIsNotRenewableForSevenDaysAfterIt() public {
        pauseEntries(3 days);
        vm.warp(NOON + 1 days);
        expectTooSoon(NOON + 10 days);
        pauseEntries(1);
        vm.warp(NOON + 10 days - 1);
        expectTooSoon(NOON + 10 days);
        pauseEntries(1);
        vm.warp(NOON + 10 days);
        pauseEntries(1);
        vm.assertEq(guardian.pausedUntil(), NOON + 10 days + 1);
    }

    function test_LiftingAPauseStartsTheRest() public {
        pauseEntries(7 days);
        vm.warp(NOON + 1 days);
        vm.expectEmit(address(guardian));
        emit IGuardian.EntriesResumed(keeper);
        vm.prank(keeper);
        guardian.resumeEntries();

        stakeVVV(alice, 1);
        vm.assertEq(guardian.nextPauseAt(), NOON + 8 days);
        expectTooSoon(NOON + 8 days);
        pauseEntries(1);
    }

    function test_ThereIsNothingToLiftWhenNothingIsPaused() public {
        expectNotPaused();
        vm.prank(keeper);
        guardian.resumeEntries();

        pauseEntries(1 days);
        vm.warp(NOON + 1 days);
        expectNotPaused();
        vm.prank(keeper);
        guardian.resumeEntries();
    }

    function test_APauseLastsAtLeastASecondAndAtMostSevenDays() public {
        expectDurationRefused(0);
        pauseEntries(0);
        expectDurationRefused(7 days + 1);
        pauseEntries(7 days + 1);
    }

    function test_OnlyTheGuardianPausesAndResumes(address stranger) public {
        vm.assume(stranger != keeper);
        bytes memory reason = abi.encodeWithSelector(IGuardian.OnlyGuardian.selector, stranger);
        vm.expectRevert(reason);
        vm.prank(stranger);
        guardian.pauseEntries(1);
        vm.expectRevert(reason);
        vm.prank(stranger);
        guardian.resumeEntries();
    }

    function test_OnlyTheTimelockNamesAGuardian() public {
        vm.expectRevert(abi.encodeWithSelector(ITimelocked.OnlyTimelock.selector, keeper));
        vm.prank(keeper);
        guardian.nameGuardian(alice);
        vm.expectRevert(abi.encodeWithSelector(IWired.ZeroAddress.selector));
        vm.prank(timelock);
        guardian.nameGuardian(address(0));

        vm.expectEmit(address(guardian));
        emit IGuardian.GuardianNamed(keeper, alice);
        vm.prank(timelock);
        guardian.nameGuardian(alice);
        vm.assertEq(guardian.guardian(), alice);
    }

    function test_ANewGuardianInheritsTheRest() public {
        pauseEntries(7 days);
        vm.prank(timelock);
        guardian.nameGuardian(alice);
        vm.warp(NOON + 7 days);
        expectTooSoon(NOON + 14 days);
        vm.prank(alice);
        guardian.pauseEntries(1);
    }

    function expectPaused(uint256 until) private {
        vm.expectRevert(abi.encodeWithSelector(IGuarded.EntriesArePaused.selector, until));
    }

    function expectTooSoon(uint256 allowedAt) private {
        vm.expectRevert(abi.encodeWithSelector(IGuardian.PauseTooSoon.selector, allowedAt));
    }

    function expectNotPaused() private {
        vm.expectRevert(abi.encodeWithSelector(IGuardian.NotPaused.selector));
    }

    function expectDurationRefused(uint256 duration) private {
        vm.expectRevert(abi.encodeWithSelector(IGuardian.PauseDurationOutOfBounds.selector, duration, 7 days));
    }
}
