// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {Wiring} from "./Wiring.sol";
import {IUsdcPriced} from "./interfaces/IUsdcPriced.sol";

/// @title What is known of USDC
library Usdc {
    /// @dev One dollar.
    uint256 internal constant UNIT = 1e6;
    uint8 private constant DECIMALS = 6;

    /// @dev For constructors: the token must be there, and count as USDC does.
    function requireToken(address token) internal view {
        Wiring.requireCode(token);
        uint8 decimals = IERC20Metadata(token).decimals();
        if (decimals != DECIMALS) revert IUsdcPriced.NotSixDecimals(token, decimals);
    }
}
