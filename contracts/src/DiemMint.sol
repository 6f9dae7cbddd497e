// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Guarded} from "./Guarded.sol";
import {MintCurve} from "./MintCurve.sol";
import {Timelocked} from "./Timelocked.sol";
import {Wiring} from "./Wiring.sol";
import {IDIEM} from "./interfaces/IDIEM.sol";
import {IDiemMint} from "./interfaces/IDiemMint.sol";
import {IGuardian} from "./interfaces/IGuardian.sol";
import {IStakedVVV} from "./interfaces/IStakedVVV.sol";

/// @title DiemMint
contract DiemMint is IDiemMint, Guarded, Timelocked {
    using Math for uint256;
    using SafeCast for uint256;

    /// @dev Invariant 20: one of them is zero exactly when the other is.
    struct Position {
        uint128 locked;
        uint128 minted;
    }

    struct Ramp {
        uint88 fromTarget;
        uint88 toTarget;
        uint40 startsAt;
        uint40 endsAt;
    }

    /// @dev A four-hundredth of the target a day is 0.25 %.
    uint256 private constant RAMP_DAYS_TO_DOUBLE = 400;

    /// @inheritdoc IDiemMint
    IStakedVVV public immutable stakedVVV;
    /// @inheritdoc IDiemMint
    IDIEM public immutable diem;
    /// @inheritdoc IDiemMint
    uint256 public immutable opensAt;

    Ramp private _ramp;
    mapping(address account => Position) private _positions;

    /// @param target_ The target at the beginning, in wei of DIEM.
    /// @param opensAt_ Unix time before which nobody can mint.
    constructor(
        IStakedVVV stakedVVV_,
        IDIEM diem_,
        address timelock_,
        IGuardian guardian_,
        uint256 target_,
        uint256 opensAt_
    ) Guarded(guardian_) Timelocked(timelock_) {
        Wiring.requireCode(address(stakedVVV_));
        Wiring.requireCode(address(diem_));
        Wiring.requireWiredToThis(address(stakedVVV_), stakedVVV_.diemMint());
        Wiring.requireWiredToThis(address(diem_), diem_.minter());

        stakedVVV = stakedVVV_;
        diem = diem_;
        opensAt = opensAt_;
        _startRamp(target_, target_, 0);
    }

    /// @inheritdoc IDiemMint
    function mintDiem(uint256 lock, uint256 minOut) external returns (uint256 amount, uint256 locked) {
        _requireMintingOpen();
        uint256 supply = diem.totalSupply();
        (amount, locked) = MintCurve.amountFor(lock, supply, target());
        // slither-disable-next-line incorrect-equality a mint of nothing is refused, and of a wei not
        if (amount == 0 || amount < minOut) revert OutputBelowMinimum(amount, minOut);

        _mint(amount, locked, supply + amount);
    }

    /// @inheritdoc IDiemMint
    function mintExactOut(uint256 amount, uint256 maxLock) external returns (uint256 locked) {
        _requireMintingOpen();
        if (amount == 0) revert ZeroAmount();
        uint256 supply = diem.totalSupply();
        locked = _lockFor(amount, supply);
        if (locked > maxLock) revert LockExceedsMaximum(locked, maxLock);

        _mint(amount, locked, supply + amount);
    }

    /// @inheritdoc IDiemMint
    function burnDiem(uint256 amount) external returns (uint256 unlocked) {
        if (amount == 0) revert ZeroAmount();
        unlocked = quoteUnlock(msg.sender, amount);

        // `quoteUnlock` found both within the position.
        Position storage position = _positions[msg.sender];
        position.locked -= unlocked.toUint128();
        position.minted -= amount.toUint128();
        emit DiemBurned(msg.sender, amount, unlocked, diem.totalSupply() - amount);

        diem.burn(msg.sender, amount);
        stakedVVV.unlock(msg.sender, unlocked);
    }

    /// @inheritdoc IDiemMint
    function raiseTarget(uint256 newTarget, uint256 duration) external {
        _requireTimelock();
        uint256 current = target();
        if (newTarget <= current) revert TargetMayOnlyRise(current, newTarget);
        uint256 minimum = ((newTarget - current) * RAMP_DAYS_TO_DOUBLE * 1 days).ceilDiv(current);
        if (duration < minimum) revert RampTooSteep(duration, minimum);

        _startRamp(current, newTarget, duration);
    }

    /// @inheritdoc IDiemMint
    function getDiemAmountOut(uint256 lock) external view returns (uint256 amount) {
        // slither-disable-next-line unused-return a quote of the amount leaves its lock aside
        (amount,) = MintCurve.amountFor(lock, diem.totalSupply(), target());
    }

    /// @inheritdoc IDiemMint
    function quoteLock(uint256 amount) external view returns (uint256) {
        return _lockFor(amount, diem.totalSupply());
    }

    /// @inheritdoc IDiemMint
    function quoteUnlock(address account, uint256 amount) public view returns (uint256) {
        Position memory position = _positions[account];
        if (amount > position.minted) revert BurnExceedsMinted(account, position.minted, amount);
        if (amount == 0) return 0;
        return amount * position.locked / position.minted;
    }

    /// @inheritdoc IDiemMint
    function lockedStakes(address account) external view returns (uint256 locked, uint256 minted) {
        Position storage position = _positions[account];
        return (position.locked, position.minted);
    }

    /// @inheritdoc IDiemMint
    function rate() external view returns (uint256) {
        return MintCurve.rate(diem.totalSupply(), target());
    }

    /// @inheritdoc IDiemMint
    function target() public view returns (uint256) {
        Ramp memory set = _ramp;
        if (block.timestamp >= set.endsAt) return set.toTarget;
        uint256 rise = uint256(set.toTarget) - set.fromTarget;
        return set.fromTarget + rise * (block.timestamp - set.startsAt) / (set.endsAt - set.startsAt);
    }

    /// @inheritdoc IDiemMint
    function ramp()
        external
        view
        returns (uint256 fromTarget, uint256 toTarget, uint256 startsAt, uint256 endsAt)
    {
        Ramp memory set = _ramp;
        return (set.fromTarget, set.toTarget, set.startsAt, set.endsAt);
    }

    function _mint(uint256 amount, uint256 locked, uint256 supplyAfter) private {
        Position storage position = _positions[msg.sender];
        position.locked = (locked + position.locked).toUint128();
        position.minted = (amount + position.minted).toUint128();
        emit DiemMinted(msg.sender, amount, locked, supplyAfter);

        stakedVVV.lock(msg.sender, locked);
        diem.mint(msg.sender, amount);
    }

    function _startRamp(uint256 fromTarget, uint256 toTarget, uint256 duration) private {
        if (toTarget < MintCurve.TARGET_MIN || toTarget > MintCurve.TARGET_MAX) {
            revert TargetOutOfBounds(toTarget, MintCurve.TARGET_MIN, MintCurve.TARGET_MAX);
        }
        uint256 endsAt = block.timestamp + duration;
        _ramp =
            Ramp(fromTarget.toUint88(), toTarget.toUint88(), block.timestamp.toUint40(), endsAt.toUint40());
        emit TargetRampStarted(fromTarget, toTarget, block.timestamp, endsAt);
    }

    function _requireMintingOpen() private view {
        if (block.timestamp < opensAt) revert MintingNotOpen(opensAt);
        _requireEntriesOpen();
    }

    /// @dev F(supply + amount) - F(supply).
    function _lockFor(uint256 amount, uint256 supply) private view returns (uint256) {
        uint256 now_ = target();
        return MintCurve.potential(supply + amount, now_) - MintCurve.potential(supply, now_);
    }
}
