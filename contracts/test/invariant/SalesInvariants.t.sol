// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {CreditSales} from "../../src/CreditSales.sol";
import {EpochRoots} from "../../src/EpochRoots.sol";
import {Guardian} from "../../src/Guardian.sol";
import {DevDollar} from "../../src/devnet/DevDollar.sol";
import {Test} from "../support/Test.sol";
import {Sales, SalesHandler} from "./SalesHandler.sol";

/// @title Invariant 26 for sales and roots
contract SalesInvariantsTest is Test {
    SalesHandler private handler;

    function setUp() public {
        vm.warp(1_767_225_600 + 12 hours);
        (address timelock, address keeper) = (person("timelock"), person("keeper of the brake"));
        Guardian guardian = new Guardian(keeper, timelock);
        DevDollar usdc = new DevDollar();
        handler = new SalesHandler(
            Sales({
                creditSales: new CreditSales(usdc, person("revenue"), timelock, guardian, list(18e6, 68e6)),
                epochRoots: new EpochRoots(person("publisher"), timelock),
                guardian: guardian,
                usdc: usdc,
                timelock: timelock,
                keeper: keeper,
                revenue: person("revenue"),
                publisher: person("publisher"),
                thief: person("thief")
            })
        );
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function invariant_AllHoldAfterEveryCall() external view {
        handler.check_26_PricesAreTheTimelocksAndInsideTheirBounds();
        handler.check_26_NothingStaysAndGiftsCountForNothing();
        handler.check_26_RootsAreInOrderAndNeverReplaced();
    }

    /// @dev A machine that sold or published nothing would show nothing.
    function test_TheMachineDoesSellAndPublish() public {
        for (uint256 step = 0; step < 100; ++step) {
            uint256 seed = uint256(keccak256(abi.encode(step)));
            handler.topUp(seed, seed >> 8, seed >> 16);
            handler.topUpWithPermit(seed, seed >> 8);
            handler.subscribe(seed, seed >> 8, seed >> 16, seed >> 24);
            handler.pass(seed);
            handler.publish(seed);
        }
        vm.assertGt(handler.received(), 10_000e6, "there were sales");
        vm.assertGt(handler.roots(), 50, "there were roots");
    }
}
