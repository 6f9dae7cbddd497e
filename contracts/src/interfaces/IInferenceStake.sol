// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IDIEM} from "./IDIEM.sol";
import {IStation} from "./IStation.sol";

/// @title DIEM in, the daily right out
/// @notice An epoch is a UTC day, `timestamp / 86400`, half-open. Each account has two amounts: what it may spend in
/// this epoch (`current`) and in the next (`next`); at midnight `next` becomes `current`. One wei is a 1e-18 dollar.
///
///                       current   next
///   stake                  +        +      today's dollar at once
///   request an exit                 -      today's was granted; the DIEM stays for 24 hours
///   cancel, same epoch              +      current never lost it
///   cancel, later          +        +      like a stake: nobody has today's dollar of this DIEM
///   delegate, end it               +/-     takes effect at midnight
///
/// So the DIEM of one wei stands behind one account a day. Invariant 21: the sum of `next` is the DIEM staked.
/// Invariant 22: the sum of `current` never exceeds the DIEM held here.
interface IInferenceStake is IStation {
    /// @notice The allowance of `account` as it stands after a change, in wei of DIEM. Emitted at every change; what
    /// midnight does follows from the last event.
    event AllowanceChanged(address indexed account, uint256 indexed epoch, uint256 current, uint256 next);

    /// @notice `from` gave the right of `amount` wei of its stake to `to`, from the next epoch on, at least through
    /// epoch `untilEpoch`.
    event Delegated(
        uint256 indexed id, address indexed from, address indexed to, uint256 amount, uint256 untilEpoch
    );

    /// @notice The right went back to `from`, from the next epoch on.
    event DelegationEnded(uint256 indexed id, address indexed from, address indexed to, uint256 amount);

    /// @notice Only stake that is not delegated can be requested or delegated. Wei of DIEM.
    error InsufficientUndelegated(address account, uint256 available, uint256 needed);

    /// @notice A term must reach at least the next epoch and at most `maximum`.
    error TermOutOfBounds(uint256 untilEpoch, uint256 minimum, uint256 maximum);

    /// @notice The giver may end a delegation only from epoch `untilEpoch` on.
    error DelegationLocked(uint256 id, uint256 untilEpoch);

    /// @notice The delegation was never made or has ended.
    error DelegationNotOpen(uint256 id);

    /// @notice Only the giver and the receiver may end a delegation.
    error NotDelegationParty(uint256 id, address caller);

    /// @notice Gives the right of `amount` wei of the caller's stake to `to`: the right, not the token. `to` has it in
    /// every epoch from the next one through `untilEpoch` at least, and until it is ended.
    /// @dev The stake cannot be requested or delegated again meanwhile. What was received cannot be passed on.
    /// Reverts with ZeroAmount, RecipientRefused, TermOutOfBounds or InsufficientUndelegated, and where an account would
    /// have delegated 2**80 wei, 1.2 million DIEM, or more at once.
    /// @return id The number of the delegation; numbers count up from 1 over all accounts.
    function delegate(address to, uint256 amount, uint256 untilEpoch) external returns (uint256 id);

    /// @notice Ends a delegation from the next epoch on: the receiver keeps the right of the present epoch.
    /// @dev The giver may from epoch `untilEpoch` on, the receiver at any time. Reverts with DelegationNotOpen,
    /// NotDelegationParty or DelegationLocked.
    function endDelegation(uint256 id) external;

    /// @notice The present epoch, `block.timestamp / 86400`.
    function epoch() external view returns (uint256);

    /// @notice What `account` may spend in this epoch, and in the next as things stand. Wei of DIEM.
    function allowanceOf(address account) external view returns (uint256 current, uint256 next);

    /// @notice The stake of `account`, delegated or not, without what is cooling. Wei of DIEM.
    function stakedOf(address account) external view returns (uint256);

    /// @notice The part of `account`'s stake whose right another account has. Wei of DIEM.
    function delegatedOf(address account) external view returns (uint256);

    /// @notice A delegation as it stands. An ended one keeps its record.
    function delegationOf(uint256 id)
        external
        view
        returns (address from, address to, uint256 amount, uint256 untilEpoch, bool open);

    /// @notice How many delegations were ever made; the highest number.
    function delegationCount() external view returns (uint256);

    /// @notice The token in the station.
    function diem() external view returns (IDIEM);
}
