// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {SalesSystem} from "./support/SalesSystem.sol";

/// @dev As in Gas.t.sol, for those who buy, run buybacks and publish. A run pays for a swap and two oracle reads.
/// forge-config: default.isolate = true
contract MarketGasTest is SalesSystem {
    function setUp() public override {
        super.setUp();
        setAside(100_000e6);
        giveDollars(alice, 1_000e6);
        vm.prank(alice);
        creditSales.subscribe(alice, 1, 1, 18e6);
        run(1_000e6);
        vm.warp(burner.nextRunAt());
    }

    function test_GasOfCreditSales() public {
        vm.startPrank(alice);
        creditSales.topUp(alice, 20e6);
        vm.snapshotGasLastCall("CreditSales", "topUp");
        creditSales.subscribe(alice, 1, 1, 18e6);
        vm.snapshotGasLastCall("CreditSales", "subscribe");
    }

    function test_GasOfBuybackBurner() public {
        vm.startPrank(buyer);
        burner.execute(1, 10_000e6, 0, block.timestamp);
        vm.snapshotGasLastCall("BuybackBurner", "execute");
    }

    function test_GasOfEpochRoots() public {
        uint256 epoch = epochRoots.startEpoch();
        vm.warp(block.timestamp + 1 days);
        vm.startPrank(publisher);
        epochRoots.publish(epoch, keccak256("root"), 2e9, 1e9, 1_000, keccak256("file"));
        vm.warp(block.timestamp + 1 days);
        epochRoots.publish(epoch + 1, keccak256("root"), 2e9, 1e9, 1_000, keccak256("file"));
        vm.snapshotGasLastCall("EpochRoots", "publish");
    }
}
