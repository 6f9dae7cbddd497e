// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title The live mint curve: a table of 256 steps, which the owner sets, for development chains and tests
/// @notice From `diemSupply[i - 1]` up to `diemSupply[i]` a whole DIEM costs `diemMintRates[i]` wei of sVVV. A mint that
/// crosses a bound pays each step's rate for its part. Where the live contract's rounding is not known, it is against
/// the caller; beyond the last bound nothing is minted.
abstract contract ReplicaCurve {
    uint256 internal constant STEPS = 256;
    uint256 internal constant ONE = 1e18;

    /// @notice The supply of DIEM at which step `i` ends.
    uint256[STEPS] public diemSupply;
    /// @notice Wei of sVVV for one whole DIEM within step `i`.
    uint256[STEPS] public diemMintRates;

    /// @notice A lock that would mint beyond the last step of the table.
    error BeyondTheTable(uint256 lock);
    /// @notice The bounds of the steps must rise, and no rate may be zero.
    error NotACurve(uint256 step);

    function _setCurve(uint256[STEPS] calldata supplies, uint256[STEPS] calldata rates) internal {
        uint256 previous = 0;
        for (uint256 i = 0; i < STEPS; ++i) {
            if (supplies[i] <= previous || rates[i] == 0) revert NotACurve(i);
            previous = supplies[i];
            diemSupply[i] = previous;
            diemMintRates[i] = rates[i];
        }
    }

    /// @dev The wei of DIEM for a lock of `lock` wei of sVVV at `supply`, rounded down in every step.
    function _amountOut(uint256 lock, uint256 supply) internal view returns (uint256 amount) {
        uint256 left = lock;
        for (uint256 i = 0; i < STEPS; ++i) {
            uint256 bound = diemSupply[i];
            if (supply >= bound) continue;
            uint256 rate = diemMintRates[i];
            uint256 room = bound - supply;
            uint256 cost = (room * rate + ONE - 1) / ONE;
            if (left < cost) return amount + left * ONE / rate;
            left -= cost;
            amount += room;
            supply = bound;
        }
        if (left != 0) revert BeyondTheTable(lock);
    }
}
