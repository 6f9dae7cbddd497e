// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IStation} from "./IStation.sol";
import {ITimelocked} from "./ITimelocked.sol";
import {IVVV} from "./IVVV.sol";

/// @title Staked VVV (sVVV)
/// @notice VVV goes in 1:1 and earns the emission; sVVV cannot be transferred. Unlocked stake earns in full; stake
/// that is locked behind minted DIEM earns 80 %, and the other 20 % go to the treasury. Exits take seven days.
///
/// Emission is a rate in wei per second that may only fall. It is minted when it is accounted for, and only for
/// time in which something was staked.
interface IStakedVVV is IStation, ITimelocked {
    /// @notice `amount` wei of rewards left the books: paid out, or staked again when a Staked event follows.
    event RewardsClaimed(address indexed account, uint256 amount);

    /// @notice `amount` wei of unlocked stake were locked behind DIEM.
    event Locked(address indexed account, uint256 amount);

    /// @notice `amount` wei of locked stake were set free.
    event Unlocked(address indexed account, uint256 amount);

    /// @notice `emission` wei were minted for the time since the last accrual. The indices are the rewards of one
    /// wei staked since the beginning, times 1e27.
    event Accrued(uint256 emission, uint256 unlockedIndex, uint256 lockedIndex);

    /// @notice The emission fell, for the time from now on. Wei per second.
    event EmissionRateLowered(uint256 previousRate, uint256 newRate);

    /// @notice `amount` wei of the share of locked stake's rewards went to the treasury.
    event TreasuryPaid(address indexed treasury, uint256 amount);

    /// @notice Only unlocked stake can be requested or locked.
    error InsufficientUnlocked(address account, uint256 available, uint256 needed);

    /// @notice Locks are DiemMint's alone.
    error OnlyDiemMint(address caller);

    /// @notice The emission may only fall.
    error EmissionRateMustFall(uint256 currentRate, uint256 requestedRate);

    /// @notice Emission cannot begin in the past: it would be paid for time before anybody could stake.
    error EmissionStartInPast(uint256 emissionStart, uint256 deployedAt);

    /// @notice Pays the caller all rewards, in VVV. Never paused; pays nothing and succeeds when nothing is owed.
    function claim() external returns (uint256 amount);

    /// @notice Stakes the caller's rewards. An entry: refused while entries are paused.
    function compound() external returns (uint256 amount);

    /// @notice Brings the emission and the indices up to this second. Open to all and harmless at any frequency.
    function accrue() external;

    /// @notice Sends the treasury its share. Open to all. Pays nothing and succeeds when nothing is owed.
    function payTreasury() external returns (uint256 amount);

    /// @notice Moves `amount` wei of `account` from unlocked to locked. Only DiemMint.
    function lock(address account, uint256 amount) external;

    /// @notice Moves `amount` wei of `account` from locked to unlocked. Only DiemMint.
    function unlock(address account, uint256 amount) external;

    /// @notice Lowers the emission to `newRate` wei per second, zero included. Only the timelock.
    /// @dev Accrues first, so that a new rate never applies to time before its change.
    function lowerEmissionRate(uint256 newRate) external;

    /// @notice The token in the station.
    function vvv() external view returns (IVVV);

    /// @notice The only contract that may lock and unlock.
    function diemMint() external view returns (address);

    /// @notice Where the treasury's share goes, for ever.
    function treasury() external view returns (address);

    /// @notice Unlocked and locked stake of `account` together, in wei.
    function balanceOf(address account) external view returns (uint256);

    /// @notice The stake of `account` that may be requested or locked, in wei.
    function balanceOfUnlocked(address account) external view returns (uint256);

    /// @notice The stake of `account` behind minted DIEM, in wei.
    function balanceOfLocked(address account) external view returns (uint256);

    /// @notice What `claim` would pay `account` now, in wei.
    function pendingRewards(address account) external view returns (uint256);

    /// @notice What `payTreasury` would pay now, in wei.
    function pendingTreasury() external view returns (uint256);

    /// @notice Locked stake of all accounts, in wei.
    function totalLocked() external view returns (uint256);

    /// @notice Rewards of one unlocked wei since the beginning, times 1e27, as of the last accrual.
    function unlockedIndex() external view returns (uint256);

    /// @notice Rewards of one locked wei since the beginning, times 1e27, as of the last accrual: 80 % of the other.
    function lockedIndex() external view returns (uint256);

    /// @notice The emission, in wei per second.
    function emissionRatePerSecond() external view returns (uint256);

    /// @notice Time up to which the emission is accounted for; before the emission begins, its beginning.
    function lastRewardTimestamp() external view returns (uint256);

    /// @notice "Staked VVV", for wallets that show a balance.
    function name() external view returns (string memory);

    /// @notice "sVVV", for wallets that show a balance.
    function symbol() external view returns (string memory);

    /// @notice Eighteen, as VVV.
    function decimals() external view returns (uint8);

    /// @notice The same as `totalStaked`, for wallets and explorers.
    function totalSupply() external view returns (uint256);
}
