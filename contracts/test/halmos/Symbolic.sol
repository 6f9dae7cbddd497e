// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Test} from "../support/Test.sol";

/// @title The cheat codes of halmos that the proofs use
interface Svm {
    /// @dev From here on all storage of `target` may hold anything.
    function enableSymbolicStorage(address target) external;

    /// @dev Any call of any function that changes state.
    function createCalldata(string calldata contractName) external pure returns (bytes memory);
}

/// @title What every proof has
/// @dev A proof is a function named `check_`: forge passes it by, and `make halmos` shows that no arguments exist for
/// which an assertion in it fails. A call that reverts ends a path without a claim about it.
abstract contract Symbolic is Test {
    /// @dev halmos answers at this address: the last 20 bytes of keccak256("svm cheat code").
    Svm internal constant svm = Svm(address(uint160(uint256(keccak256("svm cheat code")))));
}
