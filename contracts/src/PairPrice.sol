// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {PoolPrice} from "./PoolPrice.sol";

/// @title Prices and amounts of a Uniswap v2 pair, in the form that a v3 pool has them in
/// @notice A reserve is at least 1 and below 2**112, as the pair itself keeps it.
library PairPrice {
    /// @dev The square of any reserve is below it.
    uint256 private constant SQUARE_MAXIMUM = 1 << 224;

    /// @notice The square root of reserve1 / reserve0, times 2**96, rounded down.
    /// @dev Good for any two numbers below 2**128 whose quotient is below 2**128.
    function sqrtPriceOf(uint256 reserve0, uint256 reserve1) internal pure returns (uint160) {
        // Below 2**64 the quotient leaves room for 192 bits behind the point, otherwise for 128.
        uint256 root = reserve1 >> 64 < reserve0
            ? Math.sqrt(Math.mulDiv(reserve1, 1 << 192, reserve0))
            : Math.sqrt(Math.mulDiv(reserve1, 1 << 128, reserve0)) << 32;
        return SafeCast.toUint160(root);
    }

    /// @notice The tick of the mean price of `duration` seconds, rounded down.
    /// @param sum0 What the sum of the price of token0 over all seconds, times 2**112, rose by.
    /// @param sum1 The same of the price of token1.
    function meanTick(uint256 sum0, uint256 sum1, uint256 duration) internal pure returns (int24) {
        // The price to be found is the root of mean0 / mean1, so the two roots are to each other as two reserves are.
        // A mean is below 2**224.
        uint256 root0 = Math.sqrt(sum0 / duration << 32);
        uint256 root1 = Math.sqrt(sum1 / duration << 32);
        return PoolPrice.tickAt(sqrtPriceOf(root1, root0));
    }

    /// @notice What the pair gives for `paid`: not a unit more, by its own rule, rounded down.
    /// @param paid Below 2**112.
    function boughtFor(uint256 paid, uint256 reserveIn, uint256 reserveOut) internal pure returns (uint256) {
        uint256 counted = paid * 997;
        return counted * reserveOut / (reserveIn * 1_000 + counted);
    }

    /// @notice The most that can be paid, fee included, before the price passes `limit`, rounded down: so it never
    /// does. Less if the pair cannot hold as much.
    /// @param limit A square root times 2**96; a price that paying moves away from gives 0.
    /// @param isToken0Paid The price then falls, otherwise it rises.
    /// @dev With x paid the reserves are in + x and in * out / (in + 0.997x), and at the limit their quotient is given:
    ///
    ///     (in + x) * (in + 0.997x) = in * out * quotient =: square
    ///
    ///     x = (sqrt(9 * in**2 + 3988000 * square) - 1997 * in) / 1994
    function payableUpTo(uint160 limit, bool isToken0Paid, uint256 reserveIn, uint256 reserveOut)
        internal
        pure
        returns (uint256)
    {
        uint256 product = reserveIn * reserveOut;
        // The price of token0, times 2**128. Rounded so that the square is too small, not too large.
        uint256 square = isToken0Paid
            ? _mulDivUpTo(product, 1 << 128, Math.mulDiv(limit, limit, 1 << 64, Math.Rounding.Ceil))
            : _mulDivUpTo(product, Math.mulDiv(limit, limit, 1 << 64), 1 << 128);
        uint256 root = Math.sqrt(9 * reserveIn * reserveIn + 3_988_000 * square);
        uint256 most = Math.saturatingSub(root, 1_997 * reserveIn) / 1_994;
        return Math.min(most, type(uint112).max - reserveIn);
    }

    /// @dev The lesser of SQUARE_MAXIMUM and value * numerator / denominator, rounded down.
    function _mulDivUpTo(uint256 value, uint256 numerator, uint256 denominator)
        private
        pure
        returns (uint256)
    {
        // slither-disable-next-line unused-return whether it fits is all that is asked for
        (uint256 high,) = Math.mul512(value, numerator);
        if (high >= denominator) return SQUARE_MAXIMUM;
        return Math.min(Math.mulDiv(value, numerator, denominator), SQUARE_MAXIMUM);
    }
}
