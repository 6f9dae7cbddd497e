// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Station} from "./Station.sol";
import {Timelocked} from "./Timelocked.sol";
import {Wiring} from "./Wiring.sol";
import {IGuardian} from "./interfaces/IGuardian.sol";
import {IStakedVVV} from "./interfaces/IStakedVVV.sol";
import {IVVV} from "./interfaces/IVVV.sol";

/// @title The emission and its index, base of StakedVVV
/// @dev One index serves all. An accrual moves it by a multiple of five, so that 80 % and 20 % of the step are exact:
/// unlocked stake earns five fifths of the step, locked stake four, and the treasury one for every locked wei.
///
///     scaled = rate * elapsed * 1e27 + remainder       step = scaled / totalStaked, down to a multiple of five
///     remainder = scaled - step * totalStaked          index += step
abstract contract RewardIndex is IStakedVVV, Station, Timelocked {
    using SafeCast for uint256;

    struct Emission {
        /// @dev Wei per second. Invariant 2: it never rises.
        uint96 rate;
        uint40 accruedAt;
        /// @dev What the last division left over, below 5 * totalStaked.
        uint120 remainder;
    }

    uint256 private constant COOLDOWN = 7 days;
    uint256 internal constant RAY = 1e27;
    uint256 internal constant FIFTHS = 5;
    uint256 internal constant FIFTHS_LOCKED = 4;

    /// @inheritdoc IStakedVVV
    IVVV public immutable vvv;

    /// @inheritdoc IStakedVVV
    uint256 public unlockedIndex;

    Emission private _emission;

    constructor(
        IVVV vvv_,
        address timelock_,
        IGuardian guardian_,
        uint256 emissionPerSecond,
        uint256 emissionStart
    ) Station(vvv_, guardian_, COOLDOWN) Timelocked(timelock_) {
        Wiring.requireWiredToThis(address(vvv_), vvv_.minter());
        if (emissionStart < block.timestamp) revert EmissionStartInPast(emissionStart, block.timestamp);

        vvv = vvv_;
        _emission = Emission(emissionPerSecond.toUint96(), emissionStart.toUint40(), 0);
    }

    /// @inheritdoc IStakedVVV
    function accrue() external {
        _accrue();
    }

    /// @inheritdoc IStakedVVV
    function lowerEmissionRate(uint256 newRate) external {
        _requireTimelock();
        _accrue();
        uint256 previousRate = _emission.rate;
        if (newRate >= previousRate) revert EmissionRateMustFall(previousRate, newRate);

        _emission.rate = newRate.toUint96();
        emit EmissionRateLowered(previousRate, newRate);
    }

    /// @inheritdoc IStakedVVV
    function lockedIndex() external view returns (uint256) {
        return _lockedIndex(unlockedIndex);
    }

    /// @inheritdoc IStakedVVV
    function emissionRatePerSecond() external view returns (uint256) {
        return _emission.rate;
    }

    /// @inheritdoc IStakedVVV
    function lastRewardTimestamp() external view returns (uint256) {
        return _emission.accruedAt;
    }

    /// @dev Before any change of a balance or of the total. Mints before the caller's own effects: the token calls
    /// nobody, and the total for which the emission is due is the one from before.
    function _accrue() internal returns (uint256 index) {
        if (block.timestamp <= _emission.accruedAt) return unlockedIndex;
        uint256 minted;
        uint256 remainder;
        (minted, index, remainder) = _accrued();
        _emission.accruedAt = block.timestamp.toUint40();
        // slither-disable-next-line incorrect-equality zero is nothing to do, all else is done
        if (minted == 0) return index;

        _emission.remainder = remainder.toUint120();
        unlockedIndex = index;
        emit Accrued(minted, index, _lockedIndex(index));
        // The token is our own and its mint calls nobody, so nothing comes in between this and the caller's effects.
        // slither-disable-next-line reentrancy-no-eth,reentrancy-benign,reentrancy-events
        vvv.mint(address(this), minted);
    }

    /// @dev What an accrual at this second would mint, and the index and remainder that it would leave.
    /// Invariant 3: nothing for time in which nothing was staked. Nor at a rate of zero, where the remainder alone
    /// could still move the index if the total fell: what is not minted is not written, and not settled by.
    function _accrued() internal view returns (uint256 minted, uint256 index, uint256 remainder) {
        Emission memory emission = _emission;
        index = unlockedIndex;
        remainder = emission.remainder;
        uint256 total = _totals.staked;
        // slither-disable-next-line incorrect-equality zero is nobody to pay
        if (total == 0 || block.timestamp <= emission.accruedAt) return (0, index, remainder);

        minted = emission.rate * (block.timestamp - emission.accruedAt);
        // slither-disable-next-line incorrect-equality zero is nothing to write
        if (minted == 0) return (0, index, remainder);
        uint256 scaled = minted * RAY + remainder;
        // What this division leaves over is not lost: it is the new remainder.
        // slither-disable-next-line divide-before-multiply
        uint256 fifth = scaled / (FIFTHS * total);
        remainder = scaled - FIFTHS * total * fifth;
        index += FIFTHS * fifth;
    }

    /// @dev Exact: the index is a multiple of five.
    function _lockedIndex(uint256 index) internal pure returns (uint256) {
        // slither-disable-next-line divide-before-multiply
        return index / FIFTHS * FIFTHS_LOCKED;
    }
}
