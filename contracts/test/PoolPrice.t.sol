// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {PoolPrice} from "../src/PoolPrice.sol";
import {WholeSystem} from "./support/WholeSystem.sol";

contract PoolPriceTest is WholeSystem {
    int256 private constant TICK_MAXIMUM = 887_272;

    /// @dev A pool finds the highest tick whose price is not above the one it is given. So if our price of a tick gives
    /// that tick, and a 2**-96th less gives the one below, then ours is the pool's own, to the last digit.
    function test_APriceIsTheOneThatUniswapComputes(int256 tick) public {
        tick = bound(tick, -TICK_MAXIMUM + 1, TICK_MAXIMUM - 1);
        assertPoolAgrees(tick);
    }

    function test_EveryFactorIsTheOneThatUniswapUses() public {
        for (int256 tick = 1; tick < TICK_MAXIMUM; tick *= 2) {
            assertPoolAgrees(tick);
            assertPoolAgrees(-tick);
        }
        assertPoolAgrees(0);
        assertPoolAgrees(TICK_MAXIMUM - 1);
        assertPoolAgrees(1 - TICK_MAXIMUM);
    }

    /// @dev The true values, from 80 digits, are in the first column; a price is rounded up and off by 2e-34 of itself
    /// for each factor at most.
    function test_KnownPrices() public pure {
        vm.assertEq(PoolPrice.sqrtPriceAt(0), 2 ** 96);
        assertNear(79_232_123_823_359_799_118_286_999_568, 1);
        assertNear(79_224_201_403_219_477_170_569_942_574, -1);
        assertNear(39_494_653_514_448_601_066_720_082_604_999_814, 262_400);
        assertNear(158_935_480_547_773_014_644_972, -262_400);
        vm.assertEq(PoolPrice.sqrtPriceAt(-TICK_MAXIMUM), 4_295_128_739);
    }

    function test_ThereIsNoPriceBeyondTheLastTick() public {
        for (int256 tick = TICK_MAXIMUM; tick <= TICK_MAXIMUM + 1; ++tick) {
            if (tick > TICK_MAXIMUM) expectOutOfBounds(tick);
            this.sqrtPriceAt(tick);
            if (tick > TICK_MAXIMUM) expectOutOfBounds(-tick);
            this.sqrtPriceAt(-tick);
        }
        expectOutOfBounds(type(int256).max);
        this.sqrtPriceAt(type(int256).max);
    }

    function test_ADollarIsWorthWhatTheTrueArithmeticSays() public pure {
        // 1e6 * 1.0001**262400 and its inverse, from 80 digits: 248494882189488529.09...
        uint160 price = PoolPrice.sqrtPriceAt(262_400);
        vm.assertApproxEqAbs(PoolPrice.worthUp(1e6, true, price), 248_494_882_189_488_530, 1);
        price = PoolPrice.sqrtPriceAt(-262_400);
        vm.assertApproxEqAbs(PoolPrice.worthUp(1e6, false, price), 248_494_882_189_488_530, 1);
        vm.assertEq(PoolPrice.worthUp(1e6, true, 2 ** 96), 1e6);
        vm.assertEq(PoolPrice.worthUp(1e6, false, 2 ** 96), 1e6);
    }

    function test_WorthIsRoundedUp(uint256 amount, int256 tick) public pure {
        amount = bound(amount, 1, 2 ** 80);
        tick = bound(tick, -400_000, 400_000);
        uint160 price = PoolPrice.sqrtPriceAt(tick);
        // One way and back is never less: nothing is lost to the caller's good.
        vm.assertGe(
            PoolPrice.worthUp(PoolPrice.worthUp(amount, true, price), false, price), amount, "token0 first"
        );
        vm.assertGe(
            PoolPrice.worthUp(PoolPrice.worthUp(amount, false, price), true, price), amount, "token1 first"
        );
    }

    function test_TheMeanTickIsRoundedDown(int256 sum, uint32 duration) public pure {
        duration = uint32(bound(duration, 1, 1 days));
        int256 span = int256(uint256(duration)) * TICK_MAXIMUM;
        sum = bound(sum, -span, span);
        int256 mean = PoolPrice.meanTick(sum, duration);
        vm.assertTrue(mean * int256(uint256(duration)) <= sum, "not above");
        vm.assertTrue((mean + 1) * int256(uint256(duration)) > sum, "nor a whole tick below");
    }

    /// @dev Public so that what it reverts with can be seen.
    function sqrtPriceAt(int256 tick) external pure returns (uint160) {
        return PoolPrice.sqrtPriceAt(tick);
    }

    function assertPoolAgrees(int256 tick) private {
        uint160 price = PoolPrice.sqrtPriceAt(tick);
        vm.assertTrue(tickAt(price) == tick, "the price is at least the pool's own");
        vm.assertTrue(tickAt(price - 1) == tick - 1, "and not more");
    }

    /// @dev The pool, made new again: its slot 0 is what `initialize` writes.
    function tickAt(uint160 price) private returns (int24 tick) {
        cheats.store(address(pool), 0, 0);
        pool.initialize(price);
        (, tick,,,,,) = pool.slot0();
    }

    function assertNear(uint256 expected, int256 tick) private pure {
        vm.assertApproxEqRel(PoolPrice.sqrtPriceAt(tick), expected, 1);
    }

    function bound(int256 number, int256 minimum, int256 maximum) private pure returns (int256) {
        return minimum + int256(uint256(number) % uint256(maximum - minimum + 1));
    }

    function expectOutOfBounds(int256 tick) private {
        vm.expectRevert(abi.encodeWithSelector(PoolPrice.TickOutOfBounds.selector, tick));
    }
}
