// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {MintCurve} from "../MintCurve.sol";

/// @title Reads MintCurve at many points in one call, on a development chain and in tests
contract CurveProbe {
    /// @notice Where the curve is read: wei of DIEM, and for `lock` wei of sVVV.
    struct Point {
        uint256 target;
        uint256 supply;
        uint256 amount;
        uint256 lock;
    }

    /// @notice What the curve says there: the potential and the rate at `supply`, the lock for `amount`, and what
    /// `lock` mints for which lock.
    struct Reading {
        uint256 potential;
        uint256 rate;
        uint256 lockFor;
        uint256 amountFor;
        uint256 locked;
    }

    /// @notice One reading for each point, in their order.
    /// @dev Reverts with the curve's SupplyAboveCap where `supply + amount` is above it.
    function read(Point[] calldata points) external pure returns (Reading[] memory readings) {
        readings = new Reading[](points.length);
        for (uint256 i = 0; i < points.length; ++i) {
            Point calldata at = points[i];
            Reading memory found = readings[i];
            found.potential = MintCurve.potential(at.supply, at.target);
            found.rate = MintCurve.rate(at.supply, at.target);
            found.lockFor = MintCurve.potential(at.supply + at.amount, at.target) - found.potential;
            (found.amountFor, found.locked) = MintCurve.amountFor(at.lock, at.supply, at.target);
        }
    }
}
