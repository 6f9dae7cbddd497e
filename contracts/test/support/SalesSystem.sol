// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {DevDollar} from "../../src/devnet/DevDollar.sol";
import {WholeSystem} from "./WholeSystem.sol";

/// @title What tests of sales do
abstract contract SalesSystem is WholeSystem {
    bytes32 private constant PERMIT =
        keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");

    /// @dev Dollars in the hand, and approved to the sales.
    function giveDollars(address account, uint256 amount) internal {
        usdc.mint(account, amount);
        vm.prank(account);
        usdc.approve(address(creditSales), amount);
    }

    function setPrice(uint256 tier, uint256 price) internal {
        vm.prank(timelock);
        creditSales.setPrice(tier, price);
    }

    /// @dev Of the person `name`, for the sales, good for an hour.
    function signPermit(string memory name, DevDollar token, uint256 amount)
        internal
        returns (uint256 deadline, uint8 v, bytes32 r, bytes32 s)
    {
        address owner = person(name);
        deadline = block.timestamp + 1 hours;
        bytes32 permit =
            keccak256(abi.encode(PERMIT, owner, address(creditSales), amount, token.nonces(owner), deadline));
        bytes32 digest = keccak256(abi.encodePacked("\x19\x01", token.DOMAIN_SEPARATOR(), permit));
        (v, r, s) = vm.sign(privateKeyOf(name), digest);
    }
}
