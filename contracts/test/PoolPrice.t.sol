// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {PoolPrice} from "../src/PoolPrice.sol";
import {WholeSystem} from "./support/WholeSystem.sol";

contract PoolPriceTest is WholeSystem {
    int256 private constant TICK_MAXIMUM = 887_272;
    /// @dev The first and the last price that a pool can have.
    uint160 private constant LOWEST = 4_295_128_739;
    uint160 private constant HIGHEST = 1_461_446_703_485_210_103_287_273_052_203_988_822_378_723_970_341;

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

    function test_ATickIsTheOneThatUniswapComputes(uint160 price) public {
        price = uint160(bound(price >> price % 128, LOWEST, HIGHEST));
        vm.assertTrue(PoolPrice.tickAt(price) == tickAt(price), "as the pool itself");
    }

    /// @dev At its own price a tick begins, and a hair below it the tick before is still on.
    function test_ATickBeginsAtItsPrice(int256 tick) public pure {
        tick = bound(tick, 2 - TICK_MAXIMUM, TICK_MAXIMUM - 1);
        assertBegins(tick);
        for (tick = 1; tick < TICK_MAXIMUM; tick *= 2) {
            assertBegins(tick);
            assertBegins(-tick);
        }
        assertBegins(0);
        assertBegins(TICK_MAXIMUM - 1);
        vm.assertTrue(PoolPrice.tickAt(LOWEST) == -TICK_MAXIMUM, "the first");
        vm.assertTrue(PoolPrice.tickAt(HIGHEST) == TICK_MAXIMUM - 1, "and the last");
    }

    function test_ThereIsNoTickBeyondTheLastPrice() public {
        vm.assertTrue(PoolPrice.tickAt(HIGHEST + 1) == TICK_MAXIMUM, "where no pool can be");
        expectOutOfBounds(TICK_MAXIMUM + 1);
        this.tickOfPrice(type(uint160).max);
        vm.expectRevert(abi.encodeWithSelector(PoolPrice.TickOutOfBounds.selector, -1_330_909));
        this.tickOfPrice(0);
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

    function tickOfPrice(uint160 price) external pure returns (int24) {
        return PoolPrice.tickAt(price);
    }

    function assertBegins(int256 tick) private pure {
        uint160 price = PoolPrice.sqrtPriceAt(tick);
        vm.assertTrue(PoolPrice.tickAt(price) == tick, "its own");
        vm.assertTrue(PoolPrice.tickAt(price - 1) == tick - 1, "the one before");
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
