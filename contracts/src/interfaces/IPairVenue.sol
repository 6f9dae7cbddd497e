// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IUniswapV2Pair} from "./IUniswapV2.sol";
import {IUniswapV3PoolMinimal} from "./IUniswapV3PoolMinimal.sol";
import {IWired} from "./IWired.sol";

/// @title What whoever swaps is asked to do
interface ISwapPayer {
    /// @notice Pay the caller the amount that is positive before returning.
    function uniswapV3SwapCallback(int256 amount0Delta, int256 amount1Delta, bytes calldata data) external;
}

/// @title A Uniswap v2 pair that is traded on like a Uniswap v3 pool
/// @notice Swaps, the spot price and the mean price of one pair, in the words of a v3 pool, for whoever asks. It has no
/// owner and no setting, holds nothing between two calls, and may do nothing with anybody's tokens but its caller's.
///
///     caller --swap--> PairVenue --uniswapV3SwapCallback--> caller --pays--> PairVenue --pays--> pair --buys--> recipient
///
/// A pair adds up its price over time and v3 adds up ticks, which are logarithms. `poke`, which anybody may call, takes
/// the pair's sums: of each interval between two pokes the mean price becomes one tick, and ticks are added up.
///
///     pokes      |-----|----|--------|---|......|     1 to 10 minutes apart; a longer gap, and the memory begins anew
///     ticks      | t1  | t2 |   t3   |t4 |  now |     the last one is of the time since the last poke
///
/// The mean price of an interval is the square root of arithmetic mean / mean of the inverse: neither token is favoured.
/// @dev Where this mean is not v3's, the geometric one. While a price stays within [m, M], with h = ln(M / m), the two
/// are at most ln(cosh(h / 2)) apart: half a tick if the price moves by 2 % between two pokes, 12 ticks by 10 %, 589 if
/// it doubles. One tick of rounding is beside that.
///
/// Warning: what a manipulator does between two pokes counts for more than in v3. A price that is held F times too high
/// for a share s of an interval moves its tick by ln((1 + s(F - 1)) / (1 - s(1 - 1/F))) / 2 instead of s ln(F), in ticks
/// of 0.01 %: ten times for 12 seconds moves a mean of ten minutes by 918 ticks if nobody pokes within them, by 614 if
/// somebody does every minute, and by 461 in v3. To move it at all, the price must stay moved from one block to a later
/// one, against everybody who would trade it back; a trade and its reversal in one block leave no trace.
///
/// Warning: only for pairs of 0.3 % that behave as Uniswap's, and for tokens that arrive in full. What is sent here by
/// mistake goes to the pair with the next swap that pays in that token, and so to those who lent the pair liquidity.
interface IPairVenue is IUniswapV3PoolMinimal, IWired {
    /// @notice From now on the price up to `observedAt`, a Unix time, is remembered. Zero `tickSum`: a memory begins.
    event Observed(uint256 observedAt, int56 tickSum);

    /// @notice Here one says what is paid, not what is to come: the amount has to be positive.
    error OnlyExactInput(int256 amountSpecified);

    /// @notice The price has reached the limit before anything is traded, or lies beyond it.
    error PriceLimitReached(uint160 sqrtPriceX96, uint160 sqrtPriceLimitX96);

    /// @notice What could be paid before the price reaches its limit, `paid`, buys nothing at all.
    error NothingBought(uint256 paid);

    /// @notice What was bought would be lost there.
    error RecipientRefused(address recipient);

    /// @notice The caller was to pay `asked` and paid `paid`.
    error PaymentMissing(uint256 paid, uint256 asked);

    /// @notice Somebody traded in the pair while the caller was asked to pay.
    error PairMoved();

    /// @notice A swap is under way.
    error SwapUnderWay();

    /// @notice The pair has no liquidity yet.
    error NoLiquidity();

    /// @notice Remembers the price up to this moment, if the last time is a minute ago or more. Anybody may call it,
    /// and has to at least every ten minutes for as long as the mean price is wanted and a window before.
    /// @dev It remembers 1,500 pokes, 25 hours at the least. Reverts with NoLiquidity.
    /// @return isKept Whether this moment is remembered; if not, an earlier one that is near is.
    function poke() external returns (bool isKept);

    /// @notice The pair that is traded on.
    function pair() external view returns (IUniswapV2Pair);
}
