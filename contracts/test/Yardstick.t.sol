// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {VestingWallet} from "@openzeppelin/contracts/finance/VestingWallet.sol";
import {WholeSystem} from "./support/WholeSystem.sol";
import {PlainVault, PlainVotes} from "./support/Yardsticks.sol";

/// @dev What well-known contracts take for the nearest thing, measured as in Gas.t.sol, with the same token and by the
/// same compiler: whole transactions between accounts that have acted before. The pool is Uniswap's own bytecode.
/// forge-config: default.isolate = true
contract YardstickTest is WholeSystem {
    PlainVault private vault;
    PlainVotes private votes;
    VestingWallet private wallet;

    function setUp() public override {
        super.setUp();
        vault = new PlainVault(vvv);
        votes = new PlainVotes(alice, 100e18);
        wallet = new VestingWallet(alice, uint64(block.timestamp), 1_000 days);
        fund(alice, 1_000e18);
        fund(bob, 1_000e18);
        vm.prank(genesisHolder);
        vvv.transfer(address(wallet), 1_000e18);
        depositOf(alice);
        depositOf(bob);
        vm.warp(block.timestamp + 10 days);
        wallet.release(address(vvv));
        crowd.sell(usdc, 100e6);
        vm.warp(block.timestamp + 10 days);
    }

    function test_GasOfAVault() public {
        vm.startPrank(alice);
        vault.deposit(10e18, alice);
        vm.snapshotGasLastCall("Yardstick", "ERC4626.deposit");
        vault.withdraw(10e18, alice, alice);
        vm.snapshotGasLastCall("Yardstick", "ERC4626.withdraw");
        vault.redeem(10e18, alice, alice);
        vm.snapshotGasLastCall("Yardstick", "ERC4626.redeem");
    }

    function test_GasOfVesting() public {
        vm.prank(alice);
        wallet.release(address(vvv));
        vm.snapshotGasLastCall("Yardstick", "VestingWallet.release");
    }

    /// @dev The trader is ours and does less than a router would.
    function test_GasOfASwap() public {
        crowd.sell(usdc, 100e6);
        vm.snapshotGasLastCall("Yardstick", "UniswapV3Pool.swap");
    }

    /// @dev From one receiver to another, both of whom have had votes before. Votes are counted by the block, and
    /// each new block makes new checkpoints.
    function test_GasOfDelegatingVotes() public {
        vm.startPrank(alice);
        votes.delegate(bob);
        votes.delegate(carol);
        cheats.roll(block.number + 1);
        votes.delegate(bob);
        vm.snapshotGasLastCall("Yardstick", "ERC20Votes.delegate");
    }

    function depositOf(address account) private {
        vm.startPrank(account);
        vvv.approve(address(vault), type(uint256).max);
        vault.deposit(100e18, account);
        vm.stopPrank();
    }
}
