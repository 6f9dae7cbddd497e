// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {PairPrice} from "../src/PairPrice.sol";
import {PoolPrice} from "../src/PoolPrice.sol";
import {Test} from "./support/Test.sol";

/// @dev The arithmetic alone, over all that a pair can hold.
contract PairPriceTest is Test {
    uint256 private constant RESERVE = type(uint112).max;
    uint160 private constant LOWEST = 4_295_128_739;
    uint160 private constant HIGHEST = 1_461_446_703_485_210_103_287_273_052_203_988_822_378_723_970_341;

    function test_ASpotPriceIsTheRootOfTheQuotientRoundedDown(uint256 reserve0, uint256 reserve1)
        public
        pure
    {
        (reserve0, reserve1) = (spread(reserve0), spread(reserve1));
        uint256 root = PairPrice.sqrtPriceOf(reserve0, reserve1);
        // Where the quotient is above 2**64, 32 bits fewer are known; those are more than a tick needs by far.
        uint256 step = reserve1 >> 64 < reserve0 ? 1 : 1 << 32;
        vm.assertTrue(isAtMost(root, reserve0, reserve1), "not above it");
        vm.assertTrue(!isAtMost(root + step, reserve0, reserve1), "and the next one is");
    }

    function test_KnownSpotPrices() public pure {
        vm.assertEq(PairPrice.sqrtPriceOf(1, 1), 1 << 96);
        vm.assertEq(PairPrice.sqrtPriceOf(RESERVE, RESERVE), 1 << 96);
        vm.assertEq(PairPrice.sqrtPriceOf(1, 4), 1 << 97);
        vm.assertEq(PairPrice.sqrtPriceOf(4, 1), 1 << 95);
        vm.assertEq(PairPrice.sqrtPriceOf(1, 1 << 64), 1 << 128);
        vm.assertEq(PairPrice.sqrtPriceOf(1, 1 << 110), 1 << 151);
        vm.assertEq(PairPrice.sqrtPriceOf(1 << 110, 1), 1 << 41);
    }

    /// @dev Written as the pair itself judges a swap: what is left, times 1,000, less three of each unit paid.
    function test_WhatIsBoughtKeepsTheProductAndAUnitMoreWouldNot(
        uint256 paid,
        uint256 reserve0,
        uint256 reserve1
    ) public pure {
        (reserve0, reserve1) = (spread(reserve0), spread(reserve1));
        paid = bound(spread(paid), 0, RESERVE - reserve0);
        uint256 bought = PairPrice.boughtFor(paid, reserve0, reserve1);
        uint256 counted = reserve0 * 1_000 + paid * 997;
        vm.assertTrue(counted * (reserve1 - bought) >= reserve0 * reserve1 * 1_000, "as much as before");
        if (bought + 1 < reserve1) {
            vm.assertTrue(counted * (reserve1 - bought - 1) < reserve0 * reserve1 * 1_000, "but no more");
        }
    }

    /// @dev For any price that a pair can have after paying, and not only those near the present one.
    function test_WhatIsPayableNeverPassesTheLimitAndAUnitMoreDoes(
        uint256 reserve0,
        uint256 reserve1,
        uint256 target,
        bool isToken0Paid
    ) public pure {
        (reserve0, reserve1) = (spread(reserve0), spread(reserve1));
        (uint256 reserveIn, uint256 reserveOut) = isToken0Paid ? (reserve0, reserve1) : (reserve1, reserve0);
        // Something has to be left of the other token.
        target = bound(spread(target), 0, Math.min(RESERVE - reserveIn, reserveIn * (reserveOut - 1)));
        // The price that a pair would have once `target` was paid, were there no rounding of what it gives.
        uint256 out = Math.mulDiv(reserveIn * 1_000, reserveOut, reserveIn * 1_000 + target * 997);
        uint256 there = reserveIn + target;
        uint160 limit = isToken0Paid ? PairPrice.sqrtPriceOf(there, out) : PairPrice.sqrtPriceOf(out, there);

        uint256 most = PairPrice.payableUpTo(limit, isToken0Paid, reserveIn, reserveOut);
        if (most != 0) {
            vm.assertTrue(isWithin(limit, isToken0Paid, reserveIn, reserveOut, most), "up to the limit");
        }
        if (most + reserveIn < RESERVE) {
            // What rounding the price to 128 bits behind the point can take: a 2**64th, and two units.
            uint256 more = most + 2 + (reserveIn + most >> 62);
            if (isSharp(limit)) {
                vm.assertTrue(!isWithin(limit, isToken0Paid, reserveIn, reserveOut, more), "and not beyond");
            }
        }
    }

    function test_ALimitThatLiesBehindAllowsNothing(uint256 reserve0, uint256 reserve1, uint160 limit)
        public
        pure
    {
        (reserve0, reserve1) = (spread(reserve0), spread(reserve1));
        uint160 spot = PairPrice.sqrtPriceOf(reserve0, reserve1);
        limit = uint160(bound(limit, LOWEST, HIGHEST));
        if (limit > spot) vm.assertEq(PairPrice.payableUpTo(limit, true, reserve0, reserve1), 0);
        else vm.assertEq(PairPrice.payableUpTo(limit, false, reserve1, reserve0), 0);
    }

    function test_APairIsNeverPaidMoreThanItCanHold(uint256 reserve0, uint256 reserve1) public pure {
        (reserve0, reserve1) = (spread(reserve0), spread(reserve1));
        vm.assertLe(reserve0 + PairPrice.payableUpTo(LOWEST, true, reserve0, reserve1), RESERVE, "token0");
        vm.assertLe(reserve1 + PairPrice.payableUpTo(HIGHEST, false, reserve1, reserve0), RESERVE, "token1");
        vm.assertEq(PairPrice.payableUpTo(0, true, reserve0, reserve1), RESERVE - reserve0, "no limit at all");
    }

    /// @dev One price all the time: its own tick, or the one below where the sums have lost the difference.
    function test_TheMeanOfOnePriceIsThatPrice(uint256 reserve0, uint256 reserve1, uint256 duration)
        public
        pure
    {
        (reserve0, reserve1) = (spread(reserve0), spread(reserve1));
        // Sums of 112 bits behind the point say too little of prices beyond these.
        if (reserve0 >> 64 >= reserve1 || reserve1 >> 64 >= reserve0) return;
        duration = bound(duration, 1, 10 minutes);
        int24 tick = meanOf(reserve0, reserve1, duration, 1, 1, 0);
        int24 spot = PoolPrice.tickAt(PairPrice.sqrtPriceOf(reserve0, reserve1));
        vm.assertTrue(tick == spot || tick == spot - 1 || tick == spot + 1, "the same, or its neighbour");
    }

    /// @dev Prices that are held as long as each other: the mean is their geometric one, in the middle of their ticks.
    function test_TheMeanOfTwoPricesHeldEquallyLongIsInTheMiddle(uint256 high, uint256 low, uint256 half)
        public
        pure
    {
        (high, low) = (bound(high, 1, 1e9), bound(low, 1, 1e9));
        half = bound(half, 1, 5 minutes);
        int24 tick = meanOf(1e9, high, half, 1e9, low, half);
        int24 one = PoolPrice.tickAt(PairPrice.sqrtPriceOf(1e9, high));
        int24 other = PoolPrice.tickAt(PairPrice.sqrtPriceOf(1e9, low));
        int256 off = 2 * int256(tick) - one - other;
        vm.assertTrue(-3 <= off && off <= 3, "a tick of rounding for each");
    }

    /// @dev The bound of IPairVenue, ln(cosh(h / 2)) <= h**2 / 8, for two prices held as long as you like.
    function test_TheMeanIsAsNearToTheGeometricOneAsPromised(uint256 low, uint256 first, uint256 second)
        public
        pure
    {
        low = bound(low, 1e8, 1e9);
        (first, second) = (bound(first, 1, 5 minutes), bound(second, 1, 5 minutes));
        int256 tick = meanOf(1e9, 1e9, first, 1e9, low, second);
        int256 lowTick = PoolPrice.tickAt(PairPrice.sqrtPriceOf(1e9, low));
        int256 geometric = lowTick * int256(second) / int256(first + second);
        int256 off = tick - geometric;
        int256 promised = lowTick * lowTick / 80_000 + 2;
        vm.assertTrue(-promised <= off && off <= promised, "h**2 / 8 and the rounding");
    }

    /// @dev The figures of IPairVenue: ten times the price for 12 seconds.
    function test_ASpikeMovesTheMeanAsFarAsItSays() public pure {
        vm.assertTrue(meanOf(1e18, 1e18, 588, 1e18, 1e19, 12) == 918, "of ten minutes");
        vm.assertTrue(meanOf(1e18, 1e18, 588, 1e19, 1e18, 12) == -919, "and the other way the same");
        vm.assertTrue(
            meanOf(1e18, 1e18, 48, 1e18, 1e19, 12) / 10 == 614, "of one in ten, weighed by its length"
        );
    }

    /// @dev Reserves of every size instead of huge ones alone.
    function spread(uint256 number) private pure returns (uint256) {
        return bound(number >> 8, 1, RESERVE) >> number % 112 | 1;
    }

    /// @dev What the pair's sums give for one pair of reserves for some seconds, and another for others.
    function meanOf(uint256 one0, uint256 one1, uint256 first, uint256 other0, uint256 other1, uint256 second)
        private
        pure
        returns (int24)
    {
        uint256 sum0 = (one1 << 112) / one0 * first + (other1 << 112) / other0 * second;
        uint256 sum1 = (one0 << 112) / one1 * first + (other0 << 112) / other1 * second;
        return PairPrice.meanTick(sum0, sum1, first + second);
    }

    /// @dev root**2 * reserve0 <= reserve1 * 2**192, to the last bit.
    function isAtMost(uint256 root, uint256 reserve0, uint256 reserve1) private pure returns (bool) {
        (uint256 high, uint256 low) = Math.mul512(root, root);
        (uint256 carried, uint256 rest) = Math.mul512(low, reserve0);
        // The left side is at most 2**(320 + 112).
        return noGreater(high * reserve0 + carried, rest, reserve1 >> 64, reserve1 << 192);
    }

    /// @dev Whether the price is no further than `limit` once `paid` was paid, by numbers without a fraction:
    /// (in + x) * (1000 in + 997 x) * unit <= 1000 * in * out * quotient.
    function isWithin(uint160 limit, bool isToken0Paid, uint256 reserveIn, uint256 reserveOut, uint256 paid)
        private
        pure
        returns (bool)
    {
        uint256 price = Math.mulDiv(limit, limit, 1 << 64);
        (uint256 one, uint256 other) = isToken0Paid ? (price, uint256(1) << 128) : (uint256(1) << 128, price);
        uint256 left = (reserveIn + paid) * (reserveIn * 1_000 + paid * 997);
        (uint256 high, uint256 low) = Math.mul512(left, one);
        (uint256 otherHigh, uint256 otherLow) = Math.mul512(reserveIn * reserveOut * 1_000, other);
        return noGreater(high, low, otherHigh, otherLow);
    }

    /// @dev Enough bits for the price of a limit to be told from the next.
    function isSharp(uint160 limit) private pure returns (bool) {
        return limit > 1 << 66 && limit < 1 << 126;
    }

    function noGreater(uint256 high, uint256 low, uint256 otherHigh, uint256 otherLow)
        private
        pure
        returns (bool)
    {
        return high < otherHigh || (high == otherHigh && low <= otherLow);
    }
}
