// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {IStation} from "../../src/interfaces/IStation.sol";
import {DelegationBook} from "./Books.sol";
import {PowerActions} from "./PowerActions.sol";

/// @title What Mallory does to others, and must not achieve
abstract contract Mischief is PowerActions {
    bytes32 private constant PERMIT =
        keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");

    function poke(uint256 times) external watched harmless(address(0), c.treasury) {
        for (uint256 i = 0; i < times % 4; ++i) {
            c.stakedVVV.accrue();
        }
        payTreasury();
    }

    /// @dev Due or not: half of the time when it is.
    function takeTicket(uint256 stationSeed, uint256 seed, uint256 waitSeed) external watched {
        IStation station = stationOf(stationSeed);
        uint256 ticket = openTicket(station, seed);
        if (ticket == 0 || tickets[station][ticket - 1].owner == c.mallory) return;
        if (waitSeed % 2 == 0) passTo(tickets[station][ticket - 1].claimableAt);
        takeTicketNow(station, ticket);
    }

    function takeTicketNow(IStation station, uint256 ticket) private harmless(address(0), address(0)) {
        bytes memory order = abi.encodeCall(IStation.claimUnstake, (list(ticket)));
        refused(c.mallory, address(station), order, "11: a ticket is its owner's");
        order = abi.encodeCall(IStation.cancelUnstake, (ticket));
        refused(c.mallory, address(station), order, "11: a ticket is its owner's");
    }

    function meddle(uint256 victimSeed, uint256 amount, uint256 id)
        external
        watched
        harmless(address(0), address(0))
    {
        address victim = pick(victimSeed);
        amount = bound(amount, 1, 1_000_000e18);
        refuse(address(c.stakedVVV), abi.encodeCall(c.stakedVVV.lock, (victim, amount)));
        refuse(address(c.stakedVVV), abi.encodeCall(c.stakedVVV.unlock, (victim, amount)));
        refuse(address(c.stakedVVV), abi.encodeCall(c.stakedVVV.lowerEmissionRate, (amount % rate)));
        refuse(address(c.vvv), abi.encodeCall(c.vvv.mint, (c.mallory, amount)));
        refuse(address(c.diem), abi.encodeCall(c.diem.mint, (c.mallory, amount)));
        refuse(address(c.diem), abi.encodeCall(c.diem.burn, (victim, amount)));
        refuse(address(c.diemMint), abi.encodeCall(c.diemMint.raiseTarget, (targetNow() + 1, 400 days)));
        refuse(address(c.guardian), pauseOf(1));
        refuse(address(c.guardian), abi.encodeCall(c.guardian.resumeEntries, ()));
        refuse(address(c.guardian), abi.encodeCall(c.guardian.nameGuardian, (c.mallory)));
        if (victim == c.mallory) return;
        refuse(address(c.vvv), abi.encodeCall(c.vvv.burnFrom, (victim, amount)));
        refuse(address(c.vvv), abi.encodeCall(IERC20.transferFrom, (victim, c.mallory, amount)));
        refuse(address(c.diem), abi.encodeCall(IERC20.transferFrom, (victim, c.mallory, amount)));
        if (delegations.length == 0) return;
        id = bound(id, 1, delegations.length);
        DelegationBook storage others = delegations[id - 1];
        if (others.from == c.mallory || others.to == c.mallory) return;
        refuse(address(c.inferenceStake), abi.encodeCall(c.inferenceStake.endDelegation, (id)));
    }

    /// @dev A wei of stake, or of a right, that nobody asked for.
    function giveDust(uint256 victimSeed, uint256 stationSeed)
        external
        watched
        harmless(c.mallory, pick(victimSeed))
    {
        IStation station = stationOf(stationSeed);
        if (tokenOf(station).balanceOf(c.mallory) != 0) enter(station, c.mallory, pick(victimSeed), 1);
        if (pick(victimSeed) == c.mallory || freeOf(c.inferenceStake, c.mallory) == 0) return;
        delegateFor(c.mallory, pick(victimSeed), 1, 366);
    }

    /// @dev Tickets of a wei make nobody's way out longer.
    function makeDustTickets(uint256 stationSeed) external watched harmless(c.mallory, address(0)) {
        IStation station = stationOf(stationSeed);
        if (freeOf(station, c.mallory) >= 2) request(station, c.mallory, 1);
    }

    /// @dev Mallory hands the victim's permit in first, and has nothing of it; the victim's call succeeds.
    function usePermit(uint256 victimSeed, uint256 stationSeed, uint256 amount) external watched {
        (address victim, IStation station) = (pick(victimSeed), stationOf(stationSeed));
        amount = upTo(amount, tokenOf(station).balanceOf(victim));
        if (amount == 0 || victim == c.mallory || isPaused()) return;
        (uint8 v, bytes32 r, bytes32 s) = signPermit(victim, station, amount);
        uint256 deadline = block.timestamp;
        vm.prank(c.mallory);
        IERC20Permit(address(tokenOf(station))).permit(victim, address(station), amount, deadline, v, r, s);
        vm.prank(victim);
        try station.stakeWithPermit(victim, amount, deadline, v, r, s) {
            wasStaked(station, victim, amount);
            ++met.permitsUsedByAnother;
        } catch {
            holds(false, "26: a used permit does not block a call");
        }
        vm.prank(victim);
        tokenOf(station).approve(address(station), type(uint256).max);
    }

    function donate(uint256 amount, uint256 stationSeed)
        external
        watched
        withoutEffect
        harmless(c.mallory, address(0))
    {
        vm.startPrank(c.mallory);
        if (stationSeed % 2 == 0) {
            amount = bound(amount, 0, c.diem.balanceOf(c.mallory) / 4);
            donatedDiem += amount;
            c.diem.transfer(address(c.inferenceStake), amount);
        } else {
            amount = bound(amount, 0, c.vvv.balanceOf(c.mallory) / 64);
            donatedVVV += amount;
            c.vvv.transfer(address(c.stakedVVV), amount);
        }
        vm.stopPrank();
    }

    function refuse(address target, bytes memory order) private {
        refused(c.mallory, target, order, "12: nobody can harm another");
    }

    function signPermit(address owner, IStation station, uint256 amount)
        private
        view
        returns (uint8 v, bytes32 r, bytes32 s)
    {
        IERC20Permit token = IERC20Permit(address(tokenOf(station)));
        bytes32 permit = keccak256(
            abi.encode(PERMIT, owner, address(station), amount, token.nonces(owner), block.timestamp)
        );
        bytes32 digest = keccak256(abi.encodePacked("\x19\x01", token.DOMAIN_SEPARATOR(), permit));
        return vm.sign(privateKeys[owner], digest);
    }
}
