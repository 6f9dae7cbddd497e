// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {MintCurve} from "../src/MintCurve.sol";
import {Test} from "./support/Test.sol";

/// @dev The library behind calls, so that a revert can be caught.
contract Curve {
    function potential(uint256 supply, uint256 target) external pure returns (uint256) {
        return MintCurve.potential(supply, target);
    }

    function amountFor(uint256 lock, uint256 supply, uint256 target)
        external
        pure
        returns (uint256, uint256)
    {
        return MintCurve.amountFor(lock, supply, target);
    }
}

contract MintCurveTest is Test {
    uint256 private constant TARGET = 38_000e18;
    uint256 private constant LIVE_TARGET = 40_000e18;
    string private constant VECTORS = "../tests/core/vectors/curve.json";

    Curve private immutable curve = new Curve();

    function test_TheKnownValuesOfTheFirstTarget() public pure {
        assertNear(MintCurve.rate(10_000e18, TARGET), 93.34e18);
        assertNear(MintCurve.potential(10_000e18, TARGET), 908_287.04e18);
        assertNear(MintCurve.potential(38_000e18, TARGET), 6_816_553.64e18);
        vm.assertEq(MintCurve.rate(0, TARGET), 90e18);
        vm.assertEq(MintCurve.potential(0, TARGET), 0);
    }

    /// @dev The live table of 256 buckets holds the curve at the upper edge of each bucket of 500 DIEM, computed in
    /// double precision: 1e-15 of the rate. Inside a bucket a table charges that edge for all of it, up to 8 % more
    /// at the target than the curve does.
    function test_TheLiveTableIsThisCurveAtTheEdgesOfItsBuckets() public pure {
        assertTableRate(0, 90_000351563186634752);
        assertTableRate(1, 90_002812543945768960);
        assertTableRate(78, 617.5396420419053e18);
        assertTableRate(79, 665.0150489037585e18);
        assertTableRate(80, 717.4843076907099e18);
    }

    function test_TheVectorsAreMetOverTheWholeRange() public view {
        string memory json = vm.readFile(VECTORS);
        uint256 cases = vm.parseJsonUint(json, ".count");
        vm.assertGt(cases, 300, "vectors were read");

        for (uint256 i = 0; i < cases; ++i) {
            // In the order of the file's "columns".
            uint256[] memory row = vm.parseJsonUintArray(json, string.concat(".cases[", vm.toString(i), "]"));
            (uint256 target, uint256 supply) = (row[0], row[1]);
            uint256 found = MintCurve.potential(supply, target);
            vm.assertLe(found, row[2], "F rounds down");
            vm.assertLe(row[2] - found, row[4], "F keeps its error");
            uint256 rate = MintCurve.rate(supply, target);
            vm.assertLe(rate, row[3], "the rate rounds down");
            vm.assertLe(row[3] - rate, 1, "the rate is off by one unit at most");
        }
    }

    function test_ThereIsNoCurveBeyondTheCap(uint256 target) public {
        target = bound(target, MintCurve.TARGET_MIN, MintCurve.TARGET_MAX);
        uint256 cap = target + target / 2;
        vm.assertEq(MintCurve.cap(target), cap);
        MintCurve.potential(cap, target);
        vm.expectRevert(abi.encodeWithSelector(MintCurve.SupplyAboveCap.selector, cap + 1, cap));
        curve.potential(cap + 1, target);
    }

    /// @dev Invariant 16.
    function test_EveryWeiCostsAtLeast90AndTheRateNeverFalls(uint256 target, uint256 low, uint256 high)
        public
        pure
    {
        target = bound(target, MintCurve.TARGET_MIN, MintCurve.TARGET_MAX);
        high = bound(high, 1, MintCurve.cap(target));
        low = bound(low, 0, high - 1);
        uint256 step = MintCurve.potential(low + 1, target) - MintCurve.potential(low, target);
        vm.assertGe(step, 90, "one more wei locks 90");
        vm.assertLe(MintCurve.rate(low, target), MintCurve.rate(high, target), "the rate never falls");
    }

    /// @dev A convex function lies between its tangents. Ties F to its own slope.
    function test_ALockLiesBetweenTheRatesAtItsEnds(uint256 low, uint256 high) public pure {
        high = bound(high, 1, MintCurve.cap(TARGET));
        low = bound(low, 0, high - 1);
        uint256 locked = MintCurve.potential(high, TARGET) - MintCurve.potential(low, TARGET);
        uint256 amount = high - low;
        vm.assertLe(amount * MintCurve.rate(low, TARGET) / 1e18, locked + 4, "at least the lower rate");
        vm.assertGe(amount * (MintCurve.rate(high, TARGET) + 1) / 1e18 + 4, locked, "at most the higher");
    }

    function test_ARisingTargetOnlyMakesMintingCheaper(uint256 supply, uint256 target, uint256 higher)
        public
        pure
    {
        target = bound(target, MintCurve.TARGET_MIN, MintCurve.TARGET_MAX);
        higher = bound(higher, target, MintCurve.TARGET_MAX);
        supply = bound(supply, 0, MintCurve.cap(target));
        vm.assertLe(
            MintCurve.potential(supply, higher), MintCurve.potential(supply, target), "F falls with T"
        );
    }

    function test_TheAmountForALockIsTheLargestThatItBuys(uint256 target, uint256 supply, uint256 lock)
        public
        pure
    {
        target = bound(target, MintCurve.TARGET_MIN, MintCurve.TARGET_MAX);
        supply = bound(supply, 0, MintCurve.cap(target));
        uint256 rest = MintCurve.potential(MintCurve.cap(target), target);
        assertLargest(bound(lock, 0, rest), supply, target);
        assertLargest(bound(lock, 0, 1_000e18), supply, target);
        assertLargest(bound(lock, 0, 200_000), supply, target);
    }

    function test_TheAmountForThePriceOfAnAmountIsThatAmount(uint256 supply, uint256 amount) public pure {
        supply = bound(supply, 0, MintCurve.cap(TARGET));
        amount = bound(amount, 0, MintCurve.cap(TARGET) - supply);
        uint256 lock = MintCurve.potential(supply + amount, TARGET) - MintCurve.potential(supply, TARGET);
        (uint256 found, uint256 locked) = MintCurve.amountFor(lock, supply, TARGET);
        vm.assertEq(found, amount, "the amount that was asked for");
        vm.assertEq(locked, lock, "at the price that was quoted");
    }

    function test_TheLargestLocksMintUpToTheCap() public view {
        uint256 all = MintCurve.potential(57_000e18, TARGET);
        (uint256 amount, uint256 locked) = curve.amountFor(type(uint256).max, 0, TARGET);
        vm.assertEq(amount, 57_000e18);
        vm.assertEq(locked, all);
        (amount, locked) = curve.amountFor(all - 1, 0, TARGET);
        vm.assertEq(amount, 57_000e18 - 1);
        (amount, locked) = curve.amountFor(type(uint256).max, 57_000e18, TARGET);
        vm.assertEq(amount, 0);
        vm.assertEq(locked, 0);
    }

    /// @dev What the caller pays for the search, in the worst case that was found.
    function test_TheSearchEndsWithinItsGas() public view {
        uint256 all = MintCurve.potential(57_000e18, TARGET);
        for (uint256 part = 1; part <= 64; ++part) {
            uint256 before = gasleft();
            curve.amountFor(all * part / 64, 0, TARGET);
            vm.assertLt(before - gasleft(), 150_000, "gas of the search");
        }
    }

    function assertLargest(uint256 lock, uint256 supply, uint256 target) private pure {
        (uint256 amount, uint256 locked) = MintCurve.amountFor(lock, supply, target);
        uint256 start = MintCurve.potential(supply, target);
        vm.assertLe(locked, lock, "never more than the lock");
        vm.assertEq(locked, MintCurve.potential(supply + amount, target) - start, "the price of the amount");
        if (supply + amount == MintCurve.cap(target)) return;
        uint256 beyond = MintCurve.potential(supply + amount + 1, target) - start;
        vm.assertGt(beyond, lock, "one wei more is out of reach");
    }

    function assertTableRate(uint256 bucket, uint256 tableRate) private pure {
        vm.assertApproxEqRel(MintCurve.rate(500e18 * (bucket + 1), LIVE_TARGET), tableRate, 1e3);
        vm.assertLe(tableRate * 92 / 100, MintCurve.rate(500e18 * bucket, LIVE_TARGET), "8 % in a bucket");
    }

    /// @dev To the cent that the source gives.
    function assertNear(uint256 found, uint256 known) private pure {
        vm.assertApproxEqAbs(found, known, 0.005e18);
    }
}
