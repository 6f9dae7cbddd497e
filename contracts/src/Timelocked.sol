// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Wiring} from "./Wiring.sol";
import {ITimelocked} from "./interfaces/ITimelocked.sol";

/// @title Base of the contracts with settings
abstract contract Timelocked is ITimelocked {
    /// @inheritdoc ITimelocked
    address public immutable timelock;

    constructor(address timelock_) {
        Wiring.requireAddress(timelock_);
        timelock = timelock_;
    }

    function _requireTimelock() internal view {
        if (msg.sender != timelock) revert OnlyTimelock(msg.sender);
    }
}
