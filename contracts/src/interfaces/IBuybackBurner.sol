// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IGuarded} from "./IGuarded.sol";
import {ITimelocked} from "./ITimelocked.sol";
import {IUniswapV3PoolMinimal} from "./IUniswapV3PoolMinimal.sol";
import {IUsdcPriced} from "./IUsdcPriced.sol";
import {IVVV} from "./IVVV.sol";
import {IWired} from "./IWired.sol";

/// @title USDC in, burned VVV out
/// @notice Holds USDC that was set aside for buybacks, by plain transfers. The keeper chooses when and how much, inside
/// bounds that it cannot move; each run buys VVV on one pool, fixed for ever, and burns it in the same call.
///
///     price of VVV, in ticks        mean - deviation          mean            mean + deviation
///                                          |--------------------|--------------------|
///     before a run the spot price is inside this range                               '- and no run buys
///     and what a run buys costs, on average, no more than the floor allows              beyond its end
///
/// The mean is the time-weighted one over the last `window` seconds, as the pool itself recorded it.
/// @dev Warning: whoever has the keeper's key can be its own counterparty within these bounds. It can cost each run at
/// most the part of the lot that the floor leaves open, once in a hop. Who can hold a pool's price off the market for
/// a whole window moves the mean with it: the pool has to be deep for its lot.
///
/// Warning: USDC leaves only to the pool. If the pool dies, what is here stays here: set aside little at a time.
interface IBuybackBurner is IGuarded, ITimelocked, IUsdcPriced, IWired {
    /// @notice What the keeper cannot move. The timelock can, within limits that hold for ever.
    struct Bounds {
        /// @dev The most that one run may spend, in units of USDC.
        uint256 lot;
        /// @dev The least time from one run to the next, in seconds.
        uint256 hop;
        /// @dev The time over which the mean price is taken, in seconds.
        uint256 window;
        /// @dev How far the spot price may be from the mean, before a run and after it, in ticks of 0.01 %.
        uint256 deviation;
        /// @dev The least that a run must buy, in ten-thousandths of what it would buy at the mean price.
        uint256 floor;
    }

    /// @notice Run `run` spent `usdcIn` units of USDC and burned the `vvvBurned` wei of VVV that they bought. The
    /// reference price is the mean one, in wei of VVV for one whole USDC, rounded up: so
    /// `vvvBurned * 1e6 * 1e4 >= usdcIn * referencePrice * floor`.
    event BuybackExecuted(
        uint256 indexed run, address indexed keeper, uint256 usdcIn, uint256 vvvBurned, uint256 referencePrice
    );

    /// @notice `amount` wei of VVV that somebody had sent here were burned with a run, beside what it bought.
    event DonationBurned(uint256 indexed run, uint256 amount);

    /// @notice The bounds from now on; each as in `Bounds`.
    event BoundsSet(uint256 lot, uint256 hop, uint256 window, uint256 deviation, uint256 floor);

    /// @notice The timelock gave the task to another address.
    event KeeperNamed(address indexed previousKeeper, address indexed newKeeper);

    /// @notice The caller is not the keeper.
    error OnlyKeeper(address caller);

    /// @notice Only the pool asks for payment, and only within a run.
    error OnlyPool(address caller);

    /// @notice The pool asks for what no run allows it. Units of USDC.
    error PaymentRefused(int256 asked, uint256 allowed);

    /// @notice The pool does not trade exactly USDC and VVV.
    error WrongPool(address token0, address token1);

    /// @notice `deadline`, a Unix time, has passed.
    error DeadlinePassed(uint256 deadline);

    /// @notice Runs are numbered without a gap: the next one is `expected`.
    error NotNextRun(uint256 run, uint256 expected);

    /// @notice A run spends something, and at most the lot. Units of USDC.
    error LotOutOfBounds(uint256 usdcIn, uint256 lot);

    /// @notice There is less USDC here than the run would spend.
    error InsufficientUsdc(uint256 available, uint256 needed);

    /// @notice The next run may come at `allowedAt`, a Unix time.
    error RunTooSoon(uint256 allowedAt);

    /// @notice The spot price is further from the mean than the bound allows. Ticks.
    error SpotAwayFromMean(int24 spotTick, int24 meanTick, uint256 deviation);

    /// @notice Nothing could be bought within the price limit.
    error NothingBought();

    /// @notice The run bought less than the floor or the keeper's own minimum. Wei of VVV.
    error OutputBelowMinimum(uint256 output, uint256 minimum);

    /// @notice A bound lies outside the limits that hold for ever.
    error BoundOutOfLimits(string bound, uint256 value, uint256 minimum, uint256 maximum);

    /// @notice Buys VVV for at most `usdcIn` units of USDC and burns it. Only the keeper. Refused while entries are
    /// paused.
    /// @dev Stops at the price limit: what is not spent by then stays here, and the run is over all the same. Reverts
    /// with OnlyKeeper, EntriesArePaused, DeadlinePassed, NotNextRun, LotOutOfBounds, InsufficientUsdc, RunTooSoon,
    /// SpotAwayFromMean, NothingBought, OutputBelowMinimum, or the pool's "OLD" when it does not remember a window.
    /// @param run The number of this run: a second transaction for the same run reverts.
    /// @param minVvvOut The least to burn, in wei, however much of `usdcIn` is spent.
    /// @param deadline The last Unix time at which the run may happen.
    /// @return spent Units of USDC.
    /// @return burned Wei of VVV, without donations.
    function execute(uint256 run, uint256 usdcIn, uint256 minVvvOut, uint256 deadline)
        external
        returns (uint256 spent, uint256 burned);

    /// @notice The pool's request for payment, within a run.
    function uniswapV3SwapCallback(int256 amount0Delta, int256 amount1Delta, bytes calldata data) external;

    /// @notice Sets all bounds at once. Only the timelock. Reverts with BoundOutOfLimits.
    function setBounds(Bounds calldata newBounds) external;

    /// @notice Gives the task to `newKeeper`. Only the timelock.
    function nameKeeper(address newKeeper) external;

    /// @notice The bounds as they are.
    function bounds() external view returns (Bounds memory);

    /// @notice What a run would compare now: the mean price in wei of VVV for one whole USDC, rounded up, and both
    /// prices as ticks.
    /// @dev Reverts with the pool's "OLD" when it does not remember a window.
    function market() external view returns (uint256 referencePrice, int24 meanTick, int24 spotTick);

    /// @notice The number of the next run; how many there were.
    function nextRun() external view returns (uint256);

    /// @notice The first Unix time at which the next run may come.
    function nextRunAt() external view returns (uint256);

    /// @notice The address that runs buybacks.
    function keeper() external view returns (address);

    /// @notice The token that is spent.
    function usdc() external view returns (IERC20);

    /// @notice The token that is bought and burned.
    function vvv() external view returns (IVVV);

    /// @notice The only place where is bought, for ever.
    function pool() external view returns (IUniswapV3PoolMinimal);
}
