// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC20Votes} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Votes.sol";
import {ERC4626} from "@openzeppelin/contracts/token/ERC20/extensions/ERC4626.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

/// @dev OpenZeppelin's vault with nothing added: it earns nothing, and its exits wait for nothing.
contract PlainVault is ERC4626 {
    constructor(IERC20 asset) ERC20("Vault", "VAULT") ERC4626(asset) {}
}

/// @dev OpenZeppelin's token with votes that can be delegated, and nothing added.
contract PlainVotes is ERC20Votes {
    constructor(address holder, uint256 amount) ERC20("Votes", "VOTES") EIP712("Votes", "1") {
        _mint(holder, amount);
    }
}
