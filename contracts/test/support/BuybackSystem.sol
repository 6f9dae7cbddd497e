// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {PoolPrice} from "../../src/PoolPrice.sol";
import {IBuybackBurner} from "../../src/interfaces/IBuybackBurner.sol";
import {DevTrader} from "../../src/devnet/DevTrader.sol";
import {WholeSystem} from "./WholeSystem.sol";

/// @title What tests of buybacks do
abstract contract BuybackSystem is WholeSystem {
    uint256 internal constant SET_ASIDE = 100_000e6;
    uint256 internal constant FLOOR = 9_800;
    int24 internal constant DEVIATION = 150;

    function setUp() public virtual override {
        super.setUp();
        setAside(SET_ASIDE);
    }

    function setBounds(IBuybackBurner.Bounds memory bounds) internal {
        vm.prank(timelock);
        burner.setBounds(bounds);
    }

    /// @dev What a run would do now, without doing it.
    function dryRun(uint256 usdcIn) internal returns (uint256 spent, uint256 burned) {
        uint256 before = cheats.snapshotState();
        (spent, burned) = run(usdcIn);
        cheats.revertToState(before);
    }

    function referencePrice() internal view returns (uint256 price) {
        (price,,) = burner.market();
    }

    /// @dev The least that a run may burn for `spent`, computed as the event tells anybody to.
    function floorOf(uint256 spent, uint256 price) internal view returns (uint256) {
        return (spent * price * burner.bounds().floor + 1e10 - 1) / 1e10;
    }

    /// @dev What a trader has, in units of USDC at `price`, rounded down.
    function worth(DevTrader who, uint256 price) internal view returns (uint256) {
        return usdc.balanceOf(address(who)) + vvv.balanceOf(address(who)) * 1e6 / price;
    }

    /// @dev The price at which VVV is `dearer` ticks dearer than the market's first price.
    function priceOf(int24 dearer) internal view returns (uint160) {
        return PoolPrice.sqrtPriceAt(tickOf(dearer));
    }

    function spotPrice() internal view returns (uint160 spot) {
        (spot,,,,,,) = pool.slot0();
    }

    /// @dev The next price that the pool can have, in the direction in which VVV gets dearer.
    function hairInside(uint160 price) internal view returns (uint160) {
        return usdcIsToken0() ? price - 1 : price + 1;
    }
}
