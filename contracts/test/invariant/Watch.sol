// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {DIEM} from "../../src/DIEM.sol";
import {DiemMint} from "../../src/DiemMint.sol";
import {Guardian} from "../../src/Guardian.sol";
import {InferenceStake} from "../../src/InferenceStake.sol";
import {StakedVVV} from "../../src/StakedVVV.sol";
import {VVV} from "../../src/VVV.sol";
import {Test} from "../support/Test.sol";

struct Contracts {
    Guardian guardian;
    VVV vvv;
    StakedVVV stakedVVV;
    DIEM diem;
    DiemMint diemMint;
    InferenceStake inferenceStake;
    address timelock;
    address keeper;
}

/// @title The actors, and what no call may do to those whom it does not concern
/// @dev Every action of the handler runs under `watched`: before and after it, all actors are compared.
abstract contract Watch is Test {
    struct Sight {
        uint256 pending;
        uint256 principal;
        uint256 locked;
        uint256 minted;
        uint256 staked;
        uint256 current;
        uint256 epoch;
    }

    Contracts internal c;
    address[] public actors;

    /// @dev Invariants 1 to 3: what the emission should be, by the clock of the handler, which alone moves time.
    uint256 public emitted;
    uint256 public burned;
    /// @dev Invariant 19 allows 4 wei for each.
    uint256 public mints;

    constructor(Contracts memory contracts, address[] memory actors_) {
        c = contracts;
        actors = actors_;
    }

    modifier watched(address actor, address other) {
        Sight[] memory before = new Sight[](actors.length);
        for (uint256 i = 0; i < actors.length; ++i) {
            before[i] = sight(actors[i]);
        }
        _;
        for (uint256 i = 0; i < actors.length; ++i) {
            compare(actors[i], actors[i] == actor, actors[i] == other, before[i]);
        }
    }

    /// @dev Time passes, and with it emission, if anything is staked.
    function passTo(uint256 moment) internal {
        if (moment <= block.timestamp) return;
        if (c.stakedVVV.totalStaked() != 0) {
            emitted += c.stakedVVV.emissionRatePerSecond() * (moment - block.timestamp);
        }
        vm.warp(moment);
    }

    function isPaused() internal view returns (bool) {
        return block.timestamp < c.guardian.pausedUntil();
    }

    function pick(uint256 seed) internal view returns (address) {
        return actors[seed % actors.length];
    }

    function sight(address account) private view returns (Sight memory seen) {
        seen.pending = c.stakedVVV.pendingRewards(account);
        seen.principal = c.stakedVVV.balanceOf(account) + c.stakedVVV.coolingOf(account);
        (seen.locked, seen.minted) = c.diemMint.lockedStakes(account);
        seen.staked = c.inferenceStake.stakedOf(account) + c.inferenceStake.coolingOf(account);
        (seen.current,) = c.inferenceStake.allowanceOf(account);
        seen.epoch = c.inferenceStake.epoch();
    }

    /// @dev `other` received a stake or an allowance: the gift may raise its figures, and nothing may lower them.
    function compare(address account, bool isActor, bool isOther, Sight memory before) private view {
        Sight memory now_ = sight(account);
        if (now_.epoch == before.epoch) {
            vm.assertGe(now_.current, before.current, "a granted dollar is not taken back within its epoch");
        }
        if (isActor) return;
        vm.assertGe(now_.pending, before.pending, "7: rewards never fall by the acts of others");
        vm.assertGe(now_.principal, before.principal, "12: principal is nobody else's");
        vm.assertGe(now_.staked, before.staked, "12: staked DIEM is nobody else's");
        vm.assertEq(now_.locked, before.locked, "12: a lock is nobody else's");
        vm.assertEq(now_.minted, before.minted, "12: a position is nobody else's");
        if (isOther) return;
        vm.assertEq(now_.principal, before.principal, "12: principal is left alone");
        vm.assertEq(now_.staked, before.staked, "12: staked DIEM is left alone");
    }
}
