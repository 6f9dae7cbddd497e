// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ReplicaToken} from "./ReplicaToken.sol";

/// @title Replica of the live VVV, for development chains and tests
/// @notice Burning is a transfer to the zero address: what circulates is `totalSupply - balanceOf(0)`. The owner, which
/// is the staking contract, mints the emission.
contract ReplicaVVV is ReplicaToken {
    /// @notice The staking contract.
    address public immutable owner;

    /// @notice Only the owner mints.
    error OnlyOwner(address caller);

    /// @param holder Receives the genesis supply.
    /// @param supply Wei of VVV.
    /// @param owner_ The staking contract, which may be a predicted address.
    constructor(address holder, uint256 supply, address owner_) ReplicaToken("Replica of VVV", "VVV", true) {
        owner = owner_;
        _mint(holder, supply);
    }

    /// @notice Mints `amount` wei to `to`.
    function mint(address to, uint256 amount) external {
        if (msg.sender != owner) revert OnlyOwner(msg.sender);
        _mint(to, amount);
    }
}
