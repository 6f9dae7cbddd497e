// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {RampBook} from "./Books.sol";
import {TimeActions} from "./TimeActions.sol";

/// @title What the timelock and the guardian do, and what is refused to them too
abstract contract PowerActions is TimeActions {
    function lowerEmission(uint256 percent) external watched {
        refuseRate(rate);
        refuseRate(rate + 1);
        if (rate < 1e15) return;
        uint256 newRate = rate * bound(percent, 80, 99) / 100;
        vm.prank(c.timelock);
        c.stakedVVV.lowerEmissionRate(newRate);
        uint256 supply = c.vvv.totalSupply();
        same(supply, genesis + emitted - burned, "2: the time before a change has its own rate");
        rate = newRate;
    }

    /// @dev At the steepest that is allowed, or flatter.
    function raiseTarget(uint256 rise, uint256 flatter) external watched {
        uint256 current = targetNow();
        uint256 most = 1_000_000e18 - current;
        rise = bound(rise, 1, current / 100 < most ? current / 100 : most);
        uint256 minimum = (rise * 400 days + current - 1) / current;
        uint256 duration = minimum + flatter % 3 * 1 days;
        refuseTarget(current, 1 days);
        refuseTarget(current - 1, 1 days);
        refuseTarget(current + rise, minimum - 1);
        refuseTarget(1_000_000e18 + 1, 400_000 days);
        vm.prank(c.timelock);
        c.diemMint.raiseTarget(current + rise, duration);
        ramp = RampBook(current, current + rise, block.timestamp, block.timestamp + duration);
    }

    function brake(uint256 duration, uint256 seed) external watched {
        bool isShort = seed % 2 == 0;
        refused(c.keeper, address(c.guardian), pauseOf(7 days + 1), "26: seven days at most");
        if (isPaused()) {
            refused(c.keeper, address(c.guardian), pauseOf(1), "26: a pause is not extended");
            if (!isShort) return;
            vm.prank(c.keeper);
            c.guardian.resumeEntries();
            pausedUntil = block.timestamp;
        } else if (block.timestamp < pausedUntil + 7 days && pausedUntil != 0) {
            refused(c.keeper, address(c.guardian), pauseOf(1), "26: not again for seven days");
        } else {
            pauseFor(isShort ? bound(duration, 1, 1 days) : 7 days);
        }
    }

    function pauseFor(uint256 duration) internal {
        vm.prank(c.keeper);
        c.guardian.pauseEntries(duration);
        pausedUntil = block.timestamp + duration;
    }

    function pauseOf(uint256 duration) internal view returns (bytes memory) {
        return abi.encodeCall(c.guardian.pauseEntries, (duration));
    }

    function refuseRate(uint256 newRate) private {
        bytes memory order = abi.encodeCall(c.stakedVVV.lowerEmissionRate, (newRate));
        refused(c.timelock, address(c.stakedVVV), order, "2: the rate never rises");
    }

    function refuseTarget(uint256 newTarget, uint256 duration) private {
        bytes memory order = abi.encodeCall(c.diemMint.raiseTarget, (newTarget, duration));
        refused(c.timelock, address(c.diemMint), order, "26: the target rises only, on its ramp");
    }
}
