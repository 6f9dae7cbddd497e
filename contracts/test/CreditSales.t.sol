// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {ICreditSales} from "../src/interfaces/ICreditSales.sol";
import {IGuarded} from "../src/interfaces/IGuarded.sol";
import {ITimelocked} from "../src/interfaces/ITimelocked.sol";
import {SalesSystem} from "./support/SalesSystem.sol";

contract CreditSalesTest is SalesSystem {
    uint256 private constant PRO = 1;
    uint256 private constant MONTH = 30 days;

    function test_ATopUpGoesFromThePayerToTheRevenueAddress(uint256 amount) public {
        amount = bound(amount, 5e6, 1_000_000e6);
        giveDollars(alice, 1_000_000e6);
        vm.expectEmit(address(creditSales));
        emit ICreditSales.TopUp(bob, alice, amount);
        vm.prank(alice);
        creditSales.topUp(bob, amount);

        vm.assertEq(usdc.balanceOf(revenue), amount);
        vm.assertEq(usdc.balanceOf(alice), 1_000_000e6 - amount);
        vm.assertEq(usdc.balanceOf(address(creditSales)), 0);
    }

    function test_ATopUpBelowFiveDollarsIsRefused() public {
        giveDollars(alice, 10e6);
        vm.assertEq(creditSales.minimumTopUp(), 5e6);
        vm.expectRevert(abi.encodeWithSelector(ICreditSales.TopUpBelowMinimum.selector, 5e6 - 1, 5e6));
        vm.prank(alice);
        creditSales.topUp(alice, 5e6 - 1);
        vm.prank(alice);
        creditSales.topUp(alice, 5e6);
    }

    function test_NothingIsSoldToThoseWhoCannotUseIt() public {
        giveDollars(alice, 100e6);
        address[2] memory refused = [address(0), address(creditSales)];
        for (uint256 i = 0; i < refused.length; ++i) {
            bytes memory reason = abi.encodeWithSelector(ICreditSales.AccountRefused.selector, refused[i]);
            vm.expectRevert(reason);
            vm.prank(alice);
            creditSales.topUp(refused[i], 50e6);
            vm.expectRevert(reason);
            vm.prank(alice);
            creditSales.subscribe(refused[i], PRO, 1, 50e6);
        }
    }

    function test_AMonthIsThirtyDaysAndPaidAtItsPrice(uint256 months) public {
        months = bound(months, 1, 12);
        giveDollars(alice, 1_000e6);
        uint256 until = NOON + 1 days + months * MONTH;
        vm.expectEmit(address(creditSales));
        emit ICreditSales.Subscribed(bob, alice, PRO, until);
        vm.prank(alice);
        vm.assertEq(creditSales.subscribe(bob, PRO, months, months * 18e6), until);

        vm.assertEq(creditSales.memberUntil(bob, PRO), until);
        vm.assertEq(creditSales.memberUntil(alice, PRO), 0);
        vm.assertEq(usdc.balanceOf(revenue), months * 18e6);
        vm.assertEq(usdc.balanceOf(address(creditSales)), 0);
    }

    function test_AMembershipIsExtendedFromItsEndAndAnOldOneFromNow() public {
        giveDollars(alice, 1_000e6);
        vm.startPrank(alice);
        creditSales.subscribe(alice, PRO, 1, 18e6);
        vm.warp(NOON + 11 days);
        creditSales.subscribe(alice, PRO, 1, 18e6);
        uint256 end = NOON + 1 days + 2 * MONTH;
        vm.assertEq(creditSales.memberUntil(alice, PRO), end, "from its end");

        vm.warp(end - 1);
        creditSales.subscribe(alice, PRO, 1, 18e6);
        vm.assertEq(creditSales.memberUntil(alice, PRO), end + MONTH, "in its last second");
        vm.warp(end + MONTH + 5 days);
        creditSales.subscribe(alice, PRO, 1, 18e6);
        vm.assertEq(creditSales.memberUntil(alice, PRO), end + 2 * MONTH + 5 days, "after it, from now");
    }

    function test_EachTierRunsOnItsOwn() public {
        giveDollars(alice, 1_000e6);
        vm.startPrank(alice);
        creditSales.subscribe(alice, 1, 3, 54e6);
        creditSales.subscribe(alice, 2, 1, 68e6);
        vm.assertEq(creditSales.memberUntil(alice, 1), NOON + 1 days + 3 * MONTH);
        vm.assertEq(creditSales.memberUntil(alice, 2), NOON + 1 days + MONTH);
        vm.assertEq(usdc.balanceOf(revenue), 54e6 + 68e6);
    }

    function test_ThereAreOnlyTheTiersThereWereAtTheBeginning(uint256 tier) public {
        giveDollars(alice, 1_000e6);
        vm.assertEq(creditSales.tierCount(), 2);
        if (tier == 1 || tier == 2) tier = 3;
        bytes memory reason = abi.encodeWithSelector(ICreditSales.NoSuchTier.selector, tier, 2);
        vm.expectRevert(reason);
        vm.prank(alice);
        creditSales.subscribe(alice, tier, 1, type(uint256).max);
        vm.expectRevert(reason);
        creditSales.priceOf(tier);
        vm.expectRevert(reason);
        vm.prank(timelock);
        creditSales.setPrice(tier, 18e6);
    }

    function test_APurchaseIsForOneToTwelveMonths(uint256 months) public {
        giveDollars(alice, 1_000e6);
        if (months > 0 && months <= 12) months += 12;
        vm.expectRevert(abi.encodeWithSelector(ICreditSales.MonthsOutOfBounds.selector, months, 12));
        vm.prank(alice);
        creditSales.subscribe(alice, PRO, months, type(uint256).max);
    }

    /// @dev A price that rises while a purchase waits in the queue takes no more than the payer named.
    function test_NobodyPaysMoreThanTheyAllowed() public {
        giveDollars(alice, 1_000e6);
        setPrice(PRO, 20e6);
        vm.expectRevert(abi.encodeWithSelector(ICreditSales.CostAboveMaximum.selector, 40e6, 36e6));
        vm.prank(alice);
        creditSales.subscribe(alice, PRO, 2, 36e6);
        setPrice(PRO, 17e6);
        vm.prank(alice);
        creditSales.subscribe(alice, PRO, 2, 36e6);
        vm.assertEq(usdc.balanceOf(revenue), 34e6, "and less when it is less");
    }

    function test_ThePayerIsTheCaller() public {
        giveDollars(alice, 1_000e6);
        bytes memory reason =
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, creditSales, 0, 18e6);
        vm.expectRevert(reason);
        vm.prank(bob);
        creditSales.topUp(alice, 18e6);
        vm.expectRevert(reason);
        vm.prank(bob);
        creditSales.subscribe(alice, PRO, 1, 18e6);
    }

    function test_SalesArePausedWithTheOtherEntries() public {
        giveDollars(alice, 1_000e6);
        pauseEntries(7 days);
        bytes memory reason =
            abi.encodeWithSelector(IGuarded.EntriesArePaused.selector, block.timestamp + 7 days);
        vm.startPrank(alice);
        vm.expectRevert(reason);
        creditSales.topUp(alice, 18e6);
        vm.expectRevert(reason);
        creditSales.topUpWithPermit(alice, 18e6, NOON, 27, 0, 0);
        vm.expectRevert(reason);
        creditSales.subscribe(alice, PRO, 1, 18e6);
        vm.expectRevert(reason);
        creditSales.subscribeWithPermit(alice, PRO, 1, 18e6, NOON, 27, 0, 0);
    }

    function test_OnlyTheTimelockSetsPricesAndOnlyInsideTheBounds(address stranger, uint256 price) public {
        vm.assume(stranger != timelock);
        vm.expectRevert(abi.encodeWithSelector(ITimelocked.OnlyTimelock.selector, stranger));
        vm.prank(stranger);
        creditSales.setPrice(PRO, 20e6);

        if (price < 1e6 || price > 1_000e6) {
            vm.expectRevert(
                abi.encodeWithSelector(ICreditSales.PriceOutOfBounds.selector, price, 1e6, 1_000e6)
            );
        } else {
            vm.expectEmit(address(creditSales));
            emit ICreditSales.PriceSet(PRO, 18e6, price);
        }
        setPrice(PRO, price);
    }

    function test_ThePriceBoundsThemselvesAreAllowed() public {
        setPrice(1, 1e6);
        setPrice(2, 1_000e6);
        vm.assertEq(creditSales.priceOf(1), 1e6);
        vm.assertEq(creditSales.priceOf(2), 1_000e6);
        expectPriceRefused(1e6 - 1);
        setPrice(1, 1e6 - 1);
        expectPriceRefused(1_000e6 + 1);
        setPrice(1, 1_000e6 + 1);
    }

    /// @dev Someone who sends USDC here by mistake loses it, and buys nothing.
    function test_DonatedDollarsBuyNothingAndChangeNothing() public {
        usdc.mint(address(creditSales), 100e6);
        giveDollars(alice, 18e6);
        vm.prank(alice);
        creditSales.subscribe(alice, PRO, 1, 18e6);
        vm.assertEq(usdc.balanceOf(revenue), 18e6);
        vm.assertEq(usdc.balanceOf(address(creditSales)), 100e6);
    }

    function test_TheRevenueAddressCannotSellToItself() public {
        giveDollars(revenue, 100e6);
        bytes memory reason = abi.encodeWithSelector(ICreditSales.PaymentNotReceived.selector, 18e6, 0);
        vm.expectRevert(reason);
        vm.prank(revenue);
        creditSales.topUp(revenue, 18e6);
        vm.expectRevert(reason);
        vm.prank(revenue);
        creditSales.subscribe(alice, PRO, 1, 18e6);
        vm.assertEq(creditSales.memberUntil(alice, PRO), 0);
    }

    function expectPriceRefused(uint256 price) private {
        vm.expectRevert(abi.encodeWithSelector(ICreditSales.PriceOutOfBounds.selector, price, 1e6, 1_000e6));
    }
}
