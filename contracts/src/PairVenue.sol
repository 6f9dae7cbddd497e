// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {PairMemory} from "./PairMemory.sol";
import {PairPrice} from "./PairPrice.sol";
import {PoolPrice} from "./PoolPrice.sol";
import {ISwapPayer} from "./interfaces/IPairVenue.sol";
import {IUniswapV2Pair} from "./interfaces/IUniswapV2.sol";
import {IUniswapV3PoolMinimal} from "./interfaces/IUniswapV3PoolMinimal.sol";

/// @title PairVenue
contract PairVenue is PairMemory {
    using SafeERC20 for IERC20;
    using SafeCast for uint256;
    using SafeCast for int256;

    struct Reserves {
        uint256 of0;
        uint256 of1;
    }

    /// @inheritdoc IUniswapV3PoolMinimal
    address public immutable token0;
    /// @inheritdoc IUniswapV3PoolMinimal
    address public immutable token1;

    bool private transient _isSwapping;

    constructor(IUniswapV2Pair pair_) PairMemory(pair_) {
        token0 = pair_.token0();
        token1 = pair_.token1();
    }

    /// @inheritdoc IUniswapV3PoolMinimal
    // The lock is opened after the last call, on purpose, and what slot0 says of it is for callers alone.
    // slither-disable-next-line reentrancy-no-eth
    function swap(
        address recipient,
        bool zeroForOne,
        int256 amountSpecified,
        uint160 sqrtPriceLimitX96,
        bytes calldata data
    ) external returns (int256 amount0, int256 amount1) {
        if (_isSwapping) revert SwapUnderWay();
        if (amountSpecified <= 0) revert OnlyExactInput(amountSpecified);
        if (recipient == address(this) || recipient == address(pair)) revert RecipientRefused(recipient);

        _isSwapping = true;
        Reserves memory reserves = _reserves();
        (uint256 paid, uint256 bought) =
            _quote(reserves, zeroForOne, amountSpecified.toUint256(), sqrtPriceLimitX96);
        (amount0, amount1) =
            zeroForOne ? (paid.toInt256(), -bought.toInt256()) : (-bought.toInt256(), paid.toInt256());
        _collect(IERC20(zeroForOne ? token0 : token1), paid, amount0, amount1, data);
        _requireUnmoved(reserves);
        pair.swap(zeroForOne ? 0 : bought, zeroForOne ? bought : 0, recipient, "");
        _isSwapping = false;
    }

    /// @inheritdoc IUniswapV3PoolMinimal
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
        )
    {
        Reserves memory reserves = _reserves();
        sqrtPriceX96 = PairPrice.sqrtPriceOf(reserves.of0, reserves.of1);
        tick = PoolPrice.tickAt(sqrtPriceX96);
        return (sqrtPriceX96, tick, _newest, _count, MEMORY, 0, !_isSwapping);
    }

    /// @dev Lets the caller pay, and hands everything on, with what somebody may have sent here by mistake.
    function _collect(IERC20 token, uint256 asked, int256 amount0, int256 amount1, bytes calldata data)
        private
    {
        // Nobody can take it away in between: only a swap hands anything on, and that is locked.
        // slither-disable-next-line reentrancy-balance
        uint256 before = token.balanceOf(address(this));
        ISwapPayer(msg.sender).uniswapV3SwapCallback(amount0, amount1, data);
        uint256 held = token.balanceOf(address(this));
        if (held < before + asked) revert PaymentMissing(held - before, asked);
        token.safeTransfer(address(pair), held);
    }

    /// @dev Rounded against the caller: too little is bought, never too much.
    function _quote(Reserves memory reserves, bool zeroForOne, uint256 most, uint160 limit)
        private
        pure
        returns (uint256 paid, uint256 bought)
    {
        uint160 spot = PairPrice.sqrtPriceOf(reserves.of0, reserves.of1);
        if (zeroForOne ? limit >= spot : limit <= spot) revert PriceLimitReached(spot, limit);
        (uint256 reserveIn, uint256 reserveOut) =
            zeroForOne ? (reserves.of0, reserves.of1) : (reserves.of1, reserves.of0);
        paid = Math.min(most, PairPrice.payableUpTo(limit, zeroForOne, reserveIn, reserveOut));
        bought = PairPrice.boughtFor(paid, reserveIn, reserveOut);
        if (bought == 0) revert NothingBought(paid);
    }

    function _requireUnmoved(Reserves memory before) private view {
        Reserves memory reserves = _reserves();
        if (reserves.of0 != before.of0 || reserves.of1 != before.of1) revert PairMoved();
    }

    function _reserves() private view returns (Reserves memory reserves) {
        // slither-disable-next-line unused-return when they last changed plays no part
        (reserves.of0, reserves.of1,) = pair.getReserves();
        if (reserves.of0 == 0 || reserves.of1 == 0) revert NoLiquidity();
    }
}
