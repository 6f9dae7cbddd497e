// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMintedToken} from "./IMintedToken.sol";

/// @title DIEM
/// @notice One staked DIEM is one dollar of inference a day. Invariant 14: totalSupply equals what all positions of
/// DiemMint have minted, so nobody else can mint or burn.
interface IDIEM is IMintedToken {
    /// @notice Burns `amount` wei of `account`'s DIEM without an allowance. Only the minter.
    /// @dev The minter passes nobody but its own caller as `account`.
    function burn(address account, uint256 amount) external;
}
