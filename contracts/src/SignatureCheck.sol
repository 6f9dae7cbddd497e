// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Whether a wallet that is a contract accepts a signature, asked in one call that deploys nothing
/// @notice Its creation code with the arguments of the constructor is the data of an eth_call without `to`. What
/// comes back is one byte: 01 where the wallet accepts the signature (ERC-1271), 00 where it does not.
/// @dev A wallet that is not deployed yet, or not ready, names a factory that makes it so (ERC-6492); nothing of that
/// outlives the call. It is never deployed for good, and holds and is allowed nothing. It reverts only without gas.
contract SignatureCheck {
    /// @dev What `isValidSignature(bytes32,bytes)` answers to yes: its own selector, in a word.
    bytes32 private constant YES = bytes32(bytes4(0x1626ba7e));

    constructor(
        address account,
        bytes32 digest,
        bytes memory signature,
        address factory,
        bytes memory preparation
    ) {
        bool valid = _accepts(account, digest, signature);
        if (!valid && factory != address(0)) {
            _call(factory, preparation);
            valid = _accepts(account, digest, signature);
        }
        assembly ("memory-safe") {
            mstore8(0, valid)
            return(0, 1)
        }
    }

    /// @dev A static call, so that asking changes nothing; of what comes back a word is read, however long it is.
    function _accepts(address account, bytes32 digest, bytes memory signature) private view returns (bool) {
        bytes memory question = abi.encodeWithSelector(bytes4(YES), digest, signature);
        bytes32 answer;
        assembly ("memory-safe") {
            mstore(0, 0)
            let done := staticcall(gas(), account, add(question, 32), mload(question), 0, 32)
            // An address without code answers nothing, and that is no yes.
            if and(done, gt(returndatasize(), 31)) { answer := mload(0) }
        }
        return answer == YES;
    }

    /// @dev Whether it succeeds shows in what the wallet answers then.
    function _call(address target, bytes memory data) private {
        assembly ("memory-safe") {
            pop(call(gas(), target, 0, add(data, 32), mload(data), 0, 0))
        }
    }
}
