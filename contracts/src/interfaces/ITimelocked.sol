// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title A contract with settings that only the timelock may move, each inside a hard bound
interface ITimelocked {
    /// @notice The caller is not the timelock.
    error OnlyTimelock(address caller);

    /// @notice The only address that may move a setting.
    function timelock() external view returns (address);
}
