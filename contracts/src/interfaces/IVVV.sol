// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMintedToken} from "./IMintedToken.sol";

/// @title VVV
/// @notice The token that is staked. Invariant 1: totalSupply == genesis + sum of emission - sum of burns, so a burn
/// really lowers the supply.
interface IVVV is IMintedToken {
    /// @notice Burns `amount` wei of the caller's VVV.
    function burn(uint256 amount) external;

    /// @notice Burns `amount` wei of `account`'s VVV out of the caller's allowance.
    function burnFrom(address account, uint256 amount) external;
}
