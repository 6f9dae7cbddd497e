// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Guarded} from "./Guarded.sol";
import {Wiring} from "./Wiring.sol";
import {IGuardian} from "./interfaces/IGuardian.sol";
import {IMintedToken} from "./interfaces/IMintedToken.sol";
import {IStation} from "./interfaces/IStation.sol";

/// @title Base of both stations: principal in, tickets out
/// @dev What stake earns while it is inside is told by four hooks. They run before the totals change, so that a hook
/// sees the total for which the time up to now has to be accounted.
///
/// The token is one of ours and calls nobody, so no call out can come back in.
abstract contract Station is IStation, Guarded {
    using SafeERC20 for IMintedToken;
    using SafeCast for uint256;

    /// @dev One slot, since a request writes a fresh one: a ticket is found under its owner and need not name it.
    struct Ticket {
        uint96 amount;
        uint40 claimableAt;
        TicketState state;
    }

    struct Totals {
        uint96 staked;
        /// @dev Invariant 5: the sum of all open tickets.
        uint96 cooling;
        uint64 tickets;
    }

    IMintedToken internal immutable _token;
    uint256 private immutable _cooldown;

    Totals internal _totals;
    /// @dev Nobody reaches a ticket but under its owner's address.
    mapping(address account => mapping(uint256 ticket => Ticket)) private _tickets;

    constructor(IMintedToken token, IGuardian guardian_, uint256 cooldown) Guarded(guardian_) {
        Wiring.requireCode(address(token));
        _token = token;
        _cooldown = cooldown;
    }

    /// @inheritdoc IStation
    function stake(address recipient, uint256 amount) public {
        _requireEntriesOpen();
        _requireReceiver(recipient);
        if (amount == 0) revert ZeroAmount();

        _stakeFrom(msg.sender, recipient, amount);
        _token.safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @inheritdoc IStation
    function stakeWithPermit(
        address recipient,
        uint256 amount,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external {
        // Anybody may hand in a permit that they saw pass by. It then fails here, and its allowance is there:
        // whether the allowance suffices is all that counts, and the transfer finds that out.
        // slither-disable-next-line reentrancy-benign,reentrancy-events the token is ours and calls nobody
        try IERC20Permit(address(_token)).permit(msg.sender, address(this), amount, deadline, v, r, s) {}
            catch {}
        stake(recipient, amount);
    }

    /// @inheritdoc IStation
    function requestUnstake(uint256 amount) external returns (uint256 ticket) {
        if (amount == 0) revert ZeroAmount();
        _leave(msg.sender, amount);

        Totals memory totals = _totals;
        ticket = ++totals.tickets;
        totals.staked -= amount.toUint96();
        totals.cooling += amount.toUint96();
        _totals = totals;

        uint256 claimableAt = block.timestamp + _cooldown;
        _tickets[msg.sender][ticket] = Ticket(amount.toUint96(), claimableAt.toUint40(), TicketState.Open);
        emit UnstakeRequested(msg.sender, ticket, amount, claimableAt);
    }

    /// @inheritdoc IStation
    function cancelUnstake(uint256 ticket) external {
        Ticket storage open = _openTicketOfCaller(ticket);
        uint256 amount = open.amount;
        open.state = TicketState.Cancelled;

        _comeBack(msg.sender, amount, open.claimableAt - _cooldown);
        Totals memory totals = _totals;
        totals.staked += amount.toUint96();
        totals.cooling -= amount.toUint96();
        _totals = totals;
        emit UnstakeCancelled(msg.sender, ticket, amount);
    }

    /// @inheritdoc IStation
    function claimUnstake(uint256[] calldata tickets) external returns (uint256 amount) {
        for (uint256 i = 0; i < tickets.length; ++i) {
            uint256 ticket = tickets[i];
            Ticket storage open = _openTicketOfCaller(ticket);
            if (block.timestamp < open.claimableAt) revert TicketNotDue(ticket, open.claimableAt);

            open.state = TicketState.Claimed;
            amount += open.amount;
            emit UnstakeClaimed(msg.sender, ticket, open.amount);
        }
        if (amount == 0) revert ZeroAmount();

        _depart(msg.sender, amount);
        _totals.cooling -= amount.toUint96();
        _token.safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc IStation
    function ticketOf(address account, uint256 ticket)
        external
        view
        returns (uint256 amount, uint256 claimableAt, TicketState state)
    {
        Ticket storage found = _tickets[account][ticket];
        return (found.amount, found.claimableAt, found.state);
    }

    /// @inheritdoc IStation
    function ticketCount() external view returns (uint256) {
        return _totals.tickets;
    }

    /// @inheritdoc IStation
    function cooldownDuration() external view returns (uint256) {
        return _cooldown;
    }

    /// @inheritdoc IStation
    function coolingOf(address account) external view returns (uint256) {
        return _coolingOf(account);
    }

    /// @inheritdoc IStation
    function totalStaked() public view returns (uint256) {
        return _totals.staked;
    }

    /// @inheritdoc IStation
    function totalCooling() external view returns (uint256) {
        return _totals.cooling;
    }

    /// @dev All of an entry but the transfer of the tokens. The total is the only cast that can fail: every other
    /// amount in a station is a part of it.
    function _stakeFrom(address payer, address account, uint256 amount) internal {
        _enter(account, amount);
        _totals.staked = (amount + _totals.staked).toUint96();
        emit Staked(payer, account, amount);
    }

    /// @dev Refuses those who could never make use of what they are given.
    function _requireReceiver(address account) internal view virtual {
        if (account == address(0) || account == address(this) || account == address(_token)) {
            revert RecipientRefused(account);
        }
    }

    /// @dev Stake arrives. The hook may not trust `amount` to fit its own types.
    function _enter(address account, uint256 amount) internal virtual;

    /// @dev Stake goes into a ticket. The hook refuses what `account` does not have free.
    function _leave(address account, uint256 amount) internal virtual;

    /// @dev A ticket that was requested at `requestedAt` goes back into stake.
    function _comeBack(address account, uint256 amount, uint256 requestedAt) internal virtual;

    /// @dev Tickets are paid.
    function _depart(address account, uint256 amount) internal virtual;

    /// @dev All open tickets of `account`.
    function _coolingOf(address account) internal view virtual returns (uint256);

    function _openTicketOfCaller(uint256 ticket) private view returns (Ticket storage open) {
        open = _tickets[msg.sender][ticket];
        if (open.state != TicketState.Open) revert TicketNotOpen(ticket, open.state);
    }
}
