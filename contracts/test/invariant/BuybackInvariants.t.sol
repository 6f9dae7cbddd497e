// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IBuybackBurner} from "../../src/interfaces/IBuybackBurner.sol";
import {BuybackSystem} from "../support/BuybackSystem.sol";
import {BuybackHandler, Buybacks} from "./BuybackHandler.sol";

/// @title Invariants 25 and 26, on the real pool, whatever everybody does
/// @dev Each run of the machine begins with a pool that has been quiet for a day.
contract BuybackInvariantsTest is BuybackSystem {
    BuybackHandler private handler;
    uint256 private supply;

    function setUp() public override {
        super.setUp();
        setAside(1_000_000e6);
        supply = vvv.totalSupply();
        handler = new BuybackHandler(
            Buybacks({
                burner: burner,
                creditSales: creditSales,
                guardian: guardian,
                vvv: vvv,
                usdc: usdc,
                pool: pool,
                crowd: crowd,
                timelock: timelock,
                keeperOfTheBrake: keeper,
                buyer: buyer,
                thief: person("thief")
            })
        );
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function invariant_AllHoldAfterEveryCall() external view {
        check_25_TheMoneyIsWhereTheRunsPutIt();
        check_26_SettingsAreTheTimelocksAndInsideTheirLimits();
    }

    /// @dev A machine that never ran a buyback would show nothing: here is a walk of it, counted.
    function test_TheMachineDoesRunBuybacks() public {
        for (uint256 step = 0; step < 200; ++step) {
            uint256 seed = uint256(keccak256(abi.encode(step)));
            if (step % 4 == 0) handler.run(seed, seed >> 8, seed >> 16);
            else if (step % 4 == 1) handler.trade(seed, seed % 3 == 0);
            else if (step % 4 == 2) handler.arbitrage();
            else handler.pass(seed);
        }
        vm.assertGt(handler.runs(), 20, "there were runs");
    }

    function check_25_TheMoneyIsWhereTheRunsPutIt() private view {
        vm.assertEq(burner.nextRun(), handler.runs(), "25: every run is told");
        vm.assertEq(
            usdc.balanceOf(address(burner)) + handler.spent(),
            SET_ASIDE + 1_000_000e6 + handler.donatedUsdc(),
            "25: USDC leaves only in runs"
        );
        vm.assertEq(
            vvv.balanceOf(address(burner)), handler.donatedVVV(), "25: no VVV but gifts since the last run"
        );
        vm.assertLe(vvv.totalSupply() + handler.burned(), supply, "25: what is told as burned is burned");
        address[3] memory spenders = [address(pool), buyer, handler.keeper()];
        for (uint256 i = 0; i < spenders.length; ++i) {
            vm.assertEq(usdc.allowance(address(burner), spenders[i]), 0, "25: no approval");
        }
    }

    function check_26_SettingsAreTheTimelocksAndInsideTheirLimits() private view {
        IBuybackBurner.Bounds memory set = burner.bounds();
        vm.assertEq(keccak256(abi.encode(set)), keccak256(abi.encode(handler.bounds())), "26: bounds");
        vm.assertTrue(burner.keeper() == handler.keeper(), "26: the keeper");
        vm.assertEq(creditSales.priceOf(1), handler.price(), "26: the price");
        assertWithin(set.lot, 1e6, 25_000e6);
        assertWithin(set.hop, 1 hours, 30 days);
        assertWithin(set.window, 30 minutes, 1 days);
        assertWithin(set.deviation, 10, 500);
        assertWithin(set.floor, 9_500, 10_000);
        assertWithin(creditSales.priceOf(1), 1e6, 1_000e6);
    }

    function assertWithin(uint256 value, uint256 minimum, uint256 maximum) private pure {
        vm.assertTrue(value >= minimum && value <= maximum, "26: inside the limits");
    }
}

/// @dev The same where USDC has the higher address.
contract BuybackInvariantsReversedTest is BuybackInvariantsTest {
    function usdcIsToken0() internal pure override returns (bool) {
        return false;
    }
}
