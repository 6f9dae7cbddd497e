// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {Wiring} from "./Wiring.sol";
import {IMintedToken} from "./interfaces/IMintedToken.sol";

/// @title Base of both tokens
abstract contract MintedToken is IMintedToken, ERC20Permit {
    /// @inheritdoc IMintedToken
    address public immutable minter;

    constructor(string memory name_, string memory symbol_, address minter_)
        ERC20(name_, symbol_)
        ERC20Permit(name_)
    {
        Wiring.requireAddress(minter_);
        minter = minter_;
    }

    /// @inheritdoc IMintedToken
    function mint(address account, uint256 amount) external {
        _requireMinter();
        _mint(account, amount);
    }

    function _requireMinter() internal view {
        if (msg.sender != minter) revert OnlyMinter(msg.sender);
    }

    function _update(address from, address to, uint256 amount) internal override {
        if (to == address(this)) revert ReceiverRefused(to);
        super._update(from, to, amount);
    }
}
