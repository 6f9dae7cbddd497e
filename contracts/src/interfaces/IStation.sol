// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IGuarded} from "./IGuarded.sol";
import {IWired} from "./IWired.sol";

/// @title A station: tokens go in 1:1 and come out through tickets
/// @notice Every request to leave is a ticket of its own. A ticket is due a fixed time after its request, pays once,
/// in full, to its owner; no later request and no setting moves it. It may be taken back while it is open.
/// Principal is what was put in by name: tokens sent to a station without staking change nothing and are lost.
interface IStation is IGuarded, IWired {
    /// @notice What became of a ticket of an account. `None` is a ticket that was never written for that account:
    /// the ticket of another, or of nobody.
    enum TicketState {
        None,
        Open,
        Claimed,
        Cancelled
    }

    /// @notice `payer` put in `amount` wei, which now belong to `account`.
    event Staked(address indexed payer, address indexed account, uint256 amount);

    /// @notice `amount` wei stopped working and may be claimed from `claimableAt` (Unix time) on.
    event UnstakeRequested(
        address indexed account, uint256 indexed ticket, uint256 amount, uint256 claimableAt
    );

    /// @notice The ticket was taken back: its `amount` wei are staked again.
    event UnstakeCancelled(address indexed account, uint256 indexed ticket, uint256 amount);

    /// @notice The ticket was paid: its `amount` wei left the station to `account`.
    event UnstakeClaimed(address indexed account, uint256 indexed ticket, uint256 amount);

    /// @notice An amount of zero changes nothing, so it is taken for a mistake.
    error ZeroAmount();

    /// @notice What is staked for `recipient` could never leave: it is the zero address, the station, its token or a
    /// partner contract.
    error RecipientRefused(address recipient);

    /// @notice The caller has no open ticket of this number: its own was `Claimed` or `Cancelled`, or, with `None`,
    /// the number belongs to another account or to nobody. Only its owner may cancel or claim a ticket.
    error TicketNotOpen(uint256 ticket, TicketState state);

    /// @notice The ticket is due at `claimableAt` (Unix time), which has not come.
    error TicketNotDue(uint256 ticket, uint256 claimableAt);

    /// @notice Puts `amount` wei of the caller's tokens in for `recipient`, to whom they belong from then on.
    /// @dev Needs an allowance. Reverts with EntriesArePaused, ZeroAmount or RecipientRefused.
    function stake(address recipient, uint256 amount) external;

    /// @notice Like `stake`, with an ERC-2612 signature of the caller in place of an earlier approval.
    /// @dev A permit that somebody else has already handed in does not block the call: the allowance is there then.
    function stakeWithPermit(
        address recipient,
        uint256 amount,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external;

    /// @notice Takes `amount` wei of the caller's stake out of work and writes a ticket for them. Never paused.
    /// @return ticket The number of the ticket; numbers count up from 1 over all accounts.
    function requestUnstake(uint256 amount) external returns (uint256 ticket);

    /// @notice Takes an open ticket of the caller back, due or not: its amount is staked again, from now on.
    /// @dev Reverts with TicketNotOpen, for the ticket of another account too.
    function cancelUnstake(uint256 ticket) external;

    /// @notice Pays the caller the listed tickets, which are its own, all or none. Never paused.
    /// @dev Reverts with TicketNotOpen, for the ticket of another account too, with TicketNotDue, or with ZeroAmount
    /// for an empty list.
    /// @return amount The sum paid, in wei.
    function claimUnstake(uint256[] calldata tickets) external returns (uint256 amount);

    /// @notice A ticket of `account` as it stands: wei, and the Unix time from which on it may be claimed. A closed
    /// ticket keeps its amount for the record. All zero and `None` if `account` has no ticket of this number.
    function ticketOf(address account, uint256 ticket)
        external
        view
        returns (uint256 amount, uint256 claimableAt, TicketState state);

    /// @notice How many tickets were ever written; the highest ticket number.
    function ticketCount() external view returns (uint256);

    /// @notice Seconds between a request and the moment its ticket is due. A constant.
    function cooldownDuration() external view returns (uint256);

    /// @notice The open tickets of `account`, in wei.
    function coolingOf(address account) external view returns (uint256);

    /// @notice All stake of all accounts, in wei, without what is cooling.
    function totalStaked() external view returns (uint256);

    /// @notice All open tickets of all accounts, in wei.
    function totalCooling() external view returns (uint256);
}
