// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {RewardIndex} from "./RewardIndex.sol";
import {Station} from "./Station.sol";
import {Wiring} from "./Wiring.sol";
import {IGuardian} from "./interfaces/IGuardian.sol";
import {IStakedVVV} from "./interfaces/IStakedVVV.sol";
import {IVVV} from "./interfaces/IVVV.sol";

/// @title StakedVVV
/// @dev Who has earned what. The emission itself is in the base.
contract StakedVVV is RewardIndex {
    using SafeERC20 for IVVV;
    using SafeCast for uint256;

    /// @dev Amounts fit because `totalStaked` does: only a new stake can fail a cast, never an exit. Invariant 4: the
    /// VVV held is at least the sum of all of this and of the treasury's share. The order is for gas: a stake changes
    /// the first two, which share a slot, and the index.
    struct Account {
        uint96 unlocked;
        /// @dev Fits all emission of 2**40 seconds at the highest rate, 2**96.
        uint160 owed;
        uint96 locked;
        uint96 cooling;
        /// @dev The index up to which `owed` is settled. Invariant 6: never above `unlockedIndex`.
        uint256 index;
    }

    /// @dev The treasury is settled like an account, whenever `totalLocked` changes.
    struct Locks {
        uint96 total;
        uint160 owed;
        uint256 index;
    }

    /// @inheritdoc IStakedVVV
    address public immutable diemMint;
    /// @inheritdoc IStakedVVV
    address public immutable treasury;

    Locks private _locks;
    mapping(address account => Account) private _accounts;

    /// @param diemMint_ The predicted address of DiemMint, whose constructor checks it.
    /// @param treasury_ Receives its share for ever.
    /// @param emissionPerSecond Wei per second.
    /// @param emissionStart Unix time, not in the past. Somebody should stake before it: the emission of the time
    /// before the first stake is never minted.
    constructor(
        IVVV vvv_,
        address diemMint_,
        address treasury_,
        address timelock_,
        IGuardian guardian_,
        uint256 emissionPerSecond,
        uint256 emissionStart
    ) RewardIndex(vvv_, timelock_, guardian_, emissionPerSecond, emissionStart) {
        Wiring.requireAddress(diemMint_);
        Wiring.requireAddress(treasury_);
        // slither-disable-next-line missing-zero-check requireAddress has checked it
        diemMint = diemMint_;
        // slither-disable-next-line missing-zero-check requireAddress has checked it
        treasury = treasury_;
    }

    /// @inheritdoc IStakedVVV
    function claim() external returns (uint256 amount) {
        amount = _collect(msg.sender);
        // slither-disable-next-line incorrect-equality zero is nothing to pay
        if (amount == 0) return 0;

        emit RewardsClaimed(msg.sender, amount);
        vvv.safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc IStakedVVV
    function compound() external returns (uint256 amount) {
        _requireEntriesOpen();
        amount = _collect(msg.sender);
        // slither-disable-next-line incorrect-equality zero is nothing to stake
        if (amount == 0) return 0;

        // The rewards are in this contract since they were minted: only the books change.
        emit RewardsClaimed(msg.sender, amount);
        _stakeFrom(msg.sender, msg.sender, amount);
    }

    /// @inheritdoc IStakedVVV
    function payTreasury() external returns (uint256 amount) {
        _settleTreasury(_accrue());
        amount = _locks.owed;
        // slither-disable-next-line incorrect-equality zero is nothing to pay
        if (amount == 0) return 0;

        _locks.owed = 0;
        emit TreasuryPaid(treasury, amount);
        vvv.safeTransfer(treasury, amount);
    }

    /// @inheritdoc IStakedVVV
    function lock(address account, uint256 amount) external {
        _requireDiemMint();
        Account storage holder = _settle(account);
        _settleTreasury(unlockedIndex);
        _requireUnlocked(account, holder.unlocked, amount);

        holder.unlocked -= amount.toUint96();
        holder.locked += amount.toUint96();
        _locks.total += amount.toUint96();
        emit Locked(account, amount);
    }

    /// @inheritdoc IStakedVVV
    function unlock(address account, uint256 amount) external {
        _requireDiemMint();
        Account storage holder = _settle(account);
        _settleTreasury(unlockedIndex);

        // DiemMint releases parts of what it locked: more is never asked for, and a subtraction would say so.
        holder.locked -= amount.toUint96();
        holder.unlocked += amount.toUint96();
        _locks.total -= amount.toUint96();
        emit Unlocked(account, amount);
    }

    /// @inheritdoc IStakedVVV
    function pendingRewards(address account) external view returns (uint256) {
        (, uint256 index,) = _accrued();
        Account storage holder = _accounts[account];
        return holder.owed + _earned(holder, index);
    }

    /// @inheritdoc IStakedVVV
    function pendingTreasury() external view returns (uint256) {
        (, uint256 index,) = _accrued();
        return _locks.owed + _earnedByTreasury(index);
    }

    /// @inheritdoc IStakedVVV
    function balanceOf(address account) external view returns (uint256) {
        Account storage holder = _accounts[account];
        return uint256(holder.unlocked) + holder.locked;
    }

    /// @inheritdoc IStakedVVV
    function balanceOfUnlocked(address account) external view returns (uint256) {
        return _accounts[account].unlocked;
    }

    /// @inheritdoc IStakedVVV
    function balanceOfLocked(address account) external view returns (uint256) {
        return _accounts[account].locked;
    }

    /// @inheritdoc IStakedVVV
    function totalLocked() external view returns (uint256) {
        return _locks.total;
    }

    /// @inheritdoc IStakedVVV
    function name() external pure returns (string memory) {
        return "Staked VVV";
    }

    /// @inheritdoc IStakedVVV
    function symbol() external pure returns (string memory) {
        return "sVVV";
    }

    /// @inheritdoc IStakedVVV
    function decimals() external pure returns (uint8) {
        return 18;
    }

    /// @inheritdoc IStakedVVV
    function totalSupply() external view returns (uint256) {
        return totalStaked();
    }

    /// @inheritdoc Station
    function _enter(address account, uint256 amount) internal override {
        Account storage holder = _settle(account);
        holder.unlocked = (amount + holder.unlocked).toUint96();
    }

    /// @inheritdoc Station
    function _leave(address account, uint256 amount) internal override {
        Account storage holder = _settle(account);
        _requireUnlocked(account, holder.unlocked, amount);
        holder.unlocked -= amount.toUint96();
        holder.cooling += amount.toUint96();
    }

    /// @inheritdoc Station
    function _comeBack(address account, uint256 amount, uint256) internal override {
        Account storage holder = _settle(account);
        holder.unlocked += amount.toUint96();
        holder.cooling -= amount.toUint96();
    }

    /// @inheritdoc Station
    function _depart(address account, uint256 amount) internal override {
        _accounts[account].cooling -= amount.toUint96();
    }

    /// @inheritdoc Station
    function _coolingOf(address account) internal view override returns (uint256) {
        return _accounts[account].cooling;
    }

    /// @inheritdoc Station
    function _requireReceiver(address account) internal view override {
        if (account == diemMint) revert RecipientRefused(account);
        super._requireReceiver(account);
    }

    /// @dev Accrues, and moves what `account` earned since it was last settled into `owed`, rounded down.
    function _settle(address account) private returns (Account storage holder) {
        uint256 index = _accrue();
        holder = _accounts[account];
        uint256 earned = _earned(holder, index);
        if (earned != 0) holder.owed += earned.toUint160();
        if (holder.index != index) holder.index = index;
    }

    function _settleTreasury(uint256 index) private {
        uint256 earned = _earnedByTreasury(index);
        if (earned != 0) _locks.owed += earned.toUint160();
        if (_locks.index != index) _locks.index = index;
    }

    /// @dev Settles `account` and empties what it is owed, without writing down what it takes at once.
    function _collect(address account) private returns (uint256 amount) {
        uint256 index = _accrue();
        Account storage holder = _accounts[account];
        amount = holder.owed + _earned(holder, index);
        if (holder.owed != 0) holder.owed = 0;
        if (holder.index != index) holder.index = index;
    }

    /// @dev Rounded down. No overflow: the index rose while this balance was part of `totalStaked`, so the product
    /// stays below five times the emission of that time, times 1e27.
    function _earned(Account storage holder, uint256 index) private view returns (uint256) {
        uint256 gained = index - holder.index;
        // slither-disable-next-line incorrect-equality zero is nothing to pay
        if (gained == 0) return 0;
        uint256 weight = FIFTHS * holder.unlocked + FIFTHS_LOCKED * holder.locked;
        return weight * gained / (FIFTHS * RAY);
    }

    /// @dev One fifth of what all locked stake earned, rounded down.
    function _earnedByTreasury(uint256 index) private view returns (uint256) {
        return _locks.total * (index - _locks.index) / (FIFTHS * RAY);
    }

    function _requireDiemMint() private view {
        if (msg.sender != diemMint) revert OnlyDiemMint(msg.sender);
    }

    /// @dev Invariant 10.
    function _requireUnlocked(address account, uint256 available, uint256 needed) private pure {
        if (needed > available) revert InsufficientUnlocked(account, available, needed);
    }
}
