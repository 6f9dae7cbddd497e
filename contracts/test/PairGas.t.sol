// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {PairSystem} from "./support/PairSystem.sol";

/// @dev As in Gas.t.sol, for the second venue of buybacks. A poke writes a place in the ring for the first time.
/// forge-config: default.isolate = true
contract PairGasTest is PairSystem {
    function test_GasOfPairVenue() public {
        run(1_000e6);
        pass(4 hours);
        vm.warp(block.timestamp + 5 minutes);
        venue.poke();
        vm.snapshotGasLastCall("PairVenue", "poke");
        vm.startPrank(buyer);
        burner.execute(1, 10_000e6, 0, block.timestamp);
        vm.snapshotGasLastCall("PairVenue", "execute of BuybackBurner");
        vm.stopPrank();
        crowd.sellFor(alice, vvv, 1e18);
        crowd.sellFor(alice, vvv, 1e18);
        vm.snapshotGasLastCall("PairVenue", "swap");
    }
}
