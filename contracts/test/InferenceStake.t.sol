// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {MintCurve} from "../src/MintCurve.sol";
import {IInferenceStake} from "../src/interfaces/IInferenceStake.sol";
import {IStation} from "../src/interfaces/IStation.sol";
import {System} from "./support/System.sol";

/// @dev The daily right of one account. MIDNIGHT begins day TODAY; the tests begin at its noon.
contract InferenceStakeTest is System {
    uint256 private constant TODAY = MIDNIGHT / 1 days;
    uint256 private constant TOMORROW = MIDNIGHT + 1 days;

    function setUp() public override {
        super.setUp();
        stakeDiem(alice, 10e18);
    }

    function test_AnEpochIsAUtcDayHalfOpen() public {
        vm.warp(TOMORROW - 1);
        vm.assertEq(inferenceStake.epoch(), TODAY);
        vm.warp(TOMORROW);
        vm.assertEq(inferenceStake.epoch(), TODAY + 1);
        vm.warp(TOMORROW + 1);
        vm.assertEq(inferenceStake.epoch(), TODAY + 1);
    }

    function test_AStakeGivesTodaysDollarAtOnce() public {
        mintDiem(bob, 3e18);
        vm.expectEmit(address(inferenceStake));
        emit IInferenceStake.AllowanceChanged(carol, TODAY, 3e18, 3e18);
        vm.expectEmit(address(inferenceStake));
        emit IStation.Staked(bob, carol, 3e18);
        vm.prank(bob);
        inferenceStake.stake(carol, 3e18);
        assertAllowance(carol, 3e18, 3e18);
        assertAllowance(bob, 0, 0);
        vm.assertEq(inferenceStake.stakedOf(carol), 3e18);
        vm.assertEq(inferenceStake.totalStaked(), 13e18);
        vm.assertEq(diem.balanceOf(address(inferenceStake)), 13e18);
    }

    function test_ARequestLeavesTodaysDollarAndTakesTomorrows() public {
        vm.expectEmit(address(inferenceStake));
        emit IInferenceStake.AllowanceChanged(alice, TODAY, 10e18, 6e18);
        request(alice, 4e18);
        assertAllowance(alice, 10e18, 6e18);
        vm.warp(TOMORROW - 1);
        assertAllowance(alice, 10e18, 6e18);
        vm.warp(TOMORROW);
        assertAllowance(alice, 6e18, 6e18);
        vm.warp(TOMORROW + 1);
        assertAllowance(alice, 6e18, 6e18);
    }

    function test_AStakeInALaterEpochAddsToWhatMidnightLeft() public {
        request(alice, 4e18);
        vm.warp(TOMORROW);
        mintDiem(alice, 1e18);
        vm.expectEmit(address(inferenceStake));
        emit IInferenceStake.AllowanceChanged(alice, TODAY + 1, 7e18, 7e18);
        vm.prank(alice);
        inferenceStake.stake(alice, 1e18);
        assertAllowance(alice, 7e18, 7e18);
    }

    function test_ACancelInTheEpochOfTheRequestRestoresTomorrowAlone() public {
        uint256 ticket = request(alice, 4e18);
        vm.warp(TOMORROW - 1);
        vm.expectEmit(address(inferenceStake));
        emit IInferenceStake.AllowanceChanged(alice, TODAY, 10e18, 10e18);
        cancel(alice, ticket);
        assertAllowance(alice, 10e18, 10e18);
    }

    function test_ACancelInALaterEpochGivesThatDaysDollarToo(uint256 later) public {
        uint256 ticket = request(alice, 4e18);
        vm.warp(TOMORROW + bound(later, 0, 30 days));
        assertAllowance(alice, 6e18, 6e18);
        uint256 today = inferenceStake.epoch();
        vm.expectEmit(address(inferenceStake));
        emit IInferenceStake.AllowanceChanged(alice, today, 10e18, 10e18);
        cancel(alice, ticket);
        assertAllowance(alice, 10e18, 10e18);
    }

    /// @dev A request of the last second is due in the last second of the next epoch; a cancel at midnight counts.
    function test_TheEpochOfARequestIsExactAtMidnight() public {
        vm.warp(TOMORROW - 1);
        uint256 before = request(alice, 1e18);
        vm.warp(TOMORROW);
        uint256 at = request(alice, 2e18);
        assertAllowance(alice, 9e18, 7e18);
        cancel(alice, before);
        assertAllowance(alice, 10e18, 8e18);
        cancel(alice, at);
        assertAllowance(alice, 10e18, 10e18);
    }

    function test_RequestAndCancelAgainAndAgainEarnNothing(uint8 rounds, uint256 amount) public {
        amount = bound(amount, 1, 10e18);
        for (uint256 i = 0; i < rounds % 16; ++i) {
            cancel(alice, request(alice, amount));
            assertAllowance(alice, 10e18, 10e18);
            vm.warp(block.timestamp + 11 hours);
        }
        assertAllowance(alice, 10e18, 10e18);
    }

    /// @dev Why the cooldown is 24 hours: claimed at its first second and staked for another, the same DIEM is in
    /// nobody's allowance twice on one day, whatever second it was requested in.
    function test_OneDiemNeverGivesTwoDollarsInOneEpoch(uint256 second) public {
        vm.warp(MIDNIGHT + bound(second, 12 hours, 3 days));
        (uint256 givenToAlice,) = inferenceStake.allowanceOf(alice);
        uint256 requestedIn = inferenceStake.epoch();
        uint256 ticket = request(alice, 10e18);
        vm.assertEq(givenToAlice, 10e18);

        vm.warp(block.timestamp + inferenceStake.cooldownDuration());
        vm.startPrank(alice);
        inferenceStake.claimUnstake(list(ticket));
        inferenceStake.stake(bob, 10e18);
        vm.assertEq(inferenceStake.epoch(), requestedIn + 1, "the next epoch, never the same");
        assertAllowance(alice, 0, 0);
        assertAllowance(bob, 10e18, 10e18);
    }

    function test_AnAllowanceOutlivesAnyNumberOfQuietEpochs(uint256 later) public {
        vm.warp(NOON + bound(later, 0, 100_000 days));
        assertAllowance(alice, 10e18, 10e18);
    }

    function test_ARequestBeyondTheStakeIsRefused(uint256 amount) public {
        amount = bound(amount, 10e18 + 1, type(uint256).max);
        expectInsufficient(10e18, amount);
        request(alice, amount);
    }

    /// @dev The largest supply at the largest target: that there is never more is DiemMint's to hold (invariant 14).
    function test_AllDiemThatCanEverBeGoesIntoOneAccountAndOutAgain() public {
        uint256 most = MintCurve.cap(MintCurve.TARGET_MAX) - diem.totalSupply();
        fund(bob, 0);
        vm.prank(address(diemMint));
        diem.mint(bob, most);
        vm.prank(bob);
        inferenceStake.stake(bob, most);
        uint256 ticket = request(bob, most);
        cancel(bob, ticket);
        assertAllowance(bob, most, most);
        ticket = request(bob, most);
        vm.assertEq(inferenceStake.coolingOf(bob), most);
        vm.warp(block.timestamp + 1 days);
        vm.prank(bob);
        vm.assertEq(inferenceStake.claimUnstake(list(ticket)), most);
        vm.assertEq(diem.balanceOf(bob), most);
    }

    function test_AStrangerHasNothing() public view {
        assertAllowance(bob, 0, 0);
        vm.assertEq(inferenceStake.stakedOf(bob), 0);
        vm.assertEq(inferenceStake.coolingOf(bob), 0);
    }

    function assertAllowance(address account, uint256 current, uint256 next) private view {
        (uint256 currently, uint256 nextly) = inferenceStake.allowanceOf(account);
        vm.assertEq(currently, current, "current");
        vm.assertEq(nextly, next, "next");
    }

    function request(address account, uint256 amount) private returns (uint256) {
        vm.prank(account);
        return inferenceStake.requestUnstake(amount);
    }

    function cancel(address account, uint256 ticket) private {
        vm.prank(account);
        inferenceStake.cancelUnstake(ticket);
    }

    function expectInsufficient(uint256 available, uint256 needed) private {
        vm.expectRevert(
            abi.encodeWithSelector(IInferenceStake.InsufficientUndelegated.selector, alice, available, needed)
        );
    }
}
