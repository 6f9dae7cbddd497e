// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IWired} from "./interfaces/IWired.sol";

/// @title What every constructor checks about its partners
library Wiring {
    /// @dev For partners whose address is only predicted: their own constructors check the other direction.
    function requireAddress(address partner) internal pure {
        if (partner == address(0)) revert IWired.ZeroAddress();
    }

    /// @dev For partners that must have been deployed before.
    function requireCode(address partner) internal view {
        if (partner.code.length == 0) revert IWired.NoCodeAt(partner);
    }

    /// @dev `wiredTo` is what `partner` answers when it is asked for its counterpart.
    function requireWiredToThis(address partner, address wiredTo) internal view {
        if (wiredTo != address(this)) revert IWired.NotWiredToThis(partner, wiredTo, address(this));
    }
}
