// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {PoolPrice} from "../PoolPrice.sol";
import {IUniswapV3Pool} from "../interfaces/IUniswapV3.sol";

/// @title Trades in a pool and lends it liquidity, on a development chain and in tests
/// @notice It does so with the tokens that it is sent, and for everybody who asks: what it holds is worth nothing.
contract DevTrader {
    using SafeERC20 for IERC20;
    using SafeCast for uint256;
    using SafeCast for int256;

    /// @dev The first and the last price at which a pool still swaps.
    uint160 private constant LOWEST = 4_295_128_740;
    uint160 private constant HIGHEST = 1_461_446_703_485_210_103_287_273_052_203_988_822_378_723_970_341;

    IUniswapV3Pool private immutable _pool;
    IERC20 private immutable _token0;
    IERC20 private immutable _token1;

    /// @notice Only the pool asks for payment.
    error OnlyPool(address caller);

    constructor(IUniswapV3Pool pool) {
        _pool = pool;
        _token0 = IERC20(pool.token0());
        _token1 = IERC20(pool.token1());
    }

    /// @notice Sells exactly `amount` of `token`, whatever it brings.
    function sell(IERC20 token, uint256 amount) external returns (uint256 bought) {
        return sellFor(address(this), token, amount);
    }

    /// @notice Sells exactly `amount` of `token`; what it brings goes to `recipient`.
    function sellFor(address recipient, IERC20 token, uint256 amount) public returns (uint256 bought) {
        bool isToken0 = token == _token0;
        (int256 amount0, int256 amount1) =
            _pool.swap(recipient, isToken0, amount.toInt256(), isToken0 ? LOWEST : HIGHEST, "");
        return (-(isToken0 ? amount1 : amount0)).toUint256();
    }

    /// @notice Trades until the price is exactly that of `tick`.
    function moveTo(int256 tick) external {
        moveToPrice(PoolPrice.sqrtPriceAt(tick));
    }

    // What the pool answers is left aside from here on: these are errands, and their effect is looked at elsewhere.
    // slither-disable-start unused-return

    /// @notice Trades until the price is exactly `target`, a square root times 2**96.
    function moveToPrice(uint160 target) public {
        (uint160 spot,,,,,,) = _pool.slot0();
        if (target != spot) _pool.swap(address(this), target < spot, type(int128).max, target, "");
    }

    /// @notice Lends liquidity between two ticks.
    function addLiquidity(int24 lower, int24 upper, uint128 amount) external {
        _pool.mint(address(this), lower, upper, amount, "");
    }

    /// @notice Takes liquidity back, with what it earned.
    function removeLiquidity(int24 lower, int24 upper, uint128 amount) external {
        _pool.burn(lower, upper, amount);
        _pool.collect(address(this), lower, upper, type(uint128).max, type(uint128).max);
    }

    // slither-disable-end unused-return

    /// @notice The pool's request for the payment of a swap.
    function uniswapV3SwapCallback(int256 amount0Delta, int256 amount1Delta, bytes calldata) external {
        _pay(amount0Delta > 0 ? amount0Delta.toUint256() : 0, amount1Delta > 0 ? amount1Delta.toUint256() : 0);
    }

    /// @notice The pool's request for the tokens of new liquidity.
    function uniswapV3MintCallback(uint256 amount0, uint256 amount1, bytes calldata) external {
        _pay(amount0, amount1);
    }

    function _pay(uint256 amount0, uint256 amount1) private {
        if (msg.sender != address(_pool)) revert OnlyPool(msg.sender);
        if (amount0 != 0) _token0.safeTransfer(msg.sender, amount0);
        if (amount1 != 0) _token1.safeTransfer(msg.sender, amount1);
    }
}
