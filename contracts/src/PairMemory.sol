// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {PairPrice} from "./PairPrice.sol";
import {Wiring} from "./Wiring.sol";
import {IPairVenue} from "./interfaces/IPairVenue.sol";
import {IUniswapV2Pair} from "./interfaces/IUniswapV2.sol";
import {IUniswapV3PoolMinimal} from "./interfaces/IUniswapV3PoolMinimal.sol";

/// @title What PairVenue remembers of a pair's prices
abstract contract PairMemory is IPairVenue {
    using SafeCast for uint256;

    /// @dev The sum of the ticks of all seconds since the memory began, up to `at`.
    struct Observation {
        uint64 at;
        int56 tickSum;
    }

    uint16 internal constant MEMORY = 1_500;
    uint256 private constant SPACING = 1 minutes;
    uint256 private constant GAP = 10 minutes;
    /// @dev As a v3 pool says it.
    string private constant TOO_LONG_AGO = "OLD";

    /// @inheritdoc IPairVenue
    IUniswapV2Pair public immutable pair;

    /// @dev A ring. Of those that count, each is SPACING to GAP later than the one before.
    Observation[MEMORY] private _observations;
    uint16 internal _newest;
    uint16 internal _count;
    /// @dev The pair's sums at the newest observation.
    uint256 private _priceSum0;
    uint256 private _priceSum1;

    constructor(IUniswapV2Pair pair_) {
        Wiring.requireCode(address(pair_));
        pair = pair_;
    }

    /// @inheritdoc IPairVenue
    function poke() external returns (bool isKept) {
        (uint256 sum0, uint256 sum1) = _priceSums();
        Observation memory last = _observations[_newest];
        uint256 elapsed = block.timestamp - last.at;
        if (elapsed < SPACING) return false;

        Observation memory made = Observation(block.timestamp.toUint64(), 0);
        if (elapsed > GAP) {
            (_newest, _count) = (0, 1);
        } else {
            made = _after(last, elapsed, sum0, sum1);
            _newest = (_newest + 1) % MEMORY;
            if (_count < MEMORY) ++_count;
        }
        _observations[_newest] = made;
        (_priceSum0, _priceSum1) = (sum0, sum1);
        emit Observed(made.at, made.tickSum);
        return true;
    }

    /// @inheritdoc IUniswapV3PoolMinimal
    /// @dev Reverts with "OLD", as v3 does, also when the last poke is too long ago. Of liquidity nothing is kept.
    function observe(uint32[] calldata secondsAgos)
        external
        view
        returns (int56[] memory tickCumulatives, uint160[] memory secondsPerLiquidityCumulativeX128s)
    {
        tickCumulatives = new int56[](secondsAgos.length);
        secondsPerLiquidityCumulativeX128s = new uint160[](secondsAgos.length);
        Observation memory present = _present();
        for (uint256 i = 0; i < secondsAgos.length; ++i) {
            tickCumulatives[i] = _tickSumAt(block.timestamp - secondsAgos[i], present);
        }
    }

    /// @dev The pair's own sums, taken on to this moment: its reserves have been the same since it last wrote them.
    function _priceSums() private view returns (uint256 sum0, uint256 sum1) {
        (uint256 reserve0, uint256 reserve1, uint32 writtenAt) = pair.getReserves();
        if (reserve0 == 0 || reserve1 == 0) revert NoLiquidity();
        (sum0, sum1) = (pair.price0CumulativeLast(), pair.price1CumulativeLast());
        unchecked {
            // Times and sums wrap around as they do in the pair, and prices are rounded as it rounds them.
            // slither-disable-start divide-before-multiply
            uint256 since = uint32(block.timestamp) - writtenAt;
            sum0 += (reserve1 << 112) / reserve0 * since;
            sum1 += (reserve0 << 112) / reserve1 * since;
            // slither-disable-end divide-before-multiply
        }
    }

    /// @dev What a poke at this moment would remember, or the newest if that is of this moment.
    function _present() private view returns (Observation memory) {
        Observation memory last = _observations[_newest];
        uint256 elapsed = block.timestamp - last.at;
        require(elapsed <= GAP, TOO_LONG_AGO);
        // slither-disable-next-line incorrect-equality of this very second there is nothing to add
        if (elapsed == 0) return last;
        (uint256 sum0, uint256 sum1) = _priceSums();
        return _after(last, elapsed, sum0, sum1);
    }

    function _after(Observation memory last, uint256 elapsed, uint256 sum0, uint256 sum1)
        private
        view
        returns (Observation memory)
    {
        int24 tick;
        unchecked {
            tick = PairPrice.meanTick(sum0 - _priceSum0, sum1 - _priceSum1, elapsed);
        }
        return
            Observation(
                block.timestamp.toUint64(), SafeCast.toInt56(last.tickSum + tick * elapsed.toInt256())
            );
    }

    /// @dev Between two observations the ticks are those of their mean: the quotient below is a whole number.
    function _tickSumAt(uint256 moment, Observation memory present) private view returns (int56) {
        // slither-disable-next-line incorrect-equality at the end itself nothing lies between
        if (moment == present.at) return present.tickSum;
        (uint256 low, uint256 high) = (0, _count);
        while (low < high) {
            uint256 middle = (low + high) / 2;
            if (_oldest(middle).at > moment) high = middle;
            else low = middle + 1;
        }
        require(low != 0, TOO_LONG_AGO);
        Observation memory before = _oldest(low - 1);
        Observation memory next = low == _count ? present : _oldest(low);
        // slither-disable-next-line divide-before-multiply
        int256 tick = (next.tickSum - before.tickSum) / uint256(next.at - before.at).toInt256();
        return SafeCast.toInt56(before.tickSum + tick * (moment - before.at).toInt256());
    }

    /// @dev The oldest observation but `place` others.
    function _oldest(uint256 place) private view returns (Observation memory) {
        return _observations[(place + _newest + MEMORY + 1 - _count) % MEMORY];
    }
}
