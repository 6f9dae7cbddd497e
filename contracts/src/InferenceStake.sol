// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Station} from "./Station.sol";
import {IDIEM} from "./interfaces/IDIEM.sol";
import {IGuardian} from "./interfaces/IGuardian.sol";
import {IInferenceStake} from "./interfaces/IInferenceStake.sol";

/// @title InferenceStake
/// @dev For every account, next == staked - delegated + what others delegate to it. A receiver can neither request
/// nor pass on what it received, so ending a delegation always finds it there.
contract InferenceStake is IInferenceStake, Station {
    using SafeCast for uint256;

    /// @dev Read through `allowanceOf`: in a later epoch than `epoch`, `next` has become `current`.
    struct Slot {
        uint32 epoch;
        uint112 current;
        uint112 next;
    }

    /// @dev Three in a slot, since a request changes two of them. DIEM cannot pass one and a half million, 2**81 wei,
    /// at any target: no stake and no exit can fail a cast. Who would delegate more than 1.2 million is refused.
    struct Account {
        Slot slot;
        uint88 staked;
        uint88 cooling;
        /// @dev Invariant 23: the part of `staked` that cannot exit.
        uint80 delegated;
    }

    struct Delegation {
        address from;
        uint80 amount;
        address to;
        uint64 untilEpoch;
        bool open;
    }

    /// @dev Exactly enough that no DIEM gives two dollars in one epoch: a request and its claim never share a day.
    uint256 private constant COOLDOWN = 1 days;
    uint256 private constant EPOCH = 1 days;

    /// @dev Someone who gives a time in seconds for an epoch is stopped here, and not for ever bound by it.
    uint256 private constant TERM_MAXIMUM = 366;

    /// @inheritdoc IInferenceStake
    IDIEM public immutable diem;

    /// @inheritdoc IInferenceStake
    uint256 public delegationCount;

    mapping(address account => Account) private _accounts;
    mapping(uint256 id => Delegation) private _delegations;

    constructor(IDIEM diem_, IGuardian guardian_) Station(diem_, guardian_, COOLDOWN) {
        diem = diem_;
    }

    /// @inheritdoc IInferenceStake
    function delegate(address to, uint256 amount, uint256 untilEpoch) external returns (uint256 id) {
        _requireReceiver(to);
        if (to == msg.sender) revert RecipientRefused(to);
        if (amount == 0) revert ZeroAmount();
        uint256 today = epoch();
        if (untilEpoch <= today || untilEpoch > today + TERM_MAXIMUM) {
            revert TermOutOfBounds(untilEpoch, today + 1, today + TERM_MAXIMUM);
        }
        _requireUndelegated(msg.sender, amount);

        id = ++delegationCount;
        _delegations[id] = Delegation(msg.sender, amount.toUint80(), to, untilEpoch.toUint64(), true);
        _accounts[msg.sender].delegated += amount.toUint80();
        emit Delegated(id, msg.sender, to, amount, untilEpoch);
        _moveNext(msg.sender, to, amount);
    }

    /// @inheritdoc IInferenceStake
    function endDelegation(uint256 id) external {
        Delegation memory ending = _delegations[id];
        if (!ending.open) revert DelegationNotOpen(id);
        if (msg.sender != ending.from && msg.sender != ending.to) revert NotDelegationParty(id, msg.sender);
        // A receiver gives back only what is its own, so it may at any time.
        if (msg.sender == ending.from && epoch() < ending.untilEpoch) {
            revert DelegationLocked(id, ending.untilEpoch);
        }

        _delegations[id].open = false;
        _accounts[ending.from].delegated -= ending.amount;
        emit DelegationEnded(id, ending.from, ending.to, ending.amount);
        _moveNext(ending.to, ending.from, ending.amount);
    }

    /// @inheritdoc IInferenceStake
    function epoch() public view returns (uint256) {
        return block.timestamp / EPOCH;
    }

    /// @inheritdoc IInferenceStake
    function allowanceOf(address account) public view returns (uint256 current, uint256 next) {
        Slot memory slot = _accounts[account].slot;
        return (slot.epoch < epoch() ? slot.next : slot.current, slot.next);
    }

    /// @inheritdoc IInferenceStake
    function stakedOf(address account) external view returns (uint256) {
        return _accounts[account].staked;
    }

    /// @inheritdoc IInferenceStake
    function delegatedOf(address account) external view returns (uint256) {
        return _accounts[account].delegated;
    }

    /// @inheritdoc IInferenceStake
    function delegationOf(uint256 id)
        external
        view
        returns (address from, address to, uint256 amount, uint256 untilEpoch, bool open)
    {
        Delegation memory found = _delegations[id];
        return (found.from, found.to, found.amount, found.untilEpoch, found.open);
    }

    /// @inheritdoc Station
    function _enter(address account, uint256 amount) internal override {
        _accounts[account].staked = (amount + _accounts[account].staked).toUint88();
        (uint256 current, uint256 next) = allowanceOf(account);
        _setAllowance(account, current + amount, next + amount);
    }

    /// @inheritdoc Station
    function _leave(address account, uint256 amount) internal override {
        _requireUndelegated(account, amount);
        _accounts[account].staked -= amount.toUint88();
        _accounts[account].cooling += amount.toUint88();
        (uint256 current, uint256 next) = allowanceOf(account);
        _setAllowance(account, current, next - amount);
    }

    /// @inheritdoc Station
    function _comeBack(address account, uint256 amount, uint256 requestedAt) internal override {
        _accounts[account].staked += amount.toUint88();
        _accounts[account].cooling -= amount.toUint88();
        (uint256 current, uint256 next) = allowanceOf(account);
        // In the epoch of the request `current` still holds this DIEM. In a later one nobody's does, and the DIEM has
        // been inside all the time: today's dollar is as good as a new stake's.
        if (requestedAt / EPOCH < epoch()) current += amount;
        _setAllowance(account, current, next + amount);
    }

    /// @inheritdoc Station
    function _depart(address account, uint256 amount) internal override {
        _accounts[account].cooling -= amount.toUint88();
    }

    /// @inheritdoc Station
    function _coolingOf(address account) internal view override returns (uint256) {
        return _accounts[account].cooling;
    }

    function _moveNext(address giver, address receiver, uint256 amount) private {
        (uint256 current, uint256 next) = allowanceOf(giver);
        _setAllowance(giver, current, next - amount);
        (current, next) = allowanceOf(receiver);
        _setAllowance(receiver, current, next + amount);
    }

    /// @dev The only writer of a slot. Both amounts are sums of DIEM held here, two times 2**96 at most.
    function _setAllowance(address account, uint256 current, uint256 next) private {
        uint256 today = epoch();
        _accounts[account].slot = Slot(today.toUint32(), current.toUint112(), next.toUint112());
        emit AllowanceChanged(account, today, current, next);
    }

    function _requireUndelegated(address account, uint256 amount) private view {
        Account storage holder = _accounts[account];
        uint256 available = holder.staked - holder.delegated;
        if (amount > available) revert InsufficientUndelegated(account, available, amount);
    }
}
