// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {System} from "./support/System.sol";

/// @dev What a user pays for one call, the 21,000 of the transaction included, between busy accounts: every slot
/// that lasts was written before. The figures are kept in snapshots/, a file for each contract.
/// forge-config: default.isolate = true
contract GasTest is System {
    function setUp() public override {
        super.setUp();
        stakeDiem(bob, 30_000e18);
        stakeDiem(alice, 100e18);
        stakeVVV(alice, 100_000e18);
        mintDiem(alice, 20e18);
        fund(alice, 10_000e18);
        vm.warp(NOON + 1 days);
        vm.startPrank(alice);
        stakedVVV.requestUnstake(1e18);
        inferenceStake.requestUnstake(1e18);
        inferenceStake.delegate(bob, 1e18, inferenceStake.epoch() + 1);
        vm.warp(NOON + 10 days);
    }

    function test_GasOfStakedVVV() public {
        stakedVVV.stake(alice, 1e18);
        vm.snapshotGasLastCall("StakedVVV", "stake");
        vm.warp(NOON + 11 days);
        stakedVVV.claim();
        vm.snapshotGasLastCall("StakedVVV", "claim");
        vm.warp(NOON + 12 days);
        stakedVVV.compound();
        vm.snapshotGasLastCall("StakedVVV", "compound");
        vm.warp(NOON + 13 days);
        stakedVVV.requestUnstake(1e18);
        vm.snapshotGasLastCall("StakedVVV", "requestUnstake");
        vm.warp(NOON + 14 days);
        stakedVVV.cancelUnstake(2);
        vm.snapshotGasLastCall("StakedVVV", "cancelUnstake");
        stakedVVV.claimUnstake(list(1));
        vm.snapshotGasLastCall("StakedVVV", "claimUnstake of one");
    }

    function test_GasOfDiemMint() public {
        diemMint.mintExactOut(10e18, type(uint256).max);
        vm.snapshotGasLastCall("DiemMint", "mintExactOut");
        vm.warp(NOON + 11 days);
        diemMint.mintDiem(5_000e18, 0);
        vm.snapshotGasLastCall("DiemMint", "mintDiem");
        vm.warp(NOON + 12 days);
        diemMint.burnDiem(10e18);
        vm.snapshotGasLastCall("DiemMint", "burnDiem");
    }

    function test_GasOfInferenceStake() public {
        inferenceStake.stake(alice, 1e18);
        vm.snapshotGasLastCall("InferenceStake", "stake");
        inferenceStake.requestUnstake(1e18);
        vm.snapshotGasLastCall("InferenceStake", "requestUnstake");
        inferenceStake.cancelUnstake(2);
        vm.snapshotGasLastCall("InferenceStake", "cancelUnstake");
        inferenceStake.claimUnstake(list(1));
        vm.snapshotGasLastCall("InferenceStake", "claimUnstake of one");
        inferenceStake.delegate(bob, 1e18, inferenceStake.epoch() + 1);
        vm.snapshotGasLastCall("InferenceStake", "delegate");
        inferenceStake.endDelegation(1);
        vm.snapshotGasLastCall("InferenceStake", "endDelegation");
    }
}
