// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ReplicaCurve} from "../src/devnet/replica/ReplicaCurve.sol";
import {ReplicaDiem} from "../src/devnet/replica/ReplicaDiem.sol";
import {ReplicaStaking} from "../src/devnet/replica/ReplicaStaking.sol";
import {ReplicaToken} from "../src/devnet/replica/ReplicaToken.sol";
import {ReplicaVVV} from "../src/devnet/replica/ReplicaVVV.sol";
import {Test} from "./support/Test.sol";

/// @title The replica of the live contracts does what is known of them
contract ReplicaTest is Test {
    uint256 private constant EMISSION = 79_274_479_959_411_466;
    uint256 private constant START = 1_767_225_600;
    uint256 private constant WIDTH = 500e18;

    address private immutable owner = person("owner");
    address private immutable treasury = person("treasury");
    address private immutable alice = person("alice");
    address private immutable bob = person("bob");

    ReplicaVVV private vvv;
    ReplicaDiem private diem;
    ReplicaStaking private staking;

    /// @dev Step i costs 90 + i sVVV, so that sums can be read off.
    function setUp() public {
        vm.warp(START);
        address station = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 2);
        vvv = new ReplicaVVV(address(this), 100_000_000e18, station);
        diem = new ReplicaDiem(station);
        staking = new ReplicaStaking(vvv, diem, owner, treasury, EMISSION);
        uint256[256] memory supplies;
        uint256[256] memory rates;
        for (uint256 i = 0; i < 256; ++i) {
            (supplies[i], rates[i]) = (WIDTH * (i + 1), 90e18 + i * 1e18);
        }
        vm.prank(owner);
        staking.setDiemMintCurve(supplies, rates);
    }

    function stakeVVV(address account, uint256 amount) private {
        vvv.transfer(account, amount);
        vm.startPrank(account);
        vvv.approve(address(staking), amount);
        staking.stake(account, amount);
        vm.stopPrank();
    }

    function mintDiem(address account, uint256 lock) private {
        stakeVVV(account, lock);
        vm.prank(account);
        staking.mintDiem(lock, 0);
    }

    function test_ATransferToTheZeroAddressLeavesTheSupply() public {
        uint256 supply = vvv.totalSupply();
        vm.expectEmit(address(vvv));
        emit ReplicaToken.Transfer(address(this), address(0), 5e18);
        vvv.transfer(address(0), 5e18);
        vm.assertEq(vvv.totalSupply(), supply);
        vm.assertEq(vvv.balanceOf(address(0)), 5e18);
    }

    function test_StakedVVVDoesNotMove() public {
        stakeVVV(alice, 1e18);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(ReplicaToken.NotTransferable.selector));
        staking.transfer(bob, 1e18);
    }

    function test_ARequestLowersTheStakeAtOnceAddsAndRestartsTheWaitOfAll() public {
        mintDiem(alice, 9_000e18);
        vm.startPrank(alice);
        diem.stake(100e18);
        diem.initiateUnstake(30e18);
        check(alice, 70e18, START + 1 days, 30e18);
        vm.warp(START + 1 days - 1);
        vm.expectRevert(
            abi.encodeWithSelector(ReplicaDiem.StillCooling.selector, START + 1 days, START + 1 days - 1)
        );
        diem.unstake();
        diem.initiateUnstake(1e18);
        check(alice, 69e18, START + 2 days - 1, 31e18);
        vm.assertEq(diem.totalStaked(), 69e18);
        vm.warp(START + 2 days - 2);
        vm.expectRevert(
            abi.encodeWithSelector(ReplicaDiem.StillCooling.selector, START + 2 days - 1, START + 2 days - 2)
        );
        diem.unstake();
        vm.warp(START + 2 days - 1);
        diem.unstake();
        check(alice, 69e18, 0, 0);
        vm.assertEq(diem.balanceOf(alice), 31e18);
        vm.assertEq(diem.balanceOf(address(diem)), 69e18);
    }

    function check(address account, uint256 staked, uint256 end, uint256 pending) private view {
        (uint256 amountStaked, uint256 coolDownEnd, uint256 coolDownAmount) = diem.stakedInfos(account);
        vm.assertEq(amountStaked, staked, "staked");
        vm.assertEq(coolDownEnd, end, "end");
        vm.assertEq(coolDownAmount, pending, "pending");
    }

    function test_AVVVExitIsBurnedAtOnceAndPaidAfterItsWait() public {
        stakeVVV(alice, 10e18);
        vm.startPrank(alice);
        vm.expectEmit(address(staking));
        emit ReplicaToken.Transfer(alice, address(0), 4e18);
        staking.initiateUnstake(4e18);
        vm.assertEq(staking.balanceOf(alice), 6e18);
        vm.warp(START + 7 days);
        staking.claim();
        uint256 before = vvv.balanceOf(alice);
        staking.finalizeUnstake();
        vm.assertEq(vvv.balanceOf(alice) - before, 4e18);
    }

    function test_AMintAcrossABoundPaysEachStepsRate() public {
        // 499 DIEM at 90, one more at 90, then two at 91.
        mintDiem(alice, 499 * 90e18);
        vm.assertEq(diem.totalSupply(), 499e18);
        stakeVVV(alice, 272e18);
        vm.assertEq(staking.getDiemAmountOut(272e18), 3e18);
        vm.prank(alice);
        staking.mintDiem(272e18, 3e18);
        (uint256 locked, uint256 outstanding) = staking.lockedStakes(alice);
        vm.assertEq(outstanding, 502e18);
        vm.assertEq(locked, 499 * 90e18 + 272e18);
        vm.assertEq(staking.totalLockedStakedVVV(), locked);
        vm.assertEq(staking.balanceOfUnlocked(alice), 0);
    }

    function test_OneWeiLessThanTheRestOfAStepStaysInIt() public {
        mintDiem(alice, 499 * 90e18);
        vm.assertEq(staking.getDiemAmountOut(90e18), 1e18);
        vm.assertLt(staking.getDiemAmountOut(90e18 - 1), 1e18, "in the step");
        vm.assertEq(staking.getDiemAmountOut(90e18 + 91), 1e18 + 1);
    }

    function test_TheRestOfAStepCostsItsPriceRoundedUp() public {
        uint256[256] memory supplies;
        uint256[256] memory rates;
        for (uint256 i = 0; i < 256; ++i) {
            (supplies[i], rates[i]) = (5 * (i + 1), 1e18 + 1);
        }
        vm.prank(owner);
        staking.setDiemMintCurve(supplies, rates);
        vm.assertEq(staking.getDiemAmountOut(5), 4);
        vm.assertEq(staking.getDiemAmountOut(6), 5);
        vm.assertEq(staking.getDiemAmountOut(7), 5);
    }

    function test_ACurveThatDoesNotRiseIsRefused() public {
        uint256[256] memory supplies;
        uint256[256] memory rates;
        (supplies[0], rates[0], rates[1]) = (1, 1, 1);
        vm.startPrank(owner);
        vm.expectRevert(abi.encodeWithSelector(ReplicaCurve.NotACurve.selector, 1));
        staking.setDiemMintCurve(supplies, rates);
        (supplies[1], rates[1]) = (2, 0);
        vm.expectRevert(abi.encodeWithSelector(ReplicaCurve.NotACurve.selector, 1));
        staking.setDiemMintCurve(supplies, rates);
    }

    function test_BeyondTheTableNothingIsMinted() public {
        vm.expectRevert(abi.encodeWithSelector(ReplicaCurve.BeyondTheTable.selector, 1e30));
        staking.getDiemAmountOut(1e30);
    }

    function test_ABurnReleasesTheAverageAtOnce() public {
        mintDiem(alice, 500 * 90e18 + 500 * 91e18);
        vm.prank(alice);
        staking.burnDiem(10e18);
        (uint256 locked, uint256 outstanding) = staking.lockedStakes(alice);
        vm.assertEq(outstanding, 990e18);
        vm.assertEq(locked, 90_500e18 - 905e18);
        vm.assertEq(staking.balanceOfUnlocked(alice), 905e18);
    }

    function test_DiemOfOthersCanBeBurnedUpToOnesOwnOutstanding() public {
        mintDiem(alice, 90e18);
        mintDiem(bob, 180e18);
        vm.prank(bob);
        diem.transfer(alice, 1e18);
        vm.startPrank(alice);
        vm.expectRevert(
            abi.encodeWithSelector(ReplicaStaking.InsufficientOutstanding.selector, alice, 1e18, 1e18 + 1)
        );
        staking.burnDiem(1e18 + 1);
        staking.burnDiem(1e18);
        vm.assertEq(diem.balanceOf(alice), 1e18);
        vm.assertEq(staking.balanceOfUnlocked(alice), 90e18);
    }

    function test_LockedStakeKeepsFourFifthsOfItsYieldAndTheTreasuryTheRest() public {
        stakeVVV(bob, 3_000e18);
        mintDiem(alice, 1_000e18);
        vm.warp(START + 30 days);
        uint256 emission = EMISSION * 30 days;
        vm.assertApproxEqAbs(staking.pendingRewards(alice), emission / 4 * 4 / 5, 10_000);
        vm.assertApproxEqAbs(staking.pendingRewards(bob), emission * 3 / 4, 10_000);
        vm.prank(bob);
        staking.claim();
        vm.assertApproxEqAbs(vvv.balanceOf(treasury), emission / 4 / 5, 10_000);
    }

    function test_EveryChangePaysWhatWasEarnedFirst() public {
        stakeVVV(alice, 1_000e18);
        vm.warp(START + 10 days);
        uint256 pending = staking.pendingRewards(alice);
        vm.prank(alice);
        staking.initiateUnstake(1e18);
        vm.assertEq(vvv.balanceOf(alice), pending);
        vm.assertEq(staking.pendingRewards(alice), 0);
        vm.warp(START + 20 days);
        pending = staking.pendingRewards(alice);
        vm.prank(alice);
        staking.claimAndStake();
        vm.assertEq(staking.balanceOf(alice), 999e18 + pending);
    }
}
