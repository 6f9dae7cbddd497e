// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Vm} from "./Vm.sol";

/// @title What every test contract has
abstract contract Test {
    /// @dev forge answers at this address: the last 20 bytes of keccak256("hevm cheat code").
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    /// @dev Folds any number into [minimum, maximum], both ends included.
    function bound(uint256 number, uint256 minimum, uint256 maximum) internal pure returns (uint256) {
        require(minimum <= maximum, "an empty range");
        if (number >= minimum && number <= maximum) return number;
        uint256 size = maximum - minimum + 1;
        return size == 0 ? number : minimum + number % size;
    }

    /// @dev An address that holds no code, with a name in traces.
    function person(string memory name) internal returns (address made) {
        made = vm.addr(privateKeyOf(name));
        vm.label(made, name);
    }

    function privateKeyOf(string memory name) internal pure returns (uint256) {
        return uint256(keccak256(bytes(name)));
    }

    function list(uint256 one) internal pure returns (uint256[] memory made) {
        made = new uint256[](1);
        made[0] = one;
    }

    function list(uint256 one, uint256 two) internal pure returns (uint256[] memory made) {
        made = new uint256[](2);
        (made[0], made[1]) = (one, two);
    }
}
