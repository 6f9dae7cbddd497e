// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Guardian} from "../../src/Guardian.sol";
import {StakedVVV} from "../../src/StakedVVV.sol";
import {IGuardian} from "../../src/interfaces/IGuardian.sol";
import {IVVV} from "../../src/interfaces/IVVV.sol";
import {MarketVm} from "../support/MarketVm.sol";
import {Symbolic} from "./Symbolic.sol";

/// @dev The contract's own code; only what it keeps to itself can be read.
contract Accruals is StakedVVV {
    constructor(IVVV vvv_, IGuardian guardian_)
        StakedVVV(vvv_, address(1), address(1), address(1), guardian_, 1, block.timestamp)
    {}

    function accrued() external view returns (uint256 minted, uint256 index, uint256 remainder) {
        return _accrued();
    }
}

/// @dev A token that takes everybody for its minter: halmos gives addresses that cannot be predicted.
contract AnybodysToken {
    function minter() external view returns (address) {
        return msg.sender;
    }
}

/// @title The division of the emission, from every state
contract AccrualProof is Symbolic {
    MarketVm private constant cheats = MarketVm(address(vm));
    bytes32 private constant TOTALS_SLOT = 0;
    bytes32 private constant EMISSION_SLOT = bytes32(uint256(3));
    uint256 private constant STAKE = 7;
    uint40 private constant SINCE = 1 days;
    uint256 private constant RAY = 1e27;

    Accruals private station;

    function setUp() public {
        Guardian guardian = new Guardian(address(this), address(this));
        station = new Accruals(IVVV(address(new AnybodysToken())), guardian);
        svm.enableSymbolicStorage(address(station));
    }

    /// @dev For a stake of 7 wei, and at most 2 wei a second for 2 seconds: quotients of unknown numbers of 256 bits are
    /// out of a solver's reach. What the index gained, times the stake, and what is left over are together what was minted
    /// and what was left over before, and less than a step is left over.
    function check_NothingIsLostInAnAccrual(uint8 rate, uint8 leftOver, uint8 elapsed) public {
        vm.assume(rate < 3 && elapsed < 3);
        vm.assume(leftOver < 5 * STAKE && elapsed != 0);
        cheats.store(address(station), TOTALS_SLOT, bytes32(STAKE));
        store(uint256(leftOver) << 136 | uint256(SINCE) << 96 | rate);
        vm.warp(SINCE);
        (, uint256 indexBefore, uint256 remainderBefore) = station.accrued();
        vm.assume(indexBefore < 2 ** 200);
        vm.warp(SINCE + elapsed);
        (uint256 minted, uint256 index, uint256 remainder) = station.accrued();

        assert(station.totalStaked() == STAKE && remainderBefore == leftOver);
        assert(minted == uint256(rate) * elapsed);
        assert((index - indexBefore) * STAKE + remainder == minted * RAY + leftOver);
        assert(remainder < 5 * STAKE);
    }

    function check_NothingIsMintedForTimeInWhichNobodyStaked(uint256 emission, uint64 moment) public {
        store(emission);
        vm.assume(station.totalStaked() == 0);
        vm.warp(station.lastRewardTimestamp());
        (, uint256 indexBefore, uint256 remainderBefore) = station.accrued();
        vm.warp(moment);
        (uint256 minted, uint256 index, uint256 remainder) = station.accrued();

        assert(minted == 0 && index == indexBefore && remainder == remainderBefore);
    }

    /// @dev What the constructor wrote is not made symbolic with the rest: rate, clock and remainder, in one slot.
    function store(uint256 emission) private {
        cheats.store(address(station), EMISSION_SLOT, bytes32(emission));
        assert(station.emissionRatePerSecond() == uint96(emission));
    }
}
