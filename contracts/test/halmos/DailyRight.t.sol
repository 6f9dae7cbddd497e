// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {DIEM} from "../../src/DIEM.sol";
import {Guardian} from "../../src/Guardian.sol";
import {InferenceStake} from "../../src/InferenceStake.sol";
import {Symbolic} from "./Symbolic.sol";

/// @title The two numbers of the daily right, in every state, on every day, for every amount
/// @dev The real contract with any storage at all, also such as no history could have left.
contract DailyRightProof is Symbolic {
    address private constant ALICE = address(0xa11ce);
    address private constant BOB = address(0xb0b);

    DIEM private diem;
    InferenceStake private station;

    struct Right {
        uint256 current;
        uint256 next;
    }

    function setUp() public {
        Guardian guardian = new Guardian(address(this), address(this));
        diem = new DIEM(address(this));
        station = new InferenceStake(diem, guardian);
        diem.mint(address(station), type(uint96).max);
        svm.enableSymbolicStorage(address(station));
    }

    function check_AStakeRaisesBothByItsAmount(uint64 moment, uint256 amount) public {
        vm.warp(moment);
        diem.mint(BOB, amount);
        Right memory before = rightOf(ALICE);
        uint256 staked = station.stakedOf(ALICE);
        vm.startPrank(BOB);
        diem.approve(address(station), amount);
        station.stake(ALICE, amount);

        assertRight(ALICE, before.current + amount, before.next + amount);
        assert(station.stakedOf(ALICE) == staked + amount);
    }

    function check_ARequestTakesFromTomorrowAlone(uint64 moment, uint256 amount) public {
        vm.warp(moment);
        Right memory before = rightOf(ALICE);
        uint256 staked = station.stakedOf(ALICE);
        vm.prank(ALICE);
        station.requestUnstake(amount);

        assertRight(ALICE, before.current, before.next - amount);
        assert(station.stakedOf(ALICE) == staked - amount);
        assert(station.delegatedOf(ALICE) <= staked - amount);
    }

    function check_ACancelGivesTomorrowBackAndTodayOnlyOnALaterDay(uint64 moment, uint256 ticket) public {
        vm.warp(moment);
        (uint256 amount, uint256 claimableAt,) = station.ticketOf(ALICE, ticket);
        bool isLater = (claimableAt - station.cooldownDuration()) / 1 days < station.epoch();
        Right memory before = rightOf(ALICE);
        vm.prank(ALICE);
        station.cancelUnstake(ticket);

        assertRight(ALICE, isLater ? before.current + amount : before.current, before.next + amount);
    }

    function check_AClaimMovesNoRight(uint64 moment, uint256 ticket) public {
        vm.warp(moment);
        Right memory before = rightOf(ALICE);
        vm.prank(ALICE);
        station.claimUnstake(list(ticket));

        assertRight(ALICE, before.current, before.next);
    }

    function check_ADelegationMovesTomorrowAlone(uint64 moment, uint256 amount, uint256 untilEpoch) public {
        vm.warp(moment);
        Right memory giver = rightOf(ALICE);
        Right memory receiver = rightOf(BOB);
        vm.prank(ALICE);
        station.delegate(BOB, amount, untilEpoch);

        assertRight(ALICE, giver.current, giver.next - amount);
        assertRight(BOB, receiver.current, receiver.next + amount);
        assert(station.delegatedOf(ALICE) <= station.stakedOf(ALICE));
        assert(untilEpoch > station.epoch());
    }

    function check_AnEndMovesTomorrowAloneAndTheGiverWaitsForTheTerm(uint64 moment, uint256 id, bool byGiver)
        public
    {
        vm.warp(moment);
        (address from, address to, uint256 amount, uint256 untilEpoch, bool open) = station.delegationOf(id);
        vm.assume(from == ALICE && to == BOB);
        Right memory giver = rightOf(ALICE);
        Right memory receiver = rightOf(BOB);
        vm.prank(byGiver ? ALICE : BOB);
        station.endDelegation(id);

        assert(open);
        assert(!byGiver || station.epoch() >= untilEpoch);
        assertRight(ALICE, giver.current, giver.next + amount);
        assertRight(BOB, receiver.current, receiver.next - amount);
    }

    function check_InALaterEpochTheNextHasBecomeTheCurrent(uint64 moment, uint64 later) public {
        vm.warp(moment);
        vm.prank(ALICE);
        station.requestUnstake(1);
        Right memory before = rightOf(ALICE);
        uint256 today = station.epoch();
        vm.warp(later);
        vm.assume(station.epoch() >= today);

        assertRight(ALICE, station.epoch() == today ? before.current : before.next, before.next);
    }

    /// @dev Invariant 12: for any call by anybody else.
    function check_NobodyElseLowersTodaysRightOrThePrincipal(uint64 moment, address caller) public {
        vm.warp(moment);
        vm.assume(caller != ALICE);
        Right memory before = rightOf(ALICE);
        uint256 staked = station.stakedOf(ALICE);
        uint256 cooling = station.coolingOf(ALICE);
        uint256 delegated = station.delegatedOf(ALICE);
        bytes memory data = svm.createCalldata("InferenceStake");
        vm.prank(caller);
        (bool done,) = address(station).call(data);
        vm.assume(done);

        assert(rightOf(ALICE).current >= before.current);
        assert(station.stakedOf(ALICE) >= staked);
        assert(station.coolingOf(ALICE) == cooling);
        assert(station.delegatedOf(ALICE) <= delegated);
    }

    function rightOf(address account) private view returns (Right memory right) {
        (right.current, right.next) = station.allowanceOf(account);
    }

    function assertRight(address account, uint256 current, uint256 next) private view {
        Right memory right = rightOf(account);
        assert(right.current == current);
        assert(right.next == next);
    }
}
