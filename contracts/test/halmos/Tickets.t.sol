// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {DIEM} from "../../src/DIEM.sol";
import {Guardian} from "../../src/Guardian.sol";
import {InferenceStake} from "../../src/InferenceStake.sol";
import {IStation} from "../../src/interfaces/IStation.sol";
import {Symbolic} from "./Symbolic.sol";

/// @title The life of a ticket, under any call by anybody at any time (invariant 11)
/// @dev The code of both stations' tickets is one; this is the station of DIEM, with any storage at all.
contract TicketsProof is Symbolic {
    address private constant OWNER = address(0xa11ce);

    DIEM private diem;
    InferenceStake private station;

    struct Ticket {
        uint256 amount;
        uint256 claimableAt;
        IStation.TicketState state;
    }

    function setUp() public {
        Guardian guardian = new Guardian(address(this), address(this));
        diem = new DIEM(address(this));
        station = new InferenceStake(diem, guardian);
        diem.mint(address(station), type(uint96).max);
        svm.enableSymbolicStorage(address(station));
    }

    function check_ATicketIsOpenedOnceAndEndsOnceByItsOwner(uint64 moment, address caller, uint256 number)
        public
    {
        vm.warp(moment);
        Ticket memory before = ticketOf(number);
        uint256 count = station.ticketCount();
        // What the contract keeps true, and any storage does not: numbers that were not given out have no ticket.
        vm.assume(before.state == IStation.TicketState.None || number <= count);
        bytes memory data = svm.createCalldata("InferenceStake");
        vm.prank(caller);
        (bool done,) = address(station).call(data);
        vm.assume(done);
        Ticket memory later = ticketOf(number);

        if (before.state == IStation.TicketState.None) {
            if (later.state == IStation.TicketState.None) return;
            assert(later.state == IStation.TicketState.Open);
            assert(caller == OWNER && number == count + 1 && station.ticketCount() == number);
            assert(later.claimableAt == uint256(moment) + 1 days);
            return;
        }
        assert(later.amount == before.amount && later.claimableAt == before.claimableAt);
        if (later.state == before.state) return;
        assert(before.state == IStation.TicketState.Open && caller == OWNER);
        assert(
            later.state == IStation.TicketState.Cancelled || later.state == IStation.TicketState.Claimed
                && moment >= before.claimableAt
        );
    }

    function check_AClaimPaysTheWholeTicketOnceAndIsNeverEarly(uint64 moment, uint256 number) public {
        vm.warp(moment);
        Ticket memory before = ticketOf(number);
        uint256 held = diem.balanceOf(OWNER);
        vm.startPrank(OWNER);
        uint256 paid = station.claimUnstake(list(number));
        (bool again,) = address(station).call(abi.encodeCall(IStation.claimUnstake, (list(number))));
        (bool cancelled,) = address(station).call(abi.encodeCall(IStation.cancelUnstake, (number)));

        assert(before.state == IStation.TicketState.Open && moment >= before.claimableAt);
        assert(paid == before.amount && diem.balanceOf(OWNER) == held + before.amount);
        assert(!again && !cancelled);
    }

    function check_ACancelledTicketPaysNothing(uint64 moment, uint64 later, uint256 number) public {
        vm.warp(moment);
        uint256 held = diem.balanceOf(OWNER);
        vm.startPrank(OWNER);
        station.cancelUnstake(number);
        vm.warp(later);
        (bool claimed,) = address(station).call(abi.encodeCall(IStation.claimUnstake, (list(number))));

        assert(!claimed && diem.balanceOf(OWNER) == held);
    }

    function ticketOf(uint256 number) private view returns (Ticket memory ticket) {
        (ticket.amount, ticket.claimableAt, ticket.state) = station.ticketOf(OWNER, number);
    }
}
