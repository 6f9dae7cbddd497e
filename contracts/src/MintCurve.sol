// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title The price of DIEM
/// @notice rate(S) = 90 * exp(2 * (S/T)^3) wei of sVVV per wei of DIEM at supply S and target T, and its integral
/// from zero, the potential F(S). With y = 2 * (S/T)^3:
///
///     rate(S) = 90 * sum of y^n / n!             F(S) = 90 * S * sum of y^n / (n! * (3n + 1))
///
/// A mint of d locks F(S+d) - F(S). Differences of one function telescope, so a mint costs the same to the wei
/// however it is split (invariant 15).
/// @dev 1e27 fixed point; a series runs until its terms vanish, 54 of them at the cap. Every step rounds a
/// non-decreasing function of S down, so rounding never makes F dip: it grows by at least 90 wei with every wei
/// (invariant 16). At the live target F is at most 4 wei below its true value, which the test vectors show, and at
/// most POTENTIAL_ERROR below for every target up to TARGET_MAX.
library MintCurve {
    using Math for uint256;

    uint256 internal constant TARGET_MIN = 1e18;
    uint256 internal constant TARGET_MAX = 1_000_000e18;
    uint256 internal constant POTENTIAL_ERROR = 128;

    uint256 private constant RAY = 1e27;
    uint256 private constant BASE = 90;
    uint256 private constant POWER = 2;

    /// @dev More than all terms of the slope together lose by rounding, in the slope's own unit of 1e-27.
    uint256 private constant SLOPE_ERROR = 100_000_000;

    /// @dev Newton needs 12 rounds in the worst case that was found.
    uint256 private constant ROUNDS_MAX = 32;

    /// @notice The supply would pass `cap`. Wei of DIEM.
    error SupplyAboveCap(uint256 supply, uint256 cap);

    /// @notice The search for an amount did not end: a bug, never a state.
    error SearchDidNotEnd();

    /// @notice The largest supply at `target`: one and a half times.
    function cap(uint256 target) internal pure returns (uint256) {
        return target + target / 2;
    }

    /// @notice F(supply), rounded down, in wei of sVVV.
    function potential(uint256 supply, uint256 target) internal pure returns (uint256) {
        (uint256 reached,) = _potentialAndSlope(supply, target);
        return reached;
    }

    /// @notice Wei of sVVV for one whole DIEM at the margin, rounded down.
    function rate(uint256 supply, uint256 target) internal pure returns (uint256) {
        (, uint256 slope) = _potentialAndSlope(supply, target);
        return slope / 1e9;
    }

    /// @notice The most that a lock of `lock` wei of sVVV mints at `supply`, at most up to the cap.
    /// @dev Newton's method from above on a convex function. With m the answer, every `amount` on the way is >= m:
    /// the tangent at `supply` bounds m from above, and so does the tangent at every later point; the step is
    /// lessened by all that the rounding of F and of its slope can amount to. So the first amount that is
    /// affordable is m.
    /// @return amount Wei of DIEM. One wei more would lock more than `lock` or pass the cap.
    /// @return locked F(supply + amount) - F(supply), at most `lock`.
    function amountFor(uint256 lock, uint256 supply, uint256 target)
        internal
        pure
        returns (uint256 amount, uint256 locked)
    {
        // F is far below 2**128 at every cap: a larger lock buys the same.
        if (lock > type(uint128).max) lock = type(uint128).max;
        (uint256 start, uint256 slope) = _potentialAndSlope(supply, target);
        uint256 room = cap(target) - supply;
        amount = (lock + POTENTIAL_ERROR) * RAY / slope;
        if (amount > room) amount = room;

        for (uint256 round = 0; round < ROUNDS_MAX; ++round) {
            uint256 reached;
            (reached, slope) = _potentialAndSlope(supply + amount, target);
            locked = reached - start;
            if (locked <= lock) return (amount, locked);

            uint256 excess = locked - lock;
            uint256 step = 1;
            if (excess > POTENTIAL_ERROR) {
                step = ((excess - POTENTIAL_ERROR) * RAY).ceilDiv(slope + SLOPE_ERROR);
            }
            amount -= step;
        }
        revert SearchDidNotEnd();
    }

    /// @dev Both series at once; the slope times 1e27, in wei of sVVV per wei of DIEM.
    function _potentialAndSlope(uint256 supply, uint256 target)
        private
        pure
        returns (uint256 reached, uint256 slope)
    {
        uint256 y = _exponent(supply, target);
        unchecked {
            // No overflow: y <= 6.75e27 holds every term below 1e30, and TARGET_MAX every supply below 2e24.
            uint256 sum = RAY;
            uint256 term = RAY;
            slope = RAY;
            for (uint256 n = 1; (term = term * y / (n * RAY)) != 0; ++n) {
                sum += term / (3 * n + 1);
                slope += term;
            }
            return (supply * BASE * sum / RAY, BASE * slope);
        }
    }

    /// @dev y = 2 * (S/T)^3, times 1e27.
    function _exponent(uint256 supply, uint256 target) private pure returns (uint256) {
        if (supply > cap(target)) revert SupplyAboveCap(supply, cap(target));
        unchecked {
            uint256 ratio = supply * RAY / target;
            // In fixed point every product is scaled back, and each such step rounds F down.
            // slither-disable-next-line divide-before-multiply
            return POWER * (ratio * ratio / RAY * ratio / RAY);
        }
    }
}
