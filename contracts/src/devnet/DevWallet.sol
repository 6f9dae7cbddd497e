// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @title The smallest wallet that is a contract (ERC-1271), on a development chain and in tests
/// @notice What its owner signs, followed by the wallet's own address, is its signature: 85 bytes.
contract DevWallet {
    address public immutable owner;

    constructor(address owner_) {
        owner = owner_;
    }

    /// @notice Answers with its own selector where the wallet accepts `signature` for `digest`.
    function isValidSignature(bytes32 digest, bytes calldata signature)
        external
        view
        returns (bytes4 answer)
    {
        if (signature.length != 85 || address(bytes20(signature[65:])) != address(this)) return 0xffffffff;
        (address signer,,) = ECDSA.tryRecover(digest, signature[:65]);
        return signer == owner ? this.isValidSignature.selector : bytes4(0xffffffff);
    }
}

/// @title Makes DevWallets at addresses that are known before
contract DevWalletFactory {
    /// @notice Returns the wallet of `owner`; makes it where it is not there yet.
    function make(address owner) external returns (address wallet) {
        wallet = addressOf(owner);
        if (wallet.code.length == 0) wallet = address(new DevWallet{salt: 0}(owner));
    }

    /// @notice Where the wallet of `owner` is, or will be.
    function addressOf(address owner) public view returns (address) {
        bytes32 code = keccak256(abi.encodePacked(type(DevWallet).creationCode, abi.encode(owner)));
        return
            address(uint160(uint256(keccak256(abi.encodePacked(hex"ff", address(this), bytes32(0), code)))));
    }
}
