// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IStation} from "../src/interfaces/IStation.sol";
import {System} from "./support/System.sol";

/// @dev What holds for tickets of either station. Alice has 100 staked, bob 50; nothing earns or is locked.
abstract contract TicketsTest is System {
    function station() internal view virtual returns (IStation);
    function token() internal view virtual returns (IERC20);
    function stakedOf(address account) internal view virtual returns (uint256);

    function test_ARequestWritesATicket() public {
        uint256 due = NOON + station().cooldownDuration();
        vm.expectEmit(address(station()));
        emit IStation.UnstakeRequested(alice, 1, 30e18, due);
        uint256 ticket = request(alice, 30e18);

        assertTicket(ticket, alice, 30e18, due, IStation.TicketState.Open);
        vm.assertEq(station().ticketCount(), 1);
        vm.assertEq(stakedOf(alice), 70e18);
        vm.assertEq(station().coolingOf(alice), 30e18);
        vm.assertEq(station().totalStaked(), 120e18);
        vm.assertEq(station().totalCooling(), 30e18);
        vm.assertEq(token().balanceOf(alice), 0);
    }

    function test_ATicketIsDueAtItsSecond() public {
        uint256 ticket = request(alice, 30e18);
        uint256 due = NOON + station().cooldownDuration();
        vm.warp(due - 1);
        vm.expectRevert(abi.encodeWithSelector(IStation.TicketNotDue.selector, ticket, due));
        claim(alice, list(ticket));
        vm.warp(due);
        claim(alice, list(ticket));
        vm.assertEq(token().balanceOf(alice), 30e18);
    }

    function test_ATicketIsDueEverAfter(uint256 later) public {
        uint256 ticket = request(alice, 30e18);
        vm.warp(NOON + station().cooldownDuration() + bound(later, 1, 10_000 days));
        vm.expectEmit(address(station()));
        emit IStation.UnstakeClaimed(alice, ticket, 30e18);
        vm.assertEq(claim(alice, list(ticket)), 30e18);
        assertTicket(ticket, alice, 30e18, NOON + station().cooldownDuration(), IStation.TicketState.Claimed);
        vm.assertEq(station().coolingOf(alice), 0);
        vm.assertEq(station().totalCooling(), 0);
    }

    /// @dev Invariant 11.
    function test_ALaterRequestDoesNotMoveAnEarlierTicket(uint256 between) public {
        uint256 first = request(alice, 30e18);
        uint256 due = NOON + station().cooldownDuration();
        vm.warp(NOON + bound(between, 0, station().cooldownDuration()));
        uint256 second = request(alice, 20e18);
        assertTicket(first, alice, 30e18, due, IStation.TicketState.Open);

        vm.warp(due);
        claim(alice, list(first));
        vm.assertEq(token().balanceOf(alice), 30e18);
        vm.warp(block.timestamp + station().cooldownDuration());
        claim(alice, list(second));
        vm.assertEq(token().balanceOf(alice), 50e18);
    }

    function test_ATicketPaysOnce() public {
        uint256 ticket = request(alice, 30e18);
        uint256 other = request(alice, 30e18);
        vm.warp(NOON + 7 days);
        expectNotOpen(ticket, IStation.TicketState.Claimed);
        claim(alice, list(ticket, ticket));
        claim(alice, list(ticket));
        expectNotOpen(ticket, IStation.TicketState.Claimed);
        claim(alice, list(ticket, other));
        expectNotOpen(ticket, IStation.TicketState.Claimed);
        cancel(alice, ticket);
    }

    function test_ManyTicketsArePaidAtOnce(uint256[6] memory amounts) public {
        uint256[] memory tickets = new uint256[](amounts.length);
        uint256 sum = 0;
        for (uint256 i = 0; i < amounts.length; ++i) {
            sum += amounts[i] = bound(amounts[i], 1, 16e18);
            tickets[i] = request(alice, amounts[i]);
        }
        vm.warp(NOON + 7 days);
        vm.assertEq(claim(alice, tickets), sum);
        vm.assertEq(token().balanceOf(alice), sum);
        vm.assertEq(station().totalCooling(), 0);
    }

    function test_OneTicketThatIsNotDueHoldsTheWholeListBack() public {
        uint256 first = request(alice, 30e18);
        vm.warp(NOON + 1);
        uint256 second = request(alice, 20e18);
        uint256 due = NOON + station().cooldownDuration();
        vm.warp(due);
        vm.expectRevert(abi.encodeWithSelector(IStation.TicketNotDue.selector, second, due + 1));
        claim(alice, list(first, second));
        assertTicket(first, alice, 30e18, due, IStation.TicketState.Open);
    }

    /// @dev Bob has a ticket of his own, to which nothing happens either.
    function test_OnlyItsOwnerMovesATicket() public {
        uint256 ticket = request(alice, 30e18);
        uint256 own = request(bob, 20e18);
        uint256 due = NOON + station().cooldownDuration();
        vm.warp(NOON + 7 days);
        expectNotOpen(ticket, IStation.TicketState.None);
        claim(bob, list(ticket));
        expectNotOpen(ticket, IStation.TicketState.None);
        claim(bob, list(own, ticket));
        expectNotOpen(ticket, IStation.TicketState.None);
        cancel(bob, ticket);

        assertTicket(ticket, alice, 30e18, due, IStation.TicketState.Open);
        assertTicket(own, bob, 20e18, due, IStation.TicketState.Open);
        claim(alice, list(ticket));
        vm.assertEq(token().balanceOf(alice), 30e18);
        expectNotOpen(ticket, IStation.TicketState.None);
        claim(bob, list(ticket));
        vm.assertEq(token().balanceOf(bob), 0);
    }

    function test_NumbersCountUpOverAllAccountsAndATicketIsShownUnderItsOwnerOnly() public {
        vm.assertEq(request(alice, 30e18), 1);
        vm.assertEq(request(bob, 20e18), 2);
        vm.assertEq(request(alice, 10e18), 3);
        uint256 due = NOON + station().cooldownDuration();
        assertTicket(2, bob, 20e18, due, IStation.TicketState.Open);
        assertTicket(2, alice, 0, 0, IStation.TicketState.None);
        assertTicket(1, bob, 0, 0, IStation.TicketState.None);
    }

    function test_ATicketThatWasNeverWrittenIsNotOpen(uint256 ticket) public {
        request(alice, 1);
        vm.assume(ticket != 1);
        expectNotOpen(ticket, IStation.TicketState.None);
        cancel(alice, ticket);
        expectNotOpen(ticket, IStation.TicketState.None);
        claim(alice, list(ticket));
    }

    function test_ACancelledTicketIsStakedAgain(uint256 later) public {
        uint256 ticket = request(alice, 30e18);
        vm.warp(NOON + bound(later, 0, 30 days));
        vm.expectEmit(address(station()));
        emit IStation.UnstakeCancelled(alice, ticket, 30e18);
        cancel(alice, ticket);

        assertTicket(
            ticket, alice, 30e18, NOON + station().cooldownDuration(), IStation.TicketState.Cancelled
        );
        vm.assertEq(stakedOf(alice), 100e18);
        vm.assertEq(station().coolingOf(alice), 0);
        vm.assertEq(station().totalStaked(), 150e18);
        vm.assertEq(station().totalCooling(), 0);

        vm.warp(NOON + 60 days);
        expectNotOpen(ticket, IStation.TicketState.Cancelled);
        claim(alice, list(ticket));
        expectNotOpen(ticket, IStation.TicketState.Cancelled);
        cancel(alice, ticket);
    }

    function test_NothingIsNoRequestNoStakeAndNoClaim() public {
        bytes memory reason = abi.encodeWithSelector(IStation.ZeroAmount.selector);
        vm.expectRevert(reason);
        request(alice, 0);
        vm.expectRevert(reason);
        claim(alice, new uint256[](0));
        vm.expectRevert(reason);
        vm.prank(alice);
        station().stake(alice, 0);
    }

    /// @dev Invariant 26: a gift of tokens changes no figure, and no ticket is paid out of it.
    function test_DonatedTokensChangeNothing() public {
        uint256 ticket = request(alice, 30e18);
        IERC20 gift = token();
        address receiver = address(station());
        vm.warp(NOON + 7 days);
        claim(alice, list(ticket));
        vm.prank(alice);
        gift.transfer(receiver, 30e18);

        vm.assertEq(station().totalStaked(), 120e18);
        vm.assertEq(station().totalCooling(), 0);
        vm.assertEq(stakedOf(alice), 70e18);
        vm.assertEq(station().coolingOf(alice), 0);
    }

    function request(address account, uint256 amount) internal returns (uint256) {
        IStation here = station();
        vm.prank(account);
        return here.requestUnstake(amount);
    }

    function cancel(address account, uint256 ticket) internal {
        IStation here = station();
        vm.prank(account);
        here.cancelUnstake(ticket);
    }

    function claim(address account, uint256[] memory tickets) internal returns (uint256) {
        IStation here = station();
        vm.prank(account);
        return here.claimUnstake(tickets);
    }

    function assertTicket(
        uint256 ticket,
        address account,
        uint256 amount,
        uint256 claimableAt,
        IStation.TicketState state
    ) internal view {
        (uint256 held, uint256 due, IStation.TicketState found) = station().ticketOf(account, ticket);
        vm.assertEq(held, amount);
        vm.assertEq(due, claimableAt);
        vm.assertEq(uint256(found), uint256(state));
    }

    function expectNotOpen(uint256 ticket, IStation.TicketState state) internal {
        vm.expectRevert(abi.encodeWithSelector(IStation.TicketNotOpen.selector, ticket, state));
    }
}

contract TicketsOfStakedVVVTest is TicketsTest {
    function setUp() public override {
        vm.warp(NOON);
        // The emission has not begun, so that the figures are principal alone.
        deploy(NOON + 100_000 days, NOON);
        stakeVVV(alice, 100e18);
        stakeVVV(bob, 50e18);
    }

    function test_TheCooldownIsSevenDays() public view {
        vm.assertEq(stakedVVV.cooldownDuration(), 7 days);
    }

    function station() internal view override returns (IStation) {
        return stakedVVV;
    }

    function token() internal view override returns (IERC20) {
        return vvv;
    }

    function stakedOf(address account) internal view override returns (uint256) {
        return stakedVVV.balanceOf(account);
    }
}

contract TicketsOfInferenceStakeTest is TicketsTest {
    function setUp() public override {
        super.setUp();
        stakeDiem(alice, 100e18);
        stakeDiem(bob, 50e18);
    }

    function test_TheCooldownIsADay() public view {
        vm.assertEq(inferenceStake.cooldownDuration(), 1 days);
    }

    function station() internal view override returns (IStation) {
        return inferenceStake;
    }

    function token() internal view override returns (IERC20) {
        return diem;
    }

    function stakedOf(address account) internal view override returns (uint256) {
        return inferenceStake.stakedOf(account);
    }
}
