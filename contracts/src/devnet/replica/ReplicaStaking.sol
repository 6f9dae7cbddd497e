// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ReplicaCurve} from "./ReplicaCurve.sol";
import {ReplicaDiem} from "./ReplicaDiem.sol";
import {ReplicaToken} from "./ReplicaToken.sol";
import {ReplicaVVV} from "./ReplicaVVV.sol";

/// @title Replica of the live sVVV staking (StakingV2), for development chains and tests
/// @notice Made from what is known of the live contract, and from nothing else; docs/live-base.md says what was not found
/// and chosen. sVVV is the ERC-20 of this contract and does not move. A balance includes what is locked behind DIEM.
contract ReplicaStaking is ReplicaToken, ReplicaCurve {
    struct Stake {
        /// @dev What both accumulators would have paid on the present balance.
        uint256 rewardDebt;
        /// @dev Unix time from which the whole pending amount is paid.
        uint256 cooldownEnd;
        uint256 cooldownAmount;
    }

    struct LockedStake {
        uint256 sVVVLockedAmount;
        uint256 outstandingDiemAmount;
    }

    uint256 public constant ACC_REWARD_SCALE = 1e18;

    ReplicaVVV public immutable venice;
    ReplicaDiem public immutable diem;
    address public immutable owner;

    address public treasury;
    uint256 public emissionRatePerSecond;
    uint256 public lastRewardTimestamp;
    uint256 public cooldownDuration = 7 days;
    /// @notice The treasury's part of what unlocked stake earns, of 1e18.
    uint256 public veniceEmissionsPercentage = 0;
    /// @notice The treasury's part of what locked stake earns, of 1e18.
    uint256 public veniceEmissionsPercentageWhenLocked = 0.2e18;
    uint256 public accRewardPerShare;
    uint256 public accRewardPerShareLocked;
    uint256 public totalLockedStakedVVV;
    mapping(address account => Stake) public stakes;
    mapping(address account => LockedStake) public lockedStakes;

    /// @notice `amount` became stake of `user`.
    event Staked(address indexed user, uint256 amount);

    /// @notice Only the owner sets.
    error OnlyOwner(address caller);
    /// @notice An amount of nothing.
    error ZeroAmount();
    /// @notice `account` has `available` that is not locked, and `needed` was asked for.
    error InsufficientUnlocked(address account, uint256 available, uint256 needed);
    /// @notice `account` has no exit pending.
    error NothingPending(address account);
    /// @notice The exit is paid from `end` on, and it is `timestamp`.
    error StillCooling(uint256 end, uint256 timestamp);
    /// @notice The lock mints `amount`, and at least `minimum` was asked for.
    error TooLittleDiem(uint256 amount, uint256 minimum);
    /// @notice `account` has `outstanding` DIEM to burn, and `needed` was asked for.
    error InsufficientOutstanding(address account, uint256 outstanding, uint256 needed);

    /// @param emissionPerSecond Wei of VVV, from now on.
    constructor(
        ReplicaVVV venice_,
        ReplicaDiem diem_,
        address owner_,
        address treasury_,
        uint256 emissionPerSecond
    ) ReplicaToken("Replica of staked VVV", "sVVV", false) {
        venice = venice_;
        diem = diem_;
        owner = owner_;
        treasury = treasury_;
        emissionRatePerSecond = emissionPerSecond;
        lastRewardTimestamp = block.timestamp;
    }

    /// @notice Stakes `amount` wei of the caller's VVV for `recipient`.
    function stake(address recipient, uint256 amount) external {
        if (amount == 0) revert ZeroAmount();
        _pay(recipient);
        // The replica's VVV reverts and never answers false.
        // forge-lint: disable-next-line(erc20-unchecked-transfer)
        venice.transferFrom(msg.sender, address(this), amount);
        _enter(recipient, amount);
    }

    /// @notice Takes `amount` wei out of the unlocked stake, adds it to the pending exit, and restarts its wait.
    function initiateUnstake(uint256 amount) external {
        if (amount == 0) revert ZeroAmount();
        _pay(msg.sender);
        _requireUnlocked(msg.sender, amount);
        _burn(msg.sender, amount);
        Stake storage own = stakes[msg.sender];
        own.cooldownAmount += amount;
        own.cooldownEnd = block.timestamp + cooldownDuration;
        _setDebt(msg.sender);
    }

    /// @notice Pays the pending exit of the caller, whole, once its wait is over.
    function finalizeUnstake() external {
        Stake storage own = stakes[msg.sender];
        uint256 amount = own.cooldownAmount;
        if (amount == 0) revert NothingPending(msg.sender);
        if (block.timestamp < own.cooldownEnd) revert StillCooling(own.cooldownEnd, block.timestamp);

        own.cooldownAmount = 0;
        own.cooldownEnd = 0;
        _sendVVV(msg.sender, amount);
    }

    /// @notice Pays the caller what its stake has earned.
    function claim() external {
        _pay(msg.sender);
        _setDebt(msg.sender);
    }

    /// @notice Stakes what the caller's stake has earned.
    function claimAndStake() external {
        uint256 amount = _earned(msg.sender);
        if (amount == 0) revert ZeroAmount();
        _enter(msg.sender, amount);
    }

    /// @notice Locks `sVVVAmountToLock` wei of the caller's unlocked stake and mints DIEM for it, at least a minimum.
    function mintDiem(uint256 sVVVAmountToLock, uint256 minDiemAmountOut) external {
        if (sVVVAmountToLock == 0) revert ZeroAmount();
        _pay(msg.sender);
        _requireUnlocked(msg.sender, sVVVAmountToLock);
        uint256 amount = getDiemAmountOut(sVVVAmountToLock);
        if (amount < minDiemAmountOut) revert TooLittleDiem(amount, minDiemAmountOut);

        LockedStake storage own = lockedStakes[msg.sender];
        own.sVVVLockedAmount += sVVVAmountToLock;
        own.outstandingDiemAmount += amount;
        totalLockedStakedVVV += sVVVAmountToLock;
        _setDebt(msg.sender);
        diem.mint(msg.sender, amount);
    }

    /// @notice Burns `amount` wei of the caller's DIEM and unlocks its average: `amount * locked / outstanding`.
    function burnDiem(uint256 amount) external {
        if (amount == 0) revert ZeroAmount();
        _pay(msg.sender);
        LockedStake storage own = lockedStakes[msg.sender];
        uint256 outstanding = own.outstandingDiemAmount;
        if (amount > outstanding) revert InsufficientOutstanding(msg.sender, outstanding, amount);

        uint256 released = amount * own.sVVVLockedAmount / outstanding;
        own.sVVVLockedAmount -= released;
        own.outstandingDiemAmount = outstanding - amount;
        totalLockedStakedVVV -= released;
        _setDebt(msg.sender);
        diem.burn(msg.sender, amount);
    }

    /// @notice Sets the emission from now on, in wei of VVV each second.
    function setEmissionRate(uint256 emissionPerSecond) external {
        _requireOwner();
        _accrue();
        emissionRatePerSecond = emissionPerSecond;
    }

    /// @notice Sets the seconds that exits requested from now on wait.
    function setCooldownDuration(uint256 duration) external {
        _requireOwner();
        cooldownDuration = duration;
    }

    /// @notice Names who receives the treasury's part.
    function setTreasury(address treasury_) external {
        _requireOwner();
        _accrue();
        treasury = treasury_;
    }

    /// @notice Sets the table of the mint curve.
    function setDiemMintCurve(uint256[STEPS] calldata supplies, uint256[STEPS] calldata rates) external {
        _requireOwner();
        _setCurve(supplies, rates);
    }

    /// @notice Sets the treasury's part of what unlocked stake earns, of 1e18.
    function setVeniceEmissionsPercentage(uint256 part) external {
        _requireOwner();
        _accrue();
        veniceEmissionsPercentage = part;
    }

    /// @notice Sets the treasury's part of what locked stake earns, of 1e18.
    function setVeniceEmissionsPercentageWhenLocked(uint256 part) external {
        _requireOwner();
        _accrue();
        veniceEmissionsPercentageWhenLocked = part;
    }

    /// @notice The wei of `account` that are not locked behind DIEM.
    function balanceOfUnlocked(address account) public view returns (uint256) {
        return balanceOf[account] - lockedStakes[account].sVVVLockedAmount;
    }

    /// @notice The wei of DIEM that locking `sVVVAmountToLock` wei mints now.
    function getDiemAmountOut(uint256 sVVVAmountToLock) public view returns (uint256) {
        return _amountOut(sVVVAmountToLock, diem.totalSupply());
    }

    /// @notice The wei of VVV that a claim of `account` pays now.
    function pendingRewards(address account) external view returns (uint256) {
        (uint256 share, uint256 lockedShare,,) = _accrued();
        return _worth(account, share, lockedShare) - stakes[account].rewardDebt;
    }

    function _enter(address account, uint256 amount) private {
        _mint(account, amount);
        _setDebt(account);
        emit Staked(account, amount);
    }

    /// @dev Before every change of a balance; the caller sets the debt after it.
    function _pay(address account) private {
        uint256 amount = _earned(account);
        if (amount != 0) _sendVVV(account, amount);
    }

    function _earned(address account) private returns (uint256) {
        _accrue();
        return _worth(account, accRewardPerShare, accRewardPerShareLocked) - stakes[account].rewardDebt;
    }

    function _accrue() private {
        uint256 minted;
        uint256 forTreasury;
        (accRewardPerShare, accRewardPerShareLocked, minted, forTreasury) = _accrued();
        lastRewardTimestamp = block.timestamp;
        if (minted == 0) return;

        venice.mint(address(this), minted);
        if (forTreasury != 0) _sendVVV(treasury, forTreasury);
    }

    /// @dev With nobody staked only the clock moves.
    function _accrued()
        private
        view
        returns (uint256 share, uint256 lockedShare, uint256 minted, uint256 forTreasury)
    {
        (share, lockedShare) = (accRewardPerShare, accRewardPerShareLocked);
        if (totalSupply == 0) return (share, lockedShare, 0, 0);
        minted = emissionRatePerSecond * (block.timestamp - lastRewardTimestamp);
        uint256 step = minted * ACC_REWARD_SCALE / totalSupply;
        uint256 cut = step * veniceEmissionsPercentage / ONE;
        uint256 lockedCut = step * veniceEmissionsPercentageWhenLocked / ONE;
        share += step - cut;
        lockedShare += step - lockedCut;
        forTreasury = (cut * (totalSupply - totalLockedStakedVVV) + lockedCut * totalLockedStakedVVV)
            / ACC_REWARD_SCALE;
    }

    function _worth(address account, uint256 share, uint256 lockedShare) private view returns (uint256) {
        uint256 locked = lockedStakes[account].sVVVLockedAmount;
        return ((balanceOf[account] - locked) * share + locked * lockedShare) / ACC_REWARD_SCALE;
    }

    function _setDebt(address account) private {
        stakes[account].rewardDebt = _worth(account, accRewardPerShare, accRewardPerShareLocked);
    }

    function _sendVVV(address to, uint256 amount) private {
        // The replica's VVV reverts and never answers false.
        // forge-lint: disable-next-line(erc20-unchecked-transfer)
        venice.transfer(to, amount);
    }

    function _requireUnlocked(address account, uint256 needed) private view {
        uint256 available = balanceOfUnlocked(account);
        if (needed > available) revert InsufficientUnlocked(account, available, needed);
    }

    function _requireOwner() private view {
        if (msg.sender != owner) revert OnlyOwner(msg.sender);
    }
}
