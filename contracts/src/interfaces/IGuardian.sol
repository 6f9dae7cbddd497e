// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ITimelocked} from "./ITimelocked.sol";
import {IWired} from "./IWired.sol";

/// @title The brake
/// @notice One address may pause entries (staking and minting) for at most seven days, and not again for seven days
/// after. Exits ask nobody: no contract consults the guardian on the way out.
interface IGuardian is ITimelocked, IWired {
    /// @notice Entries are paused until `until` (exclusive), a Unix time in seconds.
    event EntriesPaused(address indexed guardian, uint256 until);

    /// @notice A pause was lifted before its end.
    event EntriesResumed(address indexed guardian);

    /// @notice The timelock gave the brake to another address.
    event GuardianNamed(address indexed previousGuardian, address indexed newGuardian);

    /// @notice The caller does not hold the brake.
    error OnlyGuardian(address caller);

    /// @notice `duration` is zero or above `maximum`, both in seconds.
    error PauseDurationOutOfBounds(uint256 duration, uint256 maximum);

    /// @notice The brake was pulled too recently: it may be pulled again from `allowedAt` (Unix time) on.
    error PauseTooSoon(uint256 allowedAt);

    /// @notice Nothing is paused.
    error NotPaused();

    /// @notice Pauses entries for `duration` seconds, at most seven days.
    /// @dev Reverts with OnlyGuardian, PauseDurationOutOfBounds, or PauseTooSoon within seven days of the end of the
    /// last pause, also when that one was lifted early. A running pause cannot be extended.
    function pauseEntries(uint256 duration) external;

    /// @notice Lifts a running pause. Reverts with OnlyGuardian or NotPaused.
    function resumeEntries() external;

    /// @notice Gives the brake to `newGuardian`. Only the timelock. The waiting time after a pause is not reset.
    function nameGuardian(address newGuardian) external;

    /// @notice The address that holds the brake.
    function guardian() external view returns (address);

    /// @notice Entries are refused while `block.timestamp < pausedUntil`. Unix time in seconds, 0 before any pause.
    function pausedUntil() external view returns (uint256);

    /// @notice The first moment at which a new pause may begin. Unix time in seconds.
    function nextPauseAt() external view returns (uint256);
}
