// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IGuardian} from "./IGuardian.sol";

/// @title A contract whose entries the guardian may pause
interface IGuarded {
    /// @notice The guardian paused entries until `until` (exclusive), a Unix time in seconds.
    error EntriesArePaused(uint256 until);

    /// @notice The contract that is asked before every entry, and before no exit.
    function guardian() external view returns (IGuardian);
}
