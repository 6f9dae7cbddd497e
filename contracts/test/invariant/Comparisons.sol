// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {MarketVm} from "../support/MarketVm.sol";
import {Test} from "../support/Test.sol";

/// @title Assertions of a campaign
/// @dev Some hundred million of them are made: forge is asked to put one into words only when it fails, which halves
/// the time of a run.
abstract contract Comparisons is Test {
    MarketVm internal constant cheats = MarketVm(address(vm));

    function holds(bool condition, string memory sentence) internal pure {
        if (!condition) vm.assertTrue(false, sentence);
    }

    function same(uint256 found, uint256 wanted, string memory sentence) internal pure {
        if (found != wanted) vm.assertEq(found, wanted, sentence);
    }

    function atLeast(uint256 found, uint256 minimum, string memory sentence) internal pure {
        if (found < minimum) vm.assertGe(found, minimum, sentence);
    }

    function atMost(uint256 found, uint256 maximum, string memory sentence) internal pure {
        if (found > maximum) vm.assertLe(found, maximum, sentence);
    }

    /// @dev `caller` tries, and must fail.
    function refused(address caller, address target, bytes memory order, string memory sentence)
        internal
        virtual
    {
        vm.prank(caller);
        (bool done,) = target.call(order);
        holds(!done, sentence);
    }
}
