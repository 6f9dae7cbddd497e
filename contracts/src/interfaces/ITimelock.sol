// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title What our timelock adds to OpenZeppelin's
/// @notice Its delay is nine days and may be made longer, never shorter: everyone can leave every station, which takes
/// seven days and one, before a setting that they dislike takes effect.
interface ITimelock {
    /// @notice The delay would be shorter than nine days. Seconds.
    error DelayBelowMinimum(uint256 delay, uint256 minimum);
}
