// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IStation} from "../../src/interfaces/IStation.sol";
import {Watch} from "./Watch.sol";

/// @title What users do, in any order
/// @dev Each action makes its numbers fit, or does nothing when it cannot: a revert is a finding.
abstract contract UserActions is Watch {
    function stakeVVV(uint256 actorSeed, uint256 otherSeed, uint256 amount) external watched {
        address actor = pick(actorSeed);
        amount = upTo(amount, c.vvv.balanceOf(actor));
        if (amount != 0) enter(c.stakedVVV, actor, pick(otherSeed), amount);
    }

    function requestVVV(uint256 actorSeed, uint256 amount) external watched {
        address actor = pick(actorSeed);
        amount = upTo(amount, books[actor].unlocked);
        if (amount != 0) request(c.stakedVVV, actor, amount);
    }

    function claimRewards(uint256 actorSeed) external watched {
        collect(pick(actorSeed));
    }

    function compound(uint256 actorSeed) external watched {
        compoundFor(pick(actorSeed));
    }

    function burnVVV(uint256 actorSeed, uint256 amount) external watched {
        address actor = pick(actorSeed);
        amount = upTo(amount, c.vvv.balanceOf(actor) / 64);
        burned += amount;
        vm.prank(actor);
        c.vvv.burn(amount);
    }

    function mintDiem(uint256 actorSeed, uint256 lock) external watched {
        address actor = pick(actorSeed);
        mintFor(actor, upTo(lock, books[actor].unlocked));
    }

    function mintExactOut(uint256 actorSeed, uint256 amount) external watched {
        address actor = pick(actorSeed);
        amount = upTo(amount, mintableOf(actor));
        if (amount != 0) mintExactlyFor(actor, amount);
    }

    function burnDiem(uint256 actorSeed, uint256 amount) external watched {
        address actor = pick(actorSeed);
        (uint256 held, uint256 minted) = (c.diem.balanceOf(actor), books[actor].minted);
        amount = upTo(amount, held < minted ? held : minted);
        if (amount != 0) burnFor(actor, amount);
    }

    function transferDiem(uint256 actorSeed, uint256 otherSeed, uint256 amount) external watched {
        address actor = pick(actorSeed);
        amount = upTo(amount, c.diem.balanceOf(actor));
        vm.prank(actor);
        c.diem.transfer(pick(otherSeed), amount);
    }

    function stakeDiem(uint256 actorSeed, uint256 otherSeed, uint256 amount) external watched {
        address actor = pick(actorSeed);
        amount = upTo(amount, c.diem.balanceOf(actor));
        if (amount != 0) enter(c.inferenceStake, actor, pick(otherSeed), amount);
    }

    function requestDiem(uint256 actorSeed, uint256 amount) external watched {
        address actor = pick(actorSeed);
        amount = upTo(amount, freeOf(c.inferenceStake, actor));
        if (amount != 0) request(c.inferenceStake, actor, amount);
    }

    function delegate(uint256 actorSeed, uint256 otherSeed, uint256 amount, uint256 term) external watched {
        (address actor, address other) = (pick(actorSeed), pick(otherSeed));
        amount = upTo(amount, freeOf(c.inferenceStake, actor));
        if (amount != 0 && actor != other) delegateFor(actor, other, amount, bound(term, 1, 4));
    }

    function endDelegation(uint256 seed) external watched {
        if (delegations.length == 0) return;
        uint256 id = bound(seed, 1, delegations.length);
        if (delegations[id - 1].open) endDelegationOf(id);
    }

    function cancelTicket(uint256 stationSeed, uint256 seed) external watched {
        IStation station = stationOf(stationSeed);
        uint256 ticket = openTicket(station, seed);
        if (ticket != 0) cancel(station, ticket);
    }

    /// @dev At once, due or not, and half of the time again in the last second before it is due, and when it is.
    function claimTickets(uint256 stationSeed, uint256 seed, uint256 waitSeed) external watched {
        IStation station = stationOf(stationSeed);
        uint256 ticket = openTicket(station, seed);
        if (ticket == 0) return;
        claimTicket(station, ticket);
        uint256 claimableAt = tickets[station][ticket - 1].claimableAt;
        if (waitSeed % 2 != 0 || block.timestamp >= claimableAt) return;
        passTo(claimableAt - 1);
        claimTicket(station, ticket);
        passTo(claimableAt);
        claimTicket(station, ticket);
    }
}
