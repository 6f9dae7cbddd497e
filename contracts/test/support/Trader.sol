// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {PoolPrice} from "../../src/PoolPrice.sol";
import {IUniswapV3Pool} from "./UniswapV3.sol";

/// @title Somebody who trades in a pool and lends it liquidity, with the tokens it is sent
contract Trader {
    uint160 private constant LOWEST = 4_295_128_739;
    uint160 private constant HIGHEST = 1_461_446_703_485_210_103_287_273_052_203_988_822_378_723_970_342;

    IUniswapV3Pool private immutable _pool;
    IERC20 private immutable _token0;
    IERC20 private immutable _token1;

    constructor(IUniswapV3Pool pool) {
        _pool = pool;
        _token0 = IERC20(pool.token0());
        _token1 = IERC20(pool.token1());
    }

    /// @dev Sells exactly `amount` of `token`, whatever it brings.
    function sell(IERC20 token, uint256 amount) external returns (uint256 bought) {
        bool isToken0 = token == _token0;
        (int256 amount0, int256 amount1) =
            _pool.swap(address(this), isToken0, int256(amount), isToken0 ? LOWEST + 1 : HIGHEST - 1, "");
        return uint256(-(isToken0 ? amount1 : amount0));
    }

    /// @dev Trades until the price is exactly that of `tick`.
    function moveTo(int256 tick) external {
        moveToPrice(PoolPrice.sqrtPriceAt(tick));
    }

    function moveToPrice(uint160 target) public {
        (uint160 spot,,,,,,) = _pool.slot0();
        if (target == spot) return;
        _pool.swap(address(this), target < spot, type(int128).max, target, "");
    }

    function addLiquidity(int24 lower, int24 upper, uint128 amount) external {
        _pool.mint(address(this), lower, upper, amount, "");
    }

    function removeLiquidity(int24 lower, int24 upper, uint128 amount) external {
        _pool.burn(lower, upper, amount);
        _pool.collect(address(this), lower, upper, type(uint128).max, type(uint128).max);
    }

    /// @dev A swap in which somebody else is to receive what is bought.
    function sellFor(address recipient, IERC20 token, uint256 amount) external {
        bool isToken0 = token == _token0;
        _pool.swap(recipient, isToken0, int256(amount), isToken0 ? LOWEST + 1 : HIGHEST - 1, "");
    }

    function uniswapV3SwapCallback(int256 amount0, int256 amount1, bytes calldata) external {
        if (amount0 > 0) _token0.transfer(msg.sender, uint256(amount0));
        if (amount1 > 0) _token1.transfer(msg.sender, uint256(amount1));
    }

    function uniswapV3MintCallback(uint256 amount0, uint256 amount1, bytes calldata) external {
        if (amount0 > 0) _token0.transfer(msg.sender, amount0);
        if (amount1 > 0) _token1.transfer(msg.sender, amount1);
    }
}
