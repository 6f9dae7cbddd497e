// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IWired} from "./IWired.sol";

/// @title An ERC-20 with ERC-2612 permit and exactly one minter, fixed for ever
/// @notice Eighteen decimals. No owner, no pause, no list of addresses.
interface IMintedToken is IERC20, IWired {
    /// @notice The caller is not the minter.
    error OnlyMinter(address caller);

    /// @notice Tokens sent to the token itself could never leave it again.
    error ReceiverRefused(address receiver);

    /// @notice Mints `amount` wei to `account`. Only the minter.
    function mint(address account, uint256 amount) external;

    /// @notice The only address that may mint.
    function minter() external view returns (address);
}
