// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {ITimelock} from "./interfaces/ITimelock.sol";

/// @title Timelock
/// @dev OpenZeppelin's TimelockController without an administrator: roles, too, change only after the delay.
contract Timelock is ITimelock, TimelockController {
    uint256 private constant DELAY_MINIMUM = 9 days;

    /// @param proposers May propose and cancel.
    /// @param executors May execute what is due; the zero address among them lets everybody.
    constructor(address[] memory proposers, address[] memory executors)
        TimelockController(DELAY_MINIMUM, proposers, executors, address(0))
    {}

    /// @inheritdoc TimelockController
    function updateDelay(uint256 newDelay) public override {
        super.updateDelay(newDelay);
        if (newDelay < DELAY_MINIMUM) revert DelayBelowMinimum(newDelay, DELAY_MINIMUM);
    }
}
