// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ReplicaToken} from "./ReplicaToken.sol";

/// @title Replica of the live DIEM with its built-in staking, for development chains and tests
/// @notice One pending exit for each account: a further request adds to it and restarts the wait for all of it, which is
/// the live contract's own behaviour. Neither a request nor a payment writes an event of its own: of the live ones none
/// is proven.
contract ReplicaDiem is ReplicaToken {
    struct StakedInfo {
        uint256 amountStaked;
        /// @dev Unix time from which the whole pending amount is paid.
        uint256 coolDownEnd;
        uint256 coolDownAmount;
    }

    /// @notice Seconds from the last request until the pending amount is paid.
    uint256 public constant cooldownDuration = 86_400;
    /// @notice The staking contract of VVV.
    address public immutable minter;

    /// @notice Wei that earn the daily right; pending exits are not among them.
    uint256 public totalStaked;
    /// @notice What an account has in staking.
    mapping(address account => StakedInfo) public stakedInfos;

    /// @notice `user` staked `amount` of its own.
    event Staked(address indexed user, uint256 amount);

    /// @notice Only the staking contract of VVV mints and burns.
    error OnlyMinter(address caller);
    /// @notice An amount of nothing.
    error ZeroAmount();
    /// @notice `account` has staked `available`, and `needed` was asked for.
    error InsufficientStake(address account, uint256 available, uint256 needed);
    /// @notice `account` has no exit pending.
    error NothingPending(address account);
    /// @notice The exit is paid from `end` on, and it is `timestamp`.
    error StillCooling(uint256 end, uint256 timestamp);

    /// @param minter_ The staking contract of VVV, which may be a predicted address.
    constructor(address minter_) ReplicaToken("Replica of DIEM", "DIEM", true) {
        minter = minter_;
    }

    /// @notice Mints `amount` wei to `to`.
    function mint(address to, uint256 amount) external {
        if (msg.sender != minter) revert OnlyMinter(msg.sender);
        _mint(to, amount);
    }

    /// @notice Burns `amount` wei of `from`.
    function burn(address from, uint256 amount) external {
        if (msg.sender != minter) revert OnlyMinter(msg.sender);
        _burn(from, amount);
    }

    /// @notice Stakes `amount` wei of the caller's own; no approval is needed.
    function stake(uint256 amount) external {
        if (amount == 0) revert ZeroAmount();
        stakedInfos[msg.sender].amountStaked += amount;
        totalStaked += amount;
        _move(msg.sender, address(this), amount);
        emit Staked(msg.sender, amount);
    }

    /// @notice Takes `amount` wei out of the stake at once, adds it to the pending exit, and restarts the wait of all.
    function initiateUnstake(uint256 amount) external {
        if (amount == 0) revert ZeroAmount();
        StakedInfo storage info = stakedInfos[msg.sender];
        uint256 available = info.amountStaked;
        if (amount > available) revert InsufficientStake(msg.sender, available, amount);

        info.amountStaked = available - amount;
        info.coolDownAmount += amount;
        info.coolDownEnd = block.timestamp + cooldownDuration;
        totalStaked -= amount;
    }

    /// @notice Pays the pending exit of the caller, whole, once its wait is over.
    function unstake() external {
        StakedInfo storage info = stakedInfos[msg.sender];
        uint256 amount = info.coolDownAmount;
        if (amount == 0) revert NothingPending(msg.sender);
        if (block.timestamp < info.coolDownEnd) revert StillCooling(info.coolDownEnd, block.timestamp);

        info.coolDownAmount = 0;
        info.coolDownEnd = 0;
        _move(address(this), msg.sender, amount);
    }
}
