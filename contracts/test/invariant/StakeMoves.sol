// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IStation} from "../../src/interfaces/IStation.sol";
import {Book, Books, TicketBook} from "./Books.sol";

/// @title What an account can do with VVV, stake and tickets, each written into the books
/// @dev A move asserts what must hold within it: what is paid, what is refused just before and just after.
abstract contract StakeMoves is Books {
    function enter(IStation station, address payer, address account, uint256 amount) internal {
        bytes memory order = abi.encodeCall(IStation.stake, (account, amount));
        if (isPaused()) return refusedEntry(payer, address(station), order);
        vm.prank(payer);
        station.stake(account, amount);
        wasStaked(station, account, amount);
    }

    function wasStaked(IStation station, address account, uint256 amount) internal {
        if (station == c.stakedVVV) {
            books[account].unlocked += amount;
        } else {
            books[account].staked += amount;
            books[account].current += amount;
        }
    }

    function request(IStation station, address account, uint256 amount) internal {
        uint256 free = freeOf(station, account);
        bytes memory order = abi.encodeCall(IStation.requestUnstake, (free + 1));
        refused(account, address(station), order, "10, 23: only free stake can be requested");

        vm.prank(account);
        uint256 ticket = station.requestUnstake(amount);
        if (station == c.stakedVVV) books[account].unlocked -= amount;
        else books[account].staked -= amount;
        cooling[station][account] += amount;
        uint256 claimableAt = block.timestamp + (station == c.stakedVVV ? 7 days : 1 days);
        tickets[station].push(TicketBook(account, amount, claimableAt, IStation.TicketState.Open));
        same(ticket, tickets[station].length, "11: a ticket for each request");
    }

    function cancel(IStation station, uint256 ticket) internal {
        TicketBook storage open = tickets[station][ticket - 1];
        vm.prank(open.owner);
        station.cancelUnstake(ticket);
        open.state = IStation.TicketState.Cancelled;
        cooling[station][open.owner] -= open.amount;
        ++met.ticketsCancelled;
        if (station == c.stakedVVV) {
            books[open.owner].unlocked += open.amount;
        } else {
            books[open.owner].staked += open.amount;
            // In the epoch of its request the DIEM's dollar of the day was never taken away.
            bool isLater = (open.claimableAt - 1 days) / EPOCH < block.timestamp / EPOCH;
            if (isLater) books[open.owner].current += open.amount;
        }
        requireClosed(station, ticket);
    }

    /// @dev A claim that is not due is refused, and one that is due pays all, once.
    function claimTicket(IStation station, uint256 ticket) internal {
        TicketBook storage open = tickets[station][ticket - 1];
        if (block.timestamp < open.claimableAt) {
            bytes memory order = abi.encodeCall(IStation.claimUnstake, (list(ticket)));
            ++met.claimsRefused;
            return refused(open.owner, address(station), order, "11: never early");
        }
        bytes memory twice = abi.encodeCall(IStation.claimUnstake, (list(ticket, ticket)));
        refused(open.owner, address(station), twice, "11: a ticket pays once");
        uint256 held = tokenOf(station).balanceOf(open.owner);
        vm.prank(open.owner);
        station.claimUnstake(list(ticket));
        open.state = IStation.TicketState.Claimed;
        cooling[station][open.owner] -= open.amount;
        ++met.ticketsClaimed;
        uint256 paid = tokenOf(station).balanceOf(open.owner) - held;
        same(paid, open.amount, "11: a ticket pays in full, to its owner");
        requireClosed(station, ticket);
    }

    function collect(address account) internal {
        uint256 held = c.vvv.balanceOf(account);
        uint256 pending = c.stakedVVV.pendingRewards(account);
        vm.prank(account);
        uint256 paid = c.stakedVVV.claim();
        books[account].collected += paid;
        same(paid, pending, "7: what can be claimed is paid");
        same(c.vvv.balanceOf(account), held + paid, "7: what can be claimed is paid");
    }

    function compoundFor(address account) internal {
        bytes memory order = abi.encodeCall(c.stakedVVV.compound, ());
        if (isPaused()) return refusedEntry(account, address(c.stakedVVV), order);
        vm.prank(account);
        uint256 paid = c.stakedVVV.compound();
        books[account].collected += paid;
        books[account].unlocked += paid;
    }

    function payTreasury() internal {
        treasuryShare.collected += c.stakedVVV.payTreasury();
    }

    function freeOf(IStation station, address account) internal view returns (uint256) {
        Book storage book = books[account];
        return station == c.stakedVVV ? book.unlocked : book.staked - book.given;
    }

    /// @dev The first open ticket from a random one on, around the end; 0 if there is none.
    function openTicket(IStation station, uint256 seed) internal view returns (uint256 ticket) {
        uint256 count = tickets[station].length;
        for (uint256 i = 0; i < count; ++i) {
            ticket = (seed % count + i) % count + 1;
            if (tickets[station][ticket - 1].state == IStation.TicketState.Open) return ticket;
        }
        return 0;
    }

    function tokenOf(IStation station) internal view returns (IERC20) {
        return station == c.stakedVVV ? IERC20(address(c.vvv)) : IERC20(address(c.diem));
    }

    function refusedEntry(address caller, address target, bytes memory order) internal {
        ++met.entriesRefused;
        refused(caller, target, order, "26: entries are refused in a pause");
    }

    function requireClosed(IStation station, uint256 ticket) private {
        address owner = tickets[station][ticket - 1].owner;
        bytes memory order = abi.encodeCall(IStation.claimUnstake, (list(ticket)));
        refused(owner, address(station), order, "11: a ticket pays once");
        order = abi.encodeCall(IStation.cancelUnstake, (ticket));
        refused(owner, address(station), order, "11: a closed ticket stays closed");
    }
}
