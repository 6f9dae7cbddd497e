// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IStation} from "../../src/interfaces/IStation.sol";
import {Contracts, Watch} from "./Watch.sol";

/// @title Everything that anybody may do, in any order
/// @dev Each action makes its numbers fit, or does nothing when it cannot: a revert is a finding.
contract Handler is Watch {
    constructor(Contracts memory contracts, address[] memory actors_) Watch(contracts, actors_) {}

    function stakeVVV(uint256 actorSeed, uint256 otherSeed, uint256 amount)
        external
        watched(pick(actorSeed), pick(otherSeed))
    {
        (address actor, address other) = (pick(actorSeed), pick(otherSeed));
        amount = upTo(amount, c.vvv.balanceOf(actor));
        if (amount == 0 || isPaused()) return;
        vm.prank(actor);
        c.stakedVVV.stake(other, amount);
    }

    function requestVVV(uint256 actorSeed, uint256 amount) external watched(pick(actorSeed), address(0)) {
        address actor = pick(actorSeed);
        amount = upTo(amount, c.stakedVVV.balanceOfUnlocked(actor));
        if (amount == 0) return;
        vm.prank(actor);
        c.stakedVVV.requestUnstake(amount);
    }

    function claimRewards(uint256 actorSeed) external watched(pick(actorSeed), address(0)) {
        vm.prank(pick(actorSeed));
        c.stakedVVV.claim();
    }

    function compound(uint256 actorSeed) external watched(pick(actorSeed), address(0)) {
        if (isPaused()) return;
        vm.prank(pick(actorSeed));
        c.stakedVVV.compound();
    }

    function poke(uint256 seed) external watched(address(0), address(0)) {
        if (seed % 2 == 0) c.stakedVVV.payTreasury();
        else c.stakedVVV.accrue();
    }

    function burnVVV(uint256 actorSeed, uint256 amount) external watched(pick(actorSeed), address(0)) {
        address actor = pick(actorSeed);
        amount = upTo(amount, c.vvv.balanceOf(actor) / 16);
        burned += amount;
        vm.prank(actor);
        c.vvv.burn(amount);
    }

    function mintDiem(uint256 actorSeed, uint256 lock) external watched(pick(actorSeed), address(0)) {
        address actor = pick(actorSeed);
        lock = upTo(lock, c.stakedVVV.balanceOfUnlocked(actor));
        uint256 quote = c.diemMint.getDiemAmountOut(lock);
        if (quote == 0 || isPaused()) return;
        mints += 1;
        vm.prank(actor);
        (uint256 amount, uint256 locked) = c.diemMint.mintDiem(lock, quote);
        vm.assertEq(amount, quote, "17: quote equals execution");
        vm.assertLe(locked, lock, "17: never more than the lock");
    }

    function mintExactOut(uint256 actorSeed, uint256 amount) external watched(pick(actorSeed), address(0)) {
        address actor = pick(actorSeed);
        amount = upTo(amount, c.diemMint.getDiemAmountOut(c.stakedVVV.balanceOfUnlocked(actor)));
        if (amount == 0 || isPaused()) return;
        mints += 1;
        uint256 quote = c.diemMint.quoteLock(amount);
        vm.prank(actor);
        vm.assertEq(c.diemMint.mintExactOut(amount, quote), quote, "17: quote equals execution");
    }

    function burnDiem(uint256 actorSeed, uint256 amount) external watched(pick(actorSeed), address(0)) {
        address actor = pick(actorSeed);
        (, uint256 minted) = c.diemMint.lockedStakes(actor);
        uint256 held = c.diem.balanceOf(actor);
        amount = upTo(amount, held < minted ? held : minted);
        if (amount == 0) return;
        vm.prank(actor);
        c.diemMint.burnDiem(amount);
    }

    function transferDiem(uint256 actorSeed, uint256 otherSeed, uint256 amount)
        external
        watched(pick(actorSeed), pick(otherSeed))
    {
        address actor = pick(actorSeed);
        amount = upTo(amount, c.diem.balanceOf(actor));
        vm.prank(actor);
        c.diem.transfer(pick(otherSeed), amount);
    }

    function stakeDiem(uint256 actorSeed, uint256 otherSeed, uint256 amount)
        external
        watched(pick(actorSeed), pick(otherSeed))
    {
        address actor = pick(actorSeed);
        amount = upTo(amount, c.diem.balanceOf(actor));
        if (amount == 0 || isPaused()) return;
        vm.prank(actor);
        c.inferenceStake.stake(pick(otherSeed), amount);
    }

    function requestDiem(uint256 actorSeed, uint256 amount) external watched(pick(actorSeed), address(0)) {
        address actor = pick(actorSeed);
        amount = upTo(amount, undelegatedOf(actor));
        if (amount == 0) return;
        vm.prank(actor);
        c.inferenceStake.requestUnstake(amount);
    }

    function delegate(uint256 actorSeed, uint256 otherSeed, uint256 amount, uint256 term)
        external
        watched(pick(actorSeed), pick(otherSeed))
    {
        (address actor, address other) = (pick(actorSeed), pick(otherSeed));
        amount = upTo(amount, undelegatedOf(actor));
        if (amount == 0 || actor == other) return;
        uint256 untilEpoch = c.inferenceStake.epoch() + bound(term, 1, 4);
        vm.prank(actor);
        c.inferenceStake.delegate(other, amount, untilEpoch);
    }

    /// @dev The giver when it may, else the receiver.
    function endDelegation(uint256 seed) external watched(address(0), address(0)) {
        uint256 count = c.inferenceStake.delegationCount();
        if (count == 0) return;
        uint256 id = bound(seed, 1, count);
        (address from, address to,, uint256 untilEpoch, bool open) = c.inferenceStake.delegationOf(id);
        if (!open) return;
        vm.prank(c.inferenceStake.epoch() < untilEpoch ? to : from);
        c.inferenceStake.endDelegation(id);
    }

    function cancelTicket(uint256 stationSeed, uint256 seed) external {
        IStation station = stationOf(stationSeed);
        (uint256 ticket, address owner,) = openTicket(station, seed);
        if (ticket == 0) return;
        cancelWatched(station, ticket, owner);
    }

    function claimTicket(uint256 stationSeed, uint256 seed, uint256 waitSeed) external {
        IStation station = stationOf(stationSeed);
        (uint256 ticket, address owner, uint256 claimableAt) = openTicket(station, seed);
        if (ticket == 0) return;
        if (waitSeed % 2 == 0) passTo(claimableAt);
        if (block.timestamp < claimableAt) return;
        claimWatched(station, ticket, owner);
    }

    function donate(uint256 actorSeed, uint256 stationSeed) external watched(pick(actorSeed), address(0)) {
        address actor = pick(actorSeed);
        vm.startPrank(actor);
        if (stationSeed % 2 == 0) c.diem.transfer(address(c.inferenceStake), c.diem.balanceOf(actor) / 64);
        else c.vvv.transfer(address(c.stakedVVV), c.vvv.balanceOf(actor) / 64);
        vm.stopPrank();
    }

    function pass(uint256 duration) external watched(address(0), address(0)) {
        passTo(block.timestamp + bound(duration, 1, 2 days));
    }

    /// @dev To the last second of a day, to midnight, or to the second after.
    function passToMidnight(uint256 offset) external watched(address(0), address(0)) {
        passTo((c.inferenceStake.epoch() + 1) * 1 days + bound(offset, 0, 2) - 1);
    }

    /// @dev To a second before, at, or after a ticket's due time.
    function passToTicket(uint256 stationSeed, uint256 seed, uint256 offset)
        external
        watched(address(0), address(0))
    {
        (uint256 ticket,, uint256 claimableAt) = openTicket(stationOf(stationSeed), seed);
        if (ticket != 0) passTo(claimableAt + bound(offset, 0, 2) - 1);
    }

    function lowerEmission(uint256 percent) external watched(address(0), address(0)) {
        uint256 rate = c.stakedVVV.emissionRatePerSecond();
        if (rate < 1e15) return;
        vm.prank(c.timelock);
        c.stakedVVV.lowerEmissionRate(rate * bound(percent, 80, 99) / 100);
    }

    function raiseTarget(uint256 rise) external watched(address(0), address(0)) {
        uint256 target = c.diemMint.target();
        rise = bound(rise, 1, target / 100);
        vm.prank(c.timelock);
        c.diemMint.raiseTarget(target + rise, 5 days);
    }

    function brake(uint256 duration) external watched(address(0), address(0)) {
        vm.startPrank(c.keeper);
        if (isPaused()) {
            c.guardian.resumeEntries();
        } else if (block.timestamp >= c.guardian.nextPauseAt()) {
            c.guardian.pauseEntries(bound(duration, 1, 2 days));
        }
        vm.stopPrank();
    }

    function cancelWatched(IStation station, uint256 ticket, address owner)
        private
        watched(owner, address(0))
    {
        vm.prank(owner);
        station.cancelUnstake(ticket);
    }

    function claimWatched(IStation station, uint256 ticket, address owner)
        private
        watched(owner, address(0))
    {
        vm.prank(owner);
        station.claimUnstake(list(ticket));
    }

    /// @dev Half of all calls take everything there is, so that positions close again.
    function upTo(uint256 seed, uint256 available) private pure returns (uint256) {
        return seed % 2 == 0 ? available : bound(seed, 0, available);
    }

    function undelegatedOf(address account) private view returns (uint256) {
        return c.inferenceStake.stakedOf(account) - c.inferenceStake.delegatedOf(account);
    }

    function stationOf(uint256 stationSeed) private view returns (IStation) {
        if (stationSeed % 2 == 0) return c.inferenceStake;
        return c.stakedVVV;
    }

    /// @dev The first open ticket from a random one on, around the end; 0 if there is none.
    function openTicket(IStation station, uint256 seed)
        private
        view
        returns (uint256 ticket, address owner, uint256 claimableAt)
    {
        uint256 count = station.ticketCount();
        for (uint256 i = 0; i < count; ++i) {
            ticket = (seed % count + i) % count + 1;
            for (uint256 j = 0; j < actors.length; ++j) {
                IStation.TicketState state;
                (, claimableAt, state) = station.ticketOf(actors[j], ticket);
                if (state == IStation.TicketState.Open) return (ticket, actors[j], claimableAt);
            }
        }
        return (0, address(0), 0);
    }
}
