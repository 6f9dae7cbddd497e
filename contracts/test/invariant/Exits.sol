// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IStation} from "../../src/interfaces/IStation.sol";
import {Mischief} from "./Mischief.sol";

/// @title Everybody takes everything out (invariant 13), and each can alone (invariant 12)
abstract contract Exits is Mischief {
    /// @dev The dearest exit is the first of all in a young system, with 155,000: it writes every slot anew.
    uint256 private constant EXIT_GAS = 170_000;

    modifier undone() {
        uint256 before = cheats.snapshotState();
        _;
        cheats.revertToStateAndDelete(before);
    }

    /// @dev Once in a while for good, so that a run goes on from an empty system; else as an experiment.
    function everybodyLeaves(uint256 seed) external watched {
        if (seed % 16 == 0) leave();
        else if (seed % 2 == 1) leaveAndReturn(seed % 4 == 1);
    }

    /// @dev What each can take out now, at what price, whatever the others have done.
    function leaveAlone(uint256 actorSeed) external watched {
        leaveAndMeasure(pick(actorSeed));
    }

    function leaveAndReturn(bool isPausing) private undone {
        bool mayPause = pausedUntil == 0 || block.timestamp >= pausedUntil + 7 days;
        if (isPausing && mayPause) pauseFor(7 days);
        leave();
    }

    function leave() private {
        ++met.exoduses;
        for (uint256 id = delegations.length; id != 0; --id) {
            if (delegations[id - 1].open) endDelegationOf(id);
        }
        for (uint256 i = 0; i < actors.length; ++i) {
            uint256 staked = books[actors[i]].staked;
            if (staked != 0) request(c.inferenceStake, actors[i], staked);
        }
        passTo(block.timestamp + 1 days);
        claimAll(c.inferenceStake);
        bringDiemTogether();
        for (uint256 i = 0; i < actors.length; ++i) {
            burnAndRequest(actors[i]);
        }
        for (uint256 i = 0; i < actors.length; ++i) {
            collect(actors[i]);
        }
        payTreasury();
        requireOnlyDust();
        passTo(block.timestamp + 7 days);
        claimAll(c.stakedVVV);
        same(c.stakedVVV.totalStaked() + c.stakedVVV.totalCooling(), 0, "13: all VVV is out");
        same(c.inferenceStake.totalStaked() + c.inferenceStake.totalCooling(), 0, "13: all DIEM is out");
        same(c.diem.totalSupply(), 0, "13: all DIEM is burned");
    }

    function claimAll(IStation station) private {
        for (uint256 ticket = tickets[station].length; ticket != 0; --ticket) {
            if (tickets[station][ticket - 1].state == IStation.TicketState.Open) {
                claimTicket(station, ticket);
            }
        }
    }

    /// @dev DIEM wandered between the actors, and some was given away: bring it to those who have to burn it.
    function bringDiemTogether() private {
        address station = address(c.inferenceStake);
        same(c.diem.balanceOf(station), donatedDiem, "13: only gifts are left");
        vm.prank(station);
        c.diem.transfer(actors[0], donatedDiem);
        donatedDiem = 0;
        for (uint256 i = 1; i < actors.length; ++i) {
            uint256 held = c.diem.balanceOf(actors[i]);
            vm.prank(actors[i]);
            c.diem.transfer(actors[0], held);
        }
    }

    function burnAndRequest(address account) private {
        uint256 minted = books[account].minted;
        if (minted != 0) {
            vm.prank(actors[0]);
            c.diem.transfer(account, minted);
            burnFor(account, minted);
            same(books[account].locked, 0, "20: a full burn releases the whole lock");
        }
        uint256 unlocked = books[account].unlocked;
        if (unlocked != 0) request(c.stakedVVV, account, unlocked);
    }

    /// @dev All emission belonged to somebody: nothing but tickets, gifts and what rounding left over stays.
    function requireOnlyDust() private view {
        uint256 spoken = totalCooling(c.stakedVVV) + donatedVVV;
        uint256 held = c.vvv.balanceOf(address(c.stakedVVV));
        atLeast(held, spoken, "4: the VVV held");
        atMost(held - spoken, 1_000 + 16 * calls, "9: all emission is earned by somebody");
    }

    function leaveAndMeasure(address account) private undone {
        IStation[2] memory stations = [IStation(c.stakedVVV), IStation(c.inferenceStake)];
        for (uint256 i = 0; i < stations.length; ++i) {
            uint256 free = freeOf(stations[i], account);
            if (free == 0) continue;
            vm.startPrank(account);
            uint256 before = gasleft();
            uint256 ticket = stations[i].requestUnstake(free);
            atMost(before - gasleft(), EXIT_GAS, "12: the gas of an exit is bounded");
            vm.warp(block.timestamp + stations[i].cooldownDuration());
            before = gasleft();
            uint256 paid = stations[i].claimUnstake(list(ticket));
            atMost(before - gasleft(), EXIT_GAS, "12: the gas of an exit is bounded");
            same(paid, free, "12: the success of an exit is nobody else's");
            vm.stopPrank();
        }
    }
}
