// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IUniswapV3PoolMinimal} from "./IUniswapV3PoolMinimal.sol";

/// @title What opening a pool takes, and lending it liquidity, beyond what buybacks use of it
interface IUniswapV3Pool is IUniswapV3PoolMinimal {
    /// @notice Sets the first price, once.
    function initialize(uint160 sqrtPriceX96) external;

    /// @notice Adds liquidity, and calls `uniswapV3MintCallback` on the caller, which has to pay before it returns.
    function mint(address recipient, int24 lower, int24 upper, uint128 amount, bytes calldata data)
        external
        returns (uint256 amount0, uint256 amount1);

    /// @notice Takes liquidity of the caller back; `collect` then pays it.
    function burn(int24 lower, int24 upper, uint128 amount)
        external
        returns (uint256 amount0, uint256 amount1);

    /// @notice Pays what the caller is owed.
    function collect(address recipient, int24 lower, int24 upper, uint128 amount0, uint128 amount1)
        external
        returns (uint128 collected0, uint128 collected1);

    /// @notice Lets the pool remember more prices. A new pool remembers one.
    function increaseObservationCardinalityNext(uint16 next) external;

    /// @notice The liquidity at the present price.
    function liquidity() external view returns (uint128);

    /// @notice What made the pool.
    function factory() external view returns (address);

    /// @notice What a swap pays to whoever lent liquidity, in millionths.
    function fee() external view returns (uint24);
}

/// @title What makes pools
interface IUniswapV3Factory {
    /// @notice Makes the pool of two tokens, in any order, at a fee in millionths.
    function createPool(address tokenA, address tokenB, uint24 fee) external returns (address pool);

    /// @notice The pool of two tokens, in any order, at a fee; the zero address if there is none.
    function getPool(address tokenA, address tokenB, uint24 fee) external view returns (address pool);
}
