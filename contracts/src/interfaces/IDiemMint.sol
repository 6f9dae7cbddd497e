// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IDIEM} from "./IDIEM.sol";
import {IGuarded} from "./IGuarded.sol";
import {IStakedVVV} from "./IStakedVVV.sol";
import {ITimelocked} from "./ITimelocked.sol";
import {IWired} from "./IWired.sol";

/// @title Minting DIEM against locked sVVV
/// @notice With S the supply of DIEM, T the target and F the potential of MintCurve, minting d locks F(S+d) - F(S),
/// however the mint is split. A burn of d releases locked * d / minted of the burner's own position, at once, and
/// never depends on the curve: so what is locked always covers F(S), and nobody can run for the door.
///
/// T may only rise, on a straight ramp of at most 0.25 % a day, up to TARGET_MAX.
interface IDiemMint is IGuarded, ITimelocked, IWired {
    /// @notice `amount` wei of DIEM were minted against `locked` wei of sVVV; `supply` is the DIEM supply after it.
    event DiemMinted(address indexed account, uint256 amount, uint256 locked, uint256 supply);

    /// @notice `amount` wei of DIEM were burned and set `unlocked` wei of sVVV free; `supply` is the one after it.
    event DiemBurned(address indexed account, uint256 amount, uint256 unlocked, uint256 supply);

    /// @notice The target moves in a straight line from one value to the other between the two times.
    event TargetRampStarted(uint256 fromTarget, uint256 toTarget, uint256 startsAt, uint256 endsAt);

    /// @notice An amount of zero changes nothing, so it is taken for a mistake.
    error ZeroAmount();

    /// @notice The mint would lock more than the caller allows. Wei of sVVV.
    error LockExceedsMaximum(uint256 lock, uint256 maximum);

    /// @notice The lock buys less than the caller wants, or nothing at all. Wei of DIEM.
    error OutputBelowMinimum(uint256 output, uint256 minimum);

    /// @notice A position can burn only what it minted. Wei of DIEM.
    error BurnExceedsMinted(address account, uint256 minted, uint256 requested);

    /// @notice Minting begins at `opensAt`, a Unix time.
    error MintingNotOpen(uint256 opensAt);

    /// @notice The target may only rise. Wei of DIEM.
    error TargetMayOnlyRise(uint256 currentTarget, uint256 requestedTarget);

    /// @notice The target lies outside the bounds that the curve's precision was shown for. Wei of DIEM.
    error TargetOutOfBounds(uint256 requestedTarget, uint256 minimum, uint256 maximum);

    /// @notice The ramp would rise by more than 0.25 % a day. Seconds.
    error RampTooSteep(uint256 duration, uint256 minimum);

    /// @notice Mints as much DIEM as a lock of at most `lock` wei of sVVV buys; what is left of it stays unlocked.
    /// @dev Reverts with OutputBelowMinimum, MintingNotOpen, EntriesArePaused, or StakedVVV's InsufficientUnlocked.
    /// @return amount Wei of DIEM minted: one wei more would need more than `lock`, or pass the cap of the supply.
    /// @return locked Wei of sVVV locked, at most `lock`.
    function mintDiem(uint256 lock, uint256 minOut) external returns (uint256 amount, uint256 locked);

    /// @notice Mints exactly `amount` wei of DIEM for a lock of at most `maxLock` wei of sVVV.
    /// @dev Reverts with LockExceedsMaximum, ZeroAmount, MintingNotOpen, EntriesArePaused, the curve's
    /// SupplyAboveCap, or StakedVVV's InsufficientUnlocked.
    /// @return locked Wei of sVVV locked.
    function mintExactOut(uint256 amount, uint256 maxLock) external returns (uint256 locked);

    /// @notice Burns `amount` wei of the caller's DIEM and sets its part of the caller's lock free. Never paused.
    /// @dev Any DIEM will do, up to what the caller itself minted. A full burn releases the whole lock.
    /// @return unlocked Wei of sVVV set free, rounded down.
    function burnDiem(uint256 amount) external returns (uint256 unlocked);

    /// @notice Starts a ramp of the target to `newTarget`, over `duration` seconds from now. Only the timelock.
    /// @dev A ramp that is still running ends where it is and the new one begins there. Reverts with
    /// TargetMayOnlyRise, TargetOutOfBounds or RampTooSteep.
    function raiseTarget(uint256 newTarget, uint256 duration) external;

    /// @notice The DIEM that `mintDiem(lock, ...)` would mint now, in wei.
    function getDiemAmountOut(uint256 lock) external view returns (uint256);

    /// @notice The lock that `mintExactOut(amount, ...)` would take now, in wei of sVVV.
    function quoteLock(uint256 amount) external view returns (uint256);

    /// @notice What `burnDiem(amount)` of `account` would release, in wei of sVVV.
    function quoteUnlock(address account, uint256 amount) external view returns (uint256);

    /// @notice The position of `account`: wei of sVVV locked and wei of DIEM minted against them.
    function lockedStakes(address account) external view returns (uint256 locked, uint256 minted);

    /// @notice Wei of sVVV for one whole DIEM at the present supply and target, rounded down.
    function rate() external view returns (uint256);

    /// @notice The target now, in wei of DIEM.
    function target() external view returns (uint256);

    /// @notice The ramp as it was last set: values in wei of DIEM, times in Unix seconds.
    function ramp()
        external
        view
        returns (uint256 fromTarget, uint256 toTarget, uint256 startsAt, uint256 endsAt);

    /// @notice The station whose stake is locked.
    function stakedVVV() external view returns (IStakedVVV);

    /// @notice The token that is minted.
    function diem() external view returns (IDIEM);

    /// @notice When minting begins, a Unix time.
    function opensAt() external view returns (uint256);
}
