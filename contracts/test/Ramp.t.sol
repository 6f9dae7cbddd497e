// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IDiemMint} from "../src/interfaces/IDiemMint.sol";
import {ITimelocked} from "../src/interfaces/ITimelocked.sol";
import {System} from "./support/System.sol";

contract RampTest is System {
    /// @dev From 38,000 to 40,000 DIEM at 95 DIEM a day.
    uint256 private constant RAISED = 40_000e18;
    uint256 private constant DURATION = 2_000 * 1 days / uint256(95) + 1;

    function test_TheTargetMovesInAStraightLine() public {
        vm.expectEmit(address(diemMint));
        emit IDiemMint.TargetRampStarted(TARGET, RAISED, NOON, NOON + 40 days);
        raiseTarget(RAISED, 40 days);

        vm.assertEq(diemMint.target(), TARGET);
        vm.warp(NOON + 1);
        vm.assertEq(diemMint.target(), TARGET + uint256(2_000e18) / 40 days);
        vm.warp(NOON + 10 days);
        vm.assertEq(diemMint.target(), 38_500e18);
        vm.warp(NOON + 40 days - 1);
        vm.assertLt(diemMint.target(), RAISED, "not there a second before");
        vm.warp(NOON + 40 days);
        vm.assertEq(diemMint.target(), RAISED);
        vm.warp(NOON + 40 days + 1);
        vm.assertEq(diemMint.target(), RAISED);

        (uint256 fromTarget, uint256 toTarget, uint256 startsAt, uint256 endsAt) = diemMint.ramp();
        vm.assertEq(fromTarget, TARGET);
        vm.assertEq(toTarget, RAISED);
        vm.assertEq(startsAt, NOON);
        vm.assertEq(endsAt, NOON + 40 days);
    }

    function test_ARampRisesByAtMostAQuarterPercentADay() public {
        expectTooSteep(DURATION - 1, DURATION);
        raiseTarget(RAISED, DURATION - 1);
        expectTooSteep(0, 1);
        raiseTarget(TARGET + 1, 0);

        raiseTarget(RAISED, DURATION);
        vm.warp(NOON + 1 days);
        vm.assertLe(diemMint.target(), TARGET * 10_025 / 10_000, "a quarter percent after a day");
    }

    function test_NoSequenceOfRampsIsSteeperThanOne(uint256 newTarget, uint256 later, uint256 again) public {
        newTarget = bound(newTarget, TARGET + 1, 500_000e18);
        raiseTarget(newTarget, minimumDuration(TARGET, newTarget));
        vm.warp(NOON + bound(later, 0, 900 days));
        uint256 before = diemMint.target();
        again = bound(again, before + 1, 1_000_000e18);
        raiseTarget(again, minimumDuration(before, again));
        vm.assertEq(diemMint.target(), before, "a new ramp begins where the old one is");
        vm.warp(block.timestamp + 1 days);
        vm.assertLe(diemMint.target(), before * 10_025 / 10_000, "and keeps to a quarter percent a day");
    }

    function test_TheTargetNeverFalls(uint256 newTarget, uint256 extra, uint256 earlier, uint256 later)
        public
    {
        newTarget = bound(newTarget, TARGET + 1, 1_000_000e18);
        raiseTarget(newTarget, minimumDuration(TARGET, newTarget) + bound(extra, 0, 1_000 days));
        earlier = bound(earlier, 0, 20_000 days);
        later = bound(later, earlier, 20_000 days);
        vm.warp(NOON + earlier);
        uint256 before = diemMint.target();
        vm.warp(NOON + later);
        vm.assertGe(diemMint.target(), before, "later is not lower");
        vm.assertLe(diemMint.target(), newTarget, "nor higher than meant");
    }

    function test_TheTargetMayOnlyRise() public {
        expectMayOnlyRise(TARGET, TARGET);
        raiseTarget(TARGET, 1 days);
        expectMayOnlyRise(TARGET, TARGET - 1);
        raiseTarget(TARGET - 1, 1 days);

        raiseTarget(RAISED, 40 days);
        vm.warp(NOON + 20 days);
        expectMayOnlyRise(39_000e18, 38_999e18);
        raiseTarget(38_999e18, 100 days);
        raiseTarget(39_001e18, 100 days);
        vm.warp(NOON + 120 days);
        vm.assertEq(diemMint.target(), 39_001e18);
    }

    function test_TheTargetStaysWithinItsBounds() public {
        uint256 minimum = minimumDuration(TARGET, 1_000_000e18 + 1);
        vm.expectRevert(
            abi.encodeWithSelector(IDiemMint.TargetOutOfBounds.selector, 1_000_000e18 + 1, 1e18, 1_000_000e18)
        );
        raiseTarget(1_000_000e18 + 1, minimum);
        raiseTarget(1_000_000e18, minimum);
    }

    function test_OnlyTheTimelockRaisesTheTarget(address stranger) public {
        vm.assume(stranger != timelock);
        vm.expectRevert(abi.encodeWithSelector(ITimelocked.OnlyTimelock.selector, stranger));
        vm.prank(stranger);
        diemMint.raiseTarget(RAISED, 40 days);
    }

    function test_MintingGetsCheaperAsTheTargetRises() public {
        mintDiem(bob, 37_000e18);
        uint256 before = diemMint.quoteLock(1e18);
        raiseTarget(RAISED, 40 days);
        vm.assertEq(diemMint.quoteLock(1e18), before, "not at the start of the ramp");
        vm.warp(NOON + 40 days);
        vm.assertLt(diemMint.quoteLock(1e18), before, "but at its end");
    }

    function raiseTarget(uint256 newTarget, uint256 duration) private {
        vm.prank(timelock);
        diemMint.raiseTarget(newTarget, duration);
    }

    function minimumDuration(uint256 from, uint256 to) private pure returns (uint256) {
        return ((to - from) * 400 * 1 days - 1) / from + 1;
    }

    function expectTooSteep(uint256 duration, uint256 minimum) private {
        vm.expectRevert(abi.encodeWithSelector(IDiemMint.RampTooSteep.selector, duration, minimum));
    }

    function expectMayOnlyRise(uint256 current, uint256 requested) private {
        vm.expectRevert(abi.encodeWithSelector(IDiemMint.TargetMayOnlyRise.selector, current, requested));
    }
}
