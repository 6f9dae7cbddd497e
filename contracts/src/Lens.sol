// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {MintCurve} from "./MintCurve.sol";
import {Wiring} from "./Wiring.sol";
import {IBuybackBurner} from "./interfaces/IBuybackBurner.sol";
import {ICreditSales} from "./interfaces/ICreditSales.sol";
import {IDiemMint} from "./interfaces/IDiemMint.sol";
import {IEpochRoots} from "./interfaces/IEpochRoots.sol";
import {IGuardian} from "./interfaces/IGuardian.sol";
import {IInferenceStake} from "./interfaces/IInferenceStake.sol";
import {ILens} from "./interfaces/ILens.sol";
import {IStakedVVV} from "./interfaces/IStakedVVV.sol";
import {IStation} from "./interfaces/IStation.sol";

/// @title Lens
contract Lens is ILens {
    /// @inheritdoc ILens
    IStakedVVV public immutable stakedVVV;
    /// @inheritdoc ILens
    IDiemMint public immutable diemMint;
    /// @inheritdoc ILens
    IInferenceStake public immutable inferenceStake;
    /// @inheritdoc ILens
    ICreditSales public immutable creditSales;
    /// @inheritdoc ILens
    IBuybackBurner public immutable buybackBurner;
    /// @inheritdoc ILens
    IEpochRoots public immutable epochRoots;

    IERC20 private immutable _vvv;
    IERC20 private immutable _diem;
    IERC20 private immutable _usdc;
    IGuardian private immutable _guardian;
    address private immutable _timelock;

    /// @dev The six must be of one system: they share their tokens, their guardian and their timelock.
    constructor(
        IDiemMint diemMint_,
        IInferenceStake inferenceStake_,
        ICreditSales creditSales_,
        IBuybackBurner buybackBurner_,
        IEpochRoots epochRoots_
    ) {
        Wiring.requireCode(address(diemMint_));
        Wiring.requireCode(address(inferenceStake_));
        Wiring.requireCode(address(creditSales_));
        Wiring.requireCode(address(buybackBurner_));
        Wiring.requireCode(address(epochRoots_));
        stakedVVV = diemMint_.stakedVVV();
        diemMint = diemMint_;
        inferenceStake = inferenceStake_;
        creditSales = creditSales_;
        buybackBurner = buybackBurner_;
        epochRoots = epochRoots_;

        _vvv = stakedVVV.vvv();
        _diem = diemMint_.diem();
        _usdc = creditSales_.usdc();
        _guardian = diemMint_.guardian();
        _timelock = diemMint_.timelock();
        _requireSame(address(inferenceStake_.diem()), address(_diem));
        _requireSame(address(buybackBurner_.vvv()), address(_vvv));
        _requireSame(address(buybackBurner_.usdc()), address(_usdc));
        _requireSame(address(inferenceStake_.guardian()), address(_guardian));
        _requireSame(address(creditSales_.guardian()), address(_guardian));
        _requireSame(address(buybackBurner_.guardian()), address(_guardian));
        _requireSame(creditSales_.timelock(), _timelock);
        _requireSame(buybackBurner_.timelock(), _timelock);
        _requireSame(epochRoots_.timelock(), _timelock);
    }

    /// @inheritdoc ILens
    function accountOf(
        address account,
        uint256[] calldata vvvTickets,
        uint256[] calldata diemTickets,
        uint256[] calldata delegations
    ) external view returns (AccountView memory seen) {
        seen.timestamp = block.timestamp;
        seen.epoch = inferenceStake.epoch();
        seen.vvv = _holdingOf(account, _vvv, address(stakedVVV));
        seen.diem = _holdingOf(account, _diem, address(inferenceStake));
        seen.usdc = _holdingOf(account, _usdc, address(creditSales));
        seen.stake = _stakeOf(account);
        seen.position = _positionOf(account, seen.stake.unlocked);
        seen.right = _rightOf(account);
        seen.memberUntil = _memberUntil(account);
        seen.vvvTickets = _ticketsOf(account, stakedVVV, vvvTickets);
        seen.diemTickets = _ticketsOf(account, inferenceStake, diemTickets);
        seen.delegations = _delegationsOf(delegations);
    }

    /// @inheritdoc ILens
    function system() external view returns (SystemView memory seen) {
        seen.timestamp = block.timestamp;
        seen.epoch = inferenceStake.epoch();
        seen.vvv = _viewOfVVV();
        seen.diem = _viewOfDiem();
        seen.pause = _viewOfPause();
        seen.sales = _viewOfSales();
        seen.buyback = _viewOfBuyback();
        seen.roots = RootsView(epochRoots.firstEpoch(), epochRoots.nextEpoch());
        seen.powers = _viewOfPowers();
    }

    function _holdingOf(address account, IERC20 token, address spender)
        private
        view
        returns (Holding memory)
    {
        return Holding(
            token.balanceOf(account),
            token.allowance(account, spender),
            IERC20Permit(address(token)).nonces(account)
        );
    }

    function _stakeOf(address account) private view returns (StakeView memory) {
        return StakeView(
            stakedVVV.balanceOfUnlocked(account),
            stakedVVV.balanceOfLocked(account),
            stakedVVV.coolingOf(account),
            stakedVVV.pendingRewards(account)
        );
    }

    function _positionOf(address account, uint256 unlocked) private view returns (PositionView memory seen) {
        (seen.locked, seen.minted) = diemMint.lockedStakes(account);
        seen.mintable = diemMint.getDiemAmountOut(unlocked);
        seen.mintableLock = diemMint.quoteLock(seen.mintable);
    }

    function _rightOf(address account) private view returns (RightView memory seen) {
        seen.staked = inferenceStake.stakedOf(account);
        seen.delegated = inferenceStake.delegatedOf(account);
        seen.cooling = inferenceStake.coolingOf(account);
        (seen.current, seen.next) = inferenceStake.allowanceOf(account);
    }

    function _memberUntil(address account) private view returns (uint256[] memory until) {
        until = new uint256[](creditSales.tierCount());
        for (uint256 i = 0; i < until.length; ++i) {
            // slither-disable-next-line calls-loop a view, and the list is the few tiers
            until[i] = creditSales.memberUntil(account, i + 1);
        }
    }

    function _ticketsOf(address account, IStation station, uint256[] calldata numbers)
        private
        view
        returns (TicketView[] memory seen)
    {
        seen = new TicketView[](numbers.length);
        for (uint256 i = 0; i < numbers.length; ++i) {
            TicketView memory one = seen[i];
            one.ticket = numbers[i];
            // slither-disable-next-line calls-loop a view, and the list is the caller's
            (one.amount, one.claimableAt, one.state) = station.ticketOf(account, numbers[i]);
            one.isClaimable = one.state == IStation.TicketState.Open && block.timestamp >= one.claimableAt;
        }
    }

    function _delegationsOf(uint256[] calldata numbers) private view returns (DelegationView[] memory seen) {
        seen = new DelegationView[](numbers.length);
        for (uint256 i = 0; i < numbers.length; ++i) {
            DelegationView memory one = seen[i];
            one.id = numbers[i];
            // slither-disable-next-line calls-loop a view, and the list is the caller's
            (one.from, one.to, one.amount, one.untilEpoch, one.open) = inferenceStake.delegationOf(numbers[i]);
        }
    }

    function _viewOfVVV() private view returns (VvvView memory) {
        return VvvView(
            _vvv.totalSupply(),
            stakedVVV.totalStaked(),
            stakedVVV.totalLocked(),
            stakedVVV.totalCooling(),
            stakedVVV.emissionRatePerSecond(),
            stakedVVV.lastRewardTimestamp(),
            stakedVVV.pendingTreasury()
        );
    }

    function _viewOfDiem() private view returns (DiemView memory seen) {
        seen.supply = _diem.totalSupply();
        seen.target = diemMint.target();
        seen.cap = MintCurve.cap(seen.target);
        seen.staked = inferenceStake.totalStaked();
        seen.cooling = inferenceStake.totalCooling();
        seen.rate = diemMint.rate();
        (seen.rampFrom, seen.rampTo, seen.rampStartsAt, seen.rampEndsAt) = diemMint.ramp();
        seen.opensAt = diemMint.opensAt();
    }

    function _viewOfPause() private view returns (PauseView memory) {
        uint256 until = _guardian.pausedUntil();
        return PauseView(block.timestamp < until, until, _guardian.nextPauseAt());
    }

    function _viewOfSales() private view returns (SalesView memory seen) {
        seen.minimumTopUp = creditSales.minimumTopUp();
        seen.prices = new uint256[](creditSales.tierCount());
        for (uint256 i = 0; i < seen.prices.length; ++i) {
            // slither-disable-next-line calls-loop a view, and the list is the few tiers
            seen.prices[i] = creditSales.priceOf(i + 1);
        }
    }

    function _viewOfBuyback() private view returns (BuybackView memory seen) {
        seen.usdc = _usdc.balanceOf(address(buybackBurner));
        seen.nextRun = buybackBurner.nextRun();
        seen.nextRunAt = buybackBurner.nextRunAt();
        seen.bounds = buybackBurner.bounds();
        // A young pool does not remember a window: that is no reason to show nothing of all the rest.
        try buybackBurner.market() returns (uint256 referencePrice, int24 meanTick, int24 spotTick) {
            (seen.hasMean, seen.referencePrice) = (true, referencePrice);
            (seen.meanTick, seen.spotTick) = (meanTick, spotTick);
        } catch {}
    }

    function _viewOfPowers() private view returns (PowersView memory) {
        return PowersView(
            _timelock,
            _timelock.code.length == 0 ? 0 : TimelockController(payable(_timelock)).getMinDelay(),
            _guardian.guardian(),
            buybackBurner.keeper(),
            epochRoots.publisher(),
            stakedVVV.treasury(),
            creditSales.revenue()
        );
    }

    function _requireSame(address one, address other) private pure {
        if (one != other) revert PartnersDiffer(one, other);
    }
}
