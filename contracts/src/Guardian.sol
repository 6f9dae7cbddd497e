// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Timelocked} from "./Timelocked.sol";
import {Wiring} from "./Wiring.sol";
import {IGuardian} from "./interfaces/IGuardian.sol";

/// @title Guardian
contract Guardian is IGuardian, Timelocked {
    using SafeCast for uint256;

    uint256 private constant PAUSE_MAXIMUM = 7 days;
    uint256 private constant REST = 7 days;

    /// @inheritdoc IGuardian
    address public guardian;

    /// @dev Shares its slot with `guardian`: an entry reads only this one.
    uint64 private _pausedUntil;

    constructor(address guardian_, address timelock_) Timelocked(timelock_) {
        Wiring.requireAddress(guardian_);
        // slither-disable-next-line missing-zero-check requireAddress has checked it
        guardian = guardian_;
        emit GuardianNamed(address(0), guardian_);
    }

    /// @inheritdoc IGuardian
    function pauseEntries(uint256 duration) external {
        _requireGuardian();
        if (duration == 0 || duration > PAUSE_MAXIMUM) {
            revert PauseDurationOutOfBounds(duration, PAUSE_MAXIMUM);
        }
        uint256 allowedAt = nextPauseAt();
        if (block.timestamp < allowedAt) revert PauseTooSoon(allowedAt);

        uint256 until = block.timestamp + duration;
        _pausedUntil = until.toUint64();
        emit EntriesPaused(msg.sender, until);
    }

    /// @inheritdoc IGuardian
    function resumeEntries() external {
        _requireGuardian();
        if (block.timestamp >= _pausedUntil) revert NotPaused();

        _pausedUntil = block.timestamp.toUint64();
        emit EntriesResumed(msg.sender);
    }

    /// @inheritdoc IGuardian
    function nameGuardian(address newGuardian) external {
        _requireTimelock();
        Wiring.requireAddress(newGuardian);

        emit GuardianNamed(guardian, newGuardian);
        // slither-disable-next-line missing-zero-check requireAddress has checked it
        guardian = newGuardian;
    }

    /// @inheritdoc IGuardian
    function pausedUntil() external view returns (uint256) {
        return _pausedUntil;
    }

    /// @inheritdoc IGuardian
    function nextPauseAt() public view returns (uint256) {
        return _pausedUntil + REST;
    }

    function _requireGuardian() private view {
        if (msg.sender != guardian) revert OnlyGuardian(msg.sender);
    }
}
