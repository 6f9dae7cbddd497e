// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Wiring} from "./Wiring.sol";
import {IGuarded} from "./interfaces/IGuarded.sol";
import {IGuardian} from "./interfaces/IGuardian.sol";

/// @title Base of the contracts whose entries may be paused
abstract contract Guarded is IGuarded {
    /// @inheritdoc IGuarded
    IGuardian public immutable guardian;

    constructor(IGuardian guardian_) {
        Wiring.requireCode(address(guardian_));
        guardian = guardian_;
    }

    /// @dev Stands at the head of every entry and of no exit (invariant 13).
    function _requireEntriesOpen() internal view {
        uint256 until = guardian.pausedUntil();
        if (block.timestamp < until) revert EntriesArePaused(until);
    }
}
