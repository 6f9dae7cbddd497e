// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title A contract whose amounts of USDC are counted in units of a millionth
interface IUsdcPriced {
    /// @notice The token does not have USDC's six decimals: every price and bound would be off by powers of ten.
    error NotSixDecimals(address token, uint8 decimals);
}
