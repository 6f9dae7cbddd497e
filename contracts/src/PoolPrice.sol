// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";

/// @title Prices as a Uniswap v3 pool has them
/// @notice A tick t is the price 1.0001**t of token0 in token1. Its square root times 2**96 is, to the last digit, the
/// one that a pool itself computes.
library PoolPrice {
    uint256 internal constant TICK_MAXIMUM = 887_272;

    uint256 private constant TICK_BITS = 20;
    /// @dev How many binary places of a logarithm are enough to know its tick, or the one below it.
    uint256 private constant LOG_BITS = 16;
    /// @dev The price 1 is kept as 2**96.
    int256 private constant LOG_OF_ONE = 96 * 2 ** 16;
    /// @dev The ticks between a price and four times that price, times 2**64.
    int256 private constant TICKS_PER_OCTAVE = 255_738_958_999_603_826_347_141;

    /// @notice No pool has a price beyond TICK_MAXIMUM.
    error TickOutOfBounds(int256 tick);

    /// @notice The square root of the price at `tick`, times 2**96, rounded up.
    /// @dev 1.0001**(-|t|/2) is the product of those factors whose bit is set in |t|; for a positive tick its inverse.
    function sqrtPriceAt(int256 tick) internal pure returns (uint160) {
        uint256 magnitude = SignedMath.abs(tick);
        if (magnitude > TICK_MAXIMUM) revert TickOutOfBounds(tick);

        uint128[TICK_BITS] memory factors = _factors();
        uint256 root = 1 << 128;
        for (uint256 bit = 0; bit < TICK_BITS; ++bit) {
            // In fixed point every product is scaled back, exactly as a pool does it.
            // slither-disable-next-line divide-before-multiply
            if (magnitude >> bit & 1 != 0) root = root * factors[bit] >> 128;
        }
        if (tick > 0) root = type(uint256).max / root;
        // At most 2**192, so the sum does not overflow, and a 2**-32nd of it fits.
        return uint160((root + type(uint32).max) >> 32);
    }

    /// @notice The highest tick whose price is not above `sqrtPrice`.
    /// @dev A logarithm that is at most a fifth of a tick too small gives the tick or the one below: one look decides.
    function tickAt(uint160 sqrtPrice) internal pure returns (int24) {
        uint256 log = Math.log2(sqrtPrice);
        // In [2**127, 2**128) from here on. Its square's highest bit is the logarithm's next place.
        uint256 rest = (uint256(sqrtPrice) * 2 ** 96 >> log) * 2 ** 31;
        for (uint256 place = 0; place < LOG_BITS; ++place) {
            uint256 square = rest * rest >> 127;
            uint256 bit = square >> 128;
            rest = square >> bit;
            log = log * 2 + bit;
        }
        // Shifting rounds down, below zero too.
        int256 tick = (SafeCast.toInt256(log) - LOG_OF_ONE) * TICKS_PER_OCTAVE >> 64 + LOG_BITS;
        return SafeCast.toInt24(sqrtPriceAt(tick + 1) <= sqrtPrice ? tick + 1 : tick);
    }

    /// @notice The amount of the other token that `amount` is worth at a price, rounded up.
    /// @param isToken0 Whether `amount` is of token0.
    function worthUp(uint256 amount, bool isToken0, uint160 sqrtPrice) internal pure returns (uint256) {
        uint256 price = Math.mulDiv(sqrtPrice, sqrtPrice, 1 << 64);
        return isToken0
            ? Math.mulDiv(amount, price, 1 << 128, Math.Rounding.Ceil)
            : Math.mulDiv(amount, 1 << 128, price, Math.Rounding.Ceil);
    }

    /// @notice The mean tick of `duration` seconds in which the sum over all seconds rose by `sum`, rounded down.
    function meanTick(int256 sum, uint32 duration) internal pure returns (int24 mean) {
        int256 divisor = int256(uint256(duration));
        mean = SafeCast.toInt24(sum / divisor);
        if (sum < 0 && sum % divisor != 0) --mean;
    }

    /// @dev 2**128 / 1.0001**(2**i / 2) to the nearest, for bit i.
    function _factors() private pure returns (uint128[TICK_BITS] memory) {
        return [
            uint128(0xfffcb933bd6fad37aa2d162d1a594001),
            0xfff97272373d413259a46990580e213a,
            0xfff2e50f5f656932ef12357cf3c7fdcc,
            0xffe5caca7e10e4e61c3624eaa0941cd0,
            0xffcb9843d60f6159c9db58835c926644,
            0xff973b41fa98c081472e6896dfb254c0,
            0xff2ea16466c96a3843ec78b326b52861,
            0xfe5dee046a99a2a811c461f1969c3053,
            0xfcbe86c7900a88aedcffc83b479aa3a4,
            0xf987a7253ac413176f2b074cf7815e54,
            0xf3392b0822b70005940c7a398e4b70f3,
            0xe7159475a2c29b7443b29c7fa6e889d9,
            0xd097f3bdfd2022b8845ad8f792aa5825,
            0xa9f746462d870fdf8a65dc1f90e061e5,
            0x70d869a156d2a1b890bb3df62baf32f7,
            0x31be135f97d08fd981231505542fcfa6,
            0x09aa508b5b7a84e1c677de54f3e99bc9,
            0x005d6af8dedb81196699c329225ee604,
            0x00002216e584f5fa1ea926041bedfe98,
            0x00000000048a170391f7dc42444e8fa2
        ];
    }
}
