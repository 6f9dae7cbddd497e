// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title What is used of a Uniswap v3 pool
/// @notice A price is units of token1 for one unit of token0. It comes as a tick, the exponent of 1.0001, or as its
/// square root times 2**96.
interface IUniswapV3PoolMinimal {
    /// @notice Swaps, sends what was bought to `recipient`, and calls `uniswapV3SwapCallback` on the caller, which has
    /// to pay before it returns.
    /// @param zeroForOne Whether token0 is paid; the price then falls.
    /// @param amountSpecified What is paid at most, if positive.
    /// @param sqrtPriceLimitX96 The swap stops at this price, whatever is left then.
    /// @return amount0 What the pool received (positive) or sent (negative) of token0.
    /// @return amount1 The same of token1.
    function swap(
        address recipient,
        bool zeroForOne,
        int256 amountSpecified,
        uint160 sqrtPriceLimitX96,
        bytes calldata data
    ) external returns (int256 amount0, int256 amount1);

    /// @notice For each of `secondsAgos` the sum of the tick over all seconds up to then.
    /// @dev Reverts when the pool does not remember that far back.
    function observe(uint32[] calldata secondsAgos)
        external
        view
        returns (int56[] memory tickCumulatives, uint160[] memory secondsPerLiquidityCumulativeX128s);

    /// @notice The price of this moment, and how much the pool remembers.
    function slot0()
        external
        view
        returns (
            uint160 sqrtPriceX96,
            int24 tick,
            uint16 observationIndex,
            uint16 observationCardinality,
            uint16 observationCardinalityNext,
            uint8 feeProtocol,
            bool unlocked
        );

    /// @notice The token with the lower address.
    function token0() external view returns (address);

    /// @notice The token with the higher address.
    function token1() external view returns (address);
}
