// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IInferenceStake} from "../src/interfaces/IInferenceStake.sol";
import {IStation} from "../src/interfaces/IStation.sol";
import {System} from "./support/System.sol";

/// @dev Alice has 10 DIEM staked, bob 5. Invariant 23 in its parts.
contract DelegationTest is System {
    uint256 private constant TODAY = MIDNIGHT / 1 days;
    uint256 private constant TOMORROW = MIDNIGHT + 1 days;

    function setUp() public override {
        super.setUp();
        stakeDiem(alice, 10e18);
        stakeDiem(bob, 5e18);
    }

    function test_ADelegationTakesEffectAtMidnight() public {
        vm.expectEmit(address(inferenceStake));
        emit IInferenceStake.Delegated(1, alice, bob, 4e18, TODAY + 3);
        vm.expectEmit(address(inferenceStake));
        emit IInferenceStake.AllowanceChanged(alice, TODAY, 10e18, 6e18);
        vm.expectEmit(address(inferenceStake));
        emit IInferenceStake.AllowanceChanged(bob, TODAY, 5e18, 9e18);
        vm.assertEq(delegate(alice, bob, 4e18, TODAY + 3), 1);

        assertAllowances(10e18, 6e18, 5e18, 9e18);
        vm.warp(TOMORROW - 1);
        assertAllowances(10e18, 6e18, 5e18, 9e18);
        vm.warp(TOMORROW);
        assertAllowances(6e18, 6e18, 9e18, 9e18);
        vm.warp(TOMORROW + 1);
        assertAllowances(6e18, 6e18, 9e18, 9e18);
        vm.assertEq(inferenceStake.stakedOf(alice), 10e18, "the token stays alice's");
        vm.assertEq(inferenceStake.delegatedOf(alice), 4e18);
        vm.assertEq(inferenceStake.delegationCount(), 1);
        assertDelegation(1, true);
    }

    function test_TheGiverCannotEndADelegationBeforeItsTerm() public {
        delegate(alice, bob, 4e18, TODAY + 3);
        bytes memory reason = abi.encodeWithSelector(IInferenceStake.DelegationLocked.selector, 1, TODAY + 3);
        vm.expectRevert(reason);
        end(alice, 1);
        vm.warp(MIDNIGHT + 3 days - 1);
        vm.expectRevert(reason);
        end(alice, 1);

        vm.warp(MIDNIGHT + 3 days);
        assertAllowances(6e18, 6e18, 9e18, 9e18);
        vm.expectEmit(address(inferenceStake));
        emit IInferenceStake.DelegationEnded(1, alice, bob, 4e18);
        vm.expectEmit(address(inferenceStake));
        emit IInferenceStake.AllowanceChanged(bob, TODAY + 3, 9e18, 5e18);
        vm.expectEmit(address(inferenceStake));
        emit IInferenceStake.AllowanceChanged(alice, TODAY + 3, 6e18, 10e18);
        end(alice, 1);
        // The last epoch of the term is the receiver's to its end.
        assertAllowances(6e18, 10e18, 9e18, 5e18);
        vm.warp(MIDNIGHT + 4 days);
        assertAllowances(10e18, 10e18, 5e18, 5e18);
        vm.assertEq(inferenceStake.delegatedOf(alice), 0);
        assertDelegation(1, false);
    }

    function test_ADelegationThatNobodyEndsGoesOn() public {
        delegate(alice, bob, 4e18, TODAY + 1);
        vm.warp(NOON + 500 days);
        assertAllowances(6e18, 6e18, 9e18, 9e18);
        end(alice, 1);
        assertAllowances(6e18, 10e18, 9e18, 5e18);
    }

    function test_TheReceiverMayEndADelegationOnItsFirstDay() public {
        delegate(alice, bob, 4e18, TODAY + 100);
        end(bob, 1);
        assertAllowances(10e18, 10e18, 5e18, 5e18);
        vm.warp(TOMORROW);
        assertAllowances(10e18, 10e18, 5e18, 5e18);
    }

    function test_ADelegationEndsOnce() public {
        delegate(alice, bob, 4e18, TODAY + 1);
        vm.warp(TOMORROW);
        end(alice, 1);
        expectNotOpen(1);
        end(alice, 1);
        expectNotOpen(1);
        end(bob, 1);
        expectNotOpen(2);
        end(alice, 2);
        expectNotOpen(0);
        end(alice, 0);
    }

    function test_NobodyElseEndsADelegation() public {
        delegate(alice, bob, 4e18, TODAY + 1);
        vm.warp(TOMORROW);
        vm.expectRevert(abi.encodeWithSelector(IInferenceStake.NotDelegationParty.selector, 1, carol));
        end(carol, 1);
    }

    function test_DelegatedStakeCannotExit() public {
        delegate(alice, bob, 4e18, TODAY + 3);
        expectInsufficient(alice, 6e18, 6e18 + 1);
        vm.prank(alice);
        inferenceStake.requestUnstake(6e18 + 1);
        vm.prank(alice);
        inferenceStake.requestUnstake(6e18);
        assertAllowances(10e18, 0, 5e18, 9e18);
    }

    function test_WhatWasReceivedCannotExitNorBePassedOn() public {
        delegate(alice, bob, 4e18, TODAY + 3);
        expectInsufficient(bob, 5e18, 5e18 + 1);
        vm.prank(bob);
        inferenceStake.requestUnstake(5e18 + 1);
        expectInsufficient(bob, 5e18, 5e18 + 1);
        delegate(bob, carol, 5e18 + 1, TODAY + 3);

        vm.prank(bob);
        inferenceStake.requestUnstake(5e18);
        assertAllowances(10e18, 6e18, 5e18, 4e18);
        // And so it is there when it has to go back.
        end(bob, 1);
        assertAllowances(10e18, 10e18, 5e18, 0);
    }

    function test_DelegatedStakeCannotBeDelegatedAgain() public {
        delegate(alice, bob, 4e18, TODAY + 3);
        delegate(alice, carol, 6e18, TODAY + 3);
        expectInsufficient(alice, 0, 1);
        delegate(alice, carol, 1, TODAY + 3);
    }

    function test_TwoMayDelegateToEachOther() public {
        delegate(alice, bob, 10e18, TODAY + 1);
        delegate(bob, alice, 5e18, TODAY + 1);
        assertAllowances(10e18, 5e18, 5e18, 10e18);
        vm.warp(TOMORROW);
        assertAllowances(5e18, 5e18, 10e18, 10e18);
        end(alice, 1);
        end(bob, 2);
        assertAllowances(5e18, 10e18, 10e18, 5e18);
    }

    /// @dev The receiver's own exit and the ending of what it received meet in one slot.
    function test_AnEndAtMidnightMovesNothingOfToday() public {
        delegate(alice, bob, 4e18, TODAY + 1);
        vm.warp(TOMORROW - 1);
        vm.prank(bob);
        inferenceStake.requestUnstake(5e18);
        assertAllowances(10e18, 6e18, 5e18, 4e18);
        vm.warp(TOMORROW);
        end(alice, 1);
        assertAllowances(6e18, 10e18, 4e18, 0);
        vm.warp(TOMORROW + 1 days);
        assertAllowances(10e18, 10e18, 0, 0);
    }

    function test_ATermReachesTomorrowAtLeastAndAYearAtMost() public {
        expectTermRefused(TODAY);
        delegate(alice, bob, 1, TODAY);
        expectTermRefused(0);
        delegate(alice, bob, 1, 0);
        expectTermRefused(TODAY + 367);
        delegate(alice, bob, 1, TODAY + 367);
        expectTermRefused(NOON + 30 days);
        delegate(alice, bob, 1, NOON + 30 days);
        delegate(alice, bob, 1, TODAY + 1);
        delegate(alice, bob, 1, TODAY + 366);
    }

    function test_ADelegationGoesToSomebodyElseWhoCanUseIt() public {
        address[4] memory refused = [address(0), address(inferenceStake), address(diem), alice];
        for (uint256 i = 0; i < refused.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IStation.RecipientRefused.selector, refused[i]));
            delegate(alice, refused[i], 1, TODAY + 1);
        }
        vm.expectRevert(abi.encodeWithSelector(IStation.ZeroAmount.selector));
        delegate(alice, bob, 0, TODAY + 1);
    }

    function delegate(address from, address to, uint256 amount, uint256 untilEpoch)
        private
        returns (uint256)
    {
        vm.prank(from);
        return inferenceStake.delegate(to, amount, untilEpoch);
    }

    function end(address account, uint256 id) private {
        vm.prank(account);
        inferenceStake.endDelegation(id);
    }

    /// @dev What cannot be written down is refused, in one delegation and in the sum.
    function test_NobodyDelegatesMoreThanADelegationHolds() public {
        uint256 most = type(uint80).max;
        fund(carol, 0);
        vm.prank(address(diemMint));
        diem.mint(carol, most + 1);
        vm.prank(carol);
        inferenceStake.stake(carol, most + 1);

        vm.expectRevert(
            abi.encodeWithSelector(SafeCast.SafeCastOverflowedUintDowncast.selector, 80, most + 1)
        );
        delegate(carol, bob, most + 1, TODAY + 1);
        delegate(carol, bob, most, TODAY + 1);
        vm.expectRevert(abi.encodeWithSignature("Panic(uint256)", 0x11));
        delegate(carol, bob, 1, TODAY + 1);
        vm.assertEq(inferenceStake.delegatedOf(carol), most);
    }

    function assertAllowances(
        uint256 currentOfAlice,
        uint256 nextOfAlice,
        uint256 currentOfBob,
        uint256 nextOfBob
    ) private view {
        (uint256 current, uint256 next) = inferenceStake.allowanceOf(alice);
        vm.assertEq(current, currentOfAlice, "alice, current");
        vm.assertEq(next, nextOfAlice, "alice, next");
        (current, next) = inferenceStake.allowanceOf(bob);
        vm.assertEq(current, currentOfBob, "bob, current");
        vm.assertEq(next, nextOfBob, "bob, next");
    }

    function assertDelegation(uint256 id, bool open) private view {
        (address from, address to, uint256 amount, uint256 untilEpoch, bool found) =
            inferenceStake.delegationOf(id);
        vm.assertEq(from, alice);
        vm.assertEq(to, bob);
        vm.assertEq(amount, 4e18);
        vm.assertEq(untilEpoch, TODAY + 3);
        vm.assertTrue(found == open, "open or not");
    }

    function expectNotOpen(uint256 id) private {
        vm.expectRevert(abi.encodeWithSelector(IInferenceStake.DelegationNotOpen.selector, id));
    }

    function expectTermRefused(uint256 untilEpoch) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                IInferenceStake.TermOutOfBounds.selector, untilEpoch, TODAY + 1, TODAY + 366
            )
        );
    }

    function expectInsufficient(address account, uint256 available, uint256 needed) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                IInferenceStake.InsufficientUndelegated.selector, account, available, needed
            )
        );
    }
}
