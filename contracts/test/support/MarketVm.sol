// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Vm} from "./Vm.sol";

/// @title The cheat codes that the tests of sales, buybacks and roots use beside those of Vm
interface MarketVm is Vm {
    function parseJsonBytes(string calldata json, string calldata key) external pure returns (bytes memory);
    function parseJsonString(string calldata json, string calldata key) external pure returns (string memory);
    function parseBytes(string calldata hexadecimal) external pure returns (bytes memory);
    function store(address target, bytes32 slot, bytes32 value) external;
    function roll(uint256 number) external;
    function etch(address target, bytes calldata code) external;

    function snapshotState() external returns (uint256 id);
    function revertToState(uint256 id) external returns (bool);
    function revertToStateAndDelete(uint256 id) external returns (bool);
}
