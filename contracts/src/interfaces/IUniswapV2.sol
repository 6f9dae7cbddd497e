// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title What is used of a Uniswap v2 pair
/// @notice Its two reserves multiplied never fall. Of what it is paid, 3 in 1,000 count for nothing: the fee.
interface IUniswapV2Pair {
    /// @notice Sends what is asked for, and reverts unless it was paid for it before, by plain transfers.
    /// @param data Empty, or the pair calls `to` with it between sending and looking at what it was paid.
    function swap(uint256 amount0Out, uint256 amount1Out, address to, bytes calldata data) external;

    /// @notice What the pair counts as its own, and the time of the block, modulo 2**32, in which it last did.
    function getReserves()
        external
        view
        returns (uint112 reserve0, uint112 reserve1, uint32 blockTimestampLast);

    /// @notice The sum, up to `blockTimestampLast`, of the price of token0 in token1 over all seconds, times 2**112.
    /// @dev Wraps around on purpose: only differences count.
    function price0CumulativeLast() external view returns (uint256);

    /// @notice The same of the price of token1 in token0.
    function price1CumulativeLast() external view returns (uint256);

    /// @notice The token with the lower address.
    function token0() external view returns (address);

    /// @notice The token with the higher address.
    function token1() external view returns (address);
}
