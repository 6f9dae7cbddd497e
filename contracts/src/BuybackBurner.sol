// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Guarded} from "./Guarded.sol";
import {PoolPrice} from "./PoolPrice.sol";
import {Timelocked} from "./Timelocked.sol";
import {Usdc} from "./Usdc.sol";
import {Wiring} from "./Wiring.sol";
import {IBuybackBurner} from "./interfaces/IBuybackBurner.sol";
import {IGuardian} from "./interfaces/IGuardian.sol";
import {IUniswapV3PoolMinimal} from "./interfaces/IUniswapV3PoolMinimal.sol";
import {IVVV} from "./interfaces/IVVV.sol";

/// @title BuybackBurner
contract BuybackBurner is IBuybackBurner, Guarded, Timelocked {
    using SafeERC20 for IERC20;
    using SafeCast for uint256;
    using SafeCast for int256;

    /// @dev Invariant 25: runs are 0, 1, 2, ... without a gap.
    struct Progress {
        uint64 nextRun;
        uint64 lastRunAt;
    }

    struct PackedBounds {
        uint64 lot;
        uint32 hop;
        uint32 window;
        uint16 deviation;
        uint16 floor;
    }

    uint256 private constant TEN_THOUSAND = 10_000;

    /// @inheritdoc IBuybackBurner
    IERC20 public immutable usdc;
    /// @inheritdoc IBuybackBurner
    IVVV public immutable vvv;
    /// @inheritdoc IBuybackBurner
    IUniswapV3PoolMinimal public immutable pool;
    bool private immutable _usdcIsToken0;

    /// @inheritdoc IBuybackBurner
    address public keeper;
    Progress private _progress;
    /// @dev Invariant 26: each is always within its limits.
    PackedBounds private _bounds;

    /// @dev What the pool may be paid, once: it asks in every swap, and a run in which it did not would be refused.
    uint256 private transient _payable;

    /// @param vvv_ Burned here by its own `burn`, so that its supply falls.
    /// @param pool_ Trades the two, and remembers its price for at least a window.
    constructor(
        IERC20 usdc_,
        IVVV vvv_,
        IUniswapV3PoolMinimal pool_,
        address timelock_,
        IGuardian guardian_,
        address keeper_,
        Bounds memory bounds_
    ) Guarded(guardian_) Timelocked(timelock_) {
        Usdc.requireToken(address(usdc_));
        Wiring.requireCode(address(vvv_));
        Wiring.requireCode(address(pool_));
        (address token0, address token1) = (pool_.token0(), pool_.token1());
        _usdcIsToken0 = token0 == address(usdc_);
        (address paid, address bought) = _usdcIsToken0 ? (token0, token1) : (token1, token0);
        if (paid != address(usdc_) || bought != address(vvv_)) revert WrongPool(token0, token1);

        usdc = usdc_;
        vvv = vvv_;
        pool = pool_;
        _nameKeeper(keeper_);
        _setBounds(bounds_);
    }

    /// @inheritdoc IBuybackBurner
    function execute(uint256 run, uint256 usdcIn, uint256 minVvvOut, uint256 deadline)
        external
        returns (uint256 spent, uint256 burned)
    {
        if (msg.sender != keeper) revert OnlyKeeper(msg.sender);
        _requireEntriesOpen();
        if (block.timestamp > deadline) revert DeadlinePassed(deadline);
        PackedBounds memory set = _bounds;
        _beginRun(run, usdcIn, set);
        (uint256 referencePrice, uint160 limit) = _referenceAndLimit(set);

        // Counted before the pool is called, on purpose: the difference is what the run bought. Somebody who sends VVV
        // in between has it burned as well.
        // slither-disable-next-line reentrancy-balance
        uint256 donated = vvv.balanceOf(address(this));
        spent = _swap(usdcIn, limit);
        // What counts is what came, not what the pool says came.
        burned = vvv.balanceOf(address(this)) - donated;
        // slither-disable-next-line incorrect-equality nothing for nothing is what this refuses
        if (spent == 0 || burned == 0) revert NothingBought();
        uint256 minimum = Math.max(minVvvOut, _floorOf(spent, referencePrice, set.floor));
        if (burned < minimum) revert OutputBelowMinimum(burned, minimum);

        // The run was counted before the pool was called, so no other can have come in between.
        // slither-disable-next-line reentrancy-events
        emit BuybackExecuted(run, msg.sender, spent, burned, referencePrice);
        if (donated != 0) emit DonationBurned(run, donated);
        vvv.burn(burned + donated);
    }

    /// @inheritdoc IBuybackBurner
    function uniswapV3SwapCallback(int256 amount0Delta, int256 amount1Delta, bytes calldata) external {
        if (msg.sender != address(pool)) revert OnlyPool(msg.sender);
        int256 asked = _usdcIsToken0 ? amount0Delta : amount1Delta;
        if (asked < 0 || asked > _payable.toInt256()) revert PaymentRefused(asked, _payable);

        _payable = 0;
        usdc.safeTransfer(msg.sender, asked.toUint256());
    }

    /// @inheritdoc IBuybackBurner
    function setBounds(Bounds calldata newBounds) external {
        _requireTimelock();
        _setBounds(newBounds);
    }

    /// @inheritdoc IBuybackBurner
    function nameKeeper(address newKeeper) external {
        _requireTimelock();
        _nameKeeper(newKeeper);
    }

    /// @inheritdoc IBuybackBurner
    function bounds() external view returns (Bounds memory) {
        PackedBounds memory set = _bounds;
        return Bounds(set.lot, set.hop, set.window, set.deviation, set.floor);
    }

    /// @inheritdoc IBuybackBurner
    function market() external view returns (uint256 referencePrice, int24 meanTick, int24 spotTick) {
        meanTick = _meanTick(_bounds.window);
        referencePrice = _referencePrice(meanTick);
        // slither-disable-next-line unused-return the spot is all that is asked for
        (, spotTick,,,,,) = pool.slot0();
    }

    /// @inheritdoc IBuybackBurner
    function nextRun() external view returns (uint256) {
        return _progress.nextRun;
    }

    /// @inheritdoc IBuybackBurner
    function nextRunAt() public view returns (uint256) {
        return _progress.lastRunAt + _bounds.hop;
    }

    /// @dev The checks that are the keeper's to pass, and all effects of a run: before anybody else is called.
    function _beginRun(uint256 run, uint256 usdcIn, PackedBounds memory set) private {
        uint256 expected = _progress.nextRun;
        if (run != expected) revert NotNextRun(run, expected);
        uint256 allowedAt = _progress.lastRunAt + set.hop;
        if (block.timestamp < allowedAt) revert RunTooSoon(allowedAt);
        if (usdcIn == 0 || usdcIn > set.lot) revert LotOutOfBounds(usdcIn, set.lot);
        uint256 available = usdc.balanceOf(address(this));
        if (available < usdcIn) revert InsufficientUsdc(available, usdcIn);

        _progress = Progress((run + 1).toUint64(), block.timestamp.toUint64());
    }

    /// @dev Both ends of the range are refused: at its own limit a pool does not swap.
    function _referenceAndLimit(PackedBounds memory set)
        private
        view
        returns (uint256 referencePrice, uint160 limit)
    {
        int24 mean = _meanTick(set.window);
        int256 deviation = int256(uint256(set.deviation));
        uint160 low = PoolPrice.sqrtPriceAt(mean - deviation);
        uint160 high = PoolPrice.sqrtPriceAt(mean + deviation);
        // slither-disable-next-line unused-return the spot is all that is asked for
        (uint160 spot, int24 spotTick,,,,,) = pool.slot0();
        if (spot <= low || spot >= high) revert SpotAwayFromMean(spotTick, mean, set.deviation);
        // Token0 gets cheaper as it is sold.
        return (_referencePrice(mean), _usdcIsToken0 ? low : high);
    }

    function _swap(uint256 usdcIn, uint160 limit) private returns (uint256 spent) {
        uint256 before = usdc.balanceOf(address(this));
        _payable = usdcIn;
        // slither-disable-next-line unused-return what the balances say counts, not what the pool says
        pool.swap(address(this), _usdcIsToken0, usdcIn.toInt256(), limit, "");
        return before - usdc.balanceOf(address(this));
    }

    function _setBounds(Bounds memory given) private {
        _requireWithin("lot", given.lot, 1 * Usdc.UNIT, 25_000 * Usdc.UNIT);
        _requireWithin("hop", given.hop, 1 hours, 30 days);
        _requireWithin("window", given.window, 30 minutes, 1 days);
        _requireWithin("deviation", given.deviation, 10, 500);
        _requireWithin("floor", given.floor, 9_500, TEN_THOUSAND);

        _bounds = PackedBounds(
            given.lot.toUint64(),
            given.hop.toUint32(),
            given.window.toUint32(),
            given.deviation.toUint16(),
            given.floor.toUint16()
        );
        emit BoundsSet(given.lot, given.hop, given.window, given.deviation, given.floor);
    }

    function _nameKeeper(address newKeeper) private {
        Wiring.requireAddress(newKeeper);
        emit KeeperNamed(keeper, newKeeper);
        keeper = newKeeper;
    }

    function _meanTick(uint32 window) private view returns (int24) {
        uint32[] memory ago = new uint32[](2);
        ago[0] = window;
        // slither-disable-next-line unused-return the liquidity of the past plays no part
        (int56[] memory sums,) = pool.observe(ago);
        return PoolPrice.meanTick(sums[1] - sums[0], window);
    }

    /// @dev Wei of VVV for one whole USDC.
    function _referencePrice(int24 tick) private view returns (uint256) {
        return PoolPrice.worthUp(Usdc.UNIT, _usdcIsToken0, PoolPrice.sqrtPriceAt(tick));
    }

    /// @dev Rounded up, as is the price: against the keeper.
    function _floorOf(uint256 spent, uint256 referencePrice, uint256 floor) private pure returns (uint256) {
        return Math.mulDiv(spent * floor, referencePrice, Usdc.UNIT * TEN_THOUSAND, Math.Rounding.Ceil);
    }

    function _requireWithin(string memory bound, uint256 value, uint256 minimum, uint256 maximum)
        private
        pure
    {
        if (value < minimum || value > maximum) revert BoundOutOfLimits(bound, value, minimum, maximum);
    }
}
