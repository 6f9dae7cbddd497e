// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {CreditSales} from "../src/CreditSales.sol";
import {DevDollar} from "../src/devnet/DevDollar.sol";
import {ICreditSales} from "../src/interfaces/ICreditSales.sol";
import {IGuardian} from "../src/interfaces/IGuardian.sol";
import {IUsdcPriced} from "../src/interfaces/IUsdcPriced.sol";
import {IWired} from "../src/interfaces/IWired.sol";
import {
    CallingDollar,
    FeeDollar,
    GenerousDollar,
    IdleDollar,
    ITold,
    ListingDollar,
    RefusingDollar
} from "./support/OddDollars.sol";
import {SalesSystem} from "./support/SalesSystem.sol";

/// @dev Permits, tokens that do not do what USDC does, and what the constructor refuses.
contract CreditSalesTokensTest is SalesSystem {
    function test_APermitStandsInForAnApproval() public {
        usdc.mint(alice, 100e6);
        (uint256 deadline, uint8 v, bytes32 r, bytes32 s) = signPermit("alice", usdc, 20e6);
        vm.prank(alice);
        creditSales.topUpWithPermit(bob, 20e6, deadline, v, r, s);
        (deadline, v, r, s) = signPermit("alice", usdc, 40e6);
        vm.prank(alice);
        creditSales.subscribeWithPermit(bob, 1, 2, 40e6, deadline, v, r, s);

        vm.assertEq(usdc.balanceOf(revenue), 20e6 + 36e6);
        vm.assertEq(creditSales.memberUntil(bob, 1), NOON + 1 days + 60 days);
        vm.assertEq(usdc.allowance(alice, address(creditSales)), 4e6, "what it cost less stays approved");
    }

    /// @dev Invariant 26: anybody may hand a permit in before.
    function test_AUsedPermitDoesNotBlockAPurchase() public {
        usdc.mint(alice, 100e6);
        (uint256 deadline, uint8 v, bytes32 r, bytes32 s) = signPermit("alice", usdc, 20e6);
        vm.prank(bob);
        usdc.permit(alice, address(creditSales), 20e6, deadline, v, r, s);
        vm.prank(alice);
        creditSales.topUpWithPermit(alice, 20e6, deadline, v, r, s);

        (deadline, v, r, s) = signPermit("alice", usdc, 18e6);
        vm.prank(bob);
        usdc.permit(alice, address(creditSales), 18e6, deadline, v, r, s);
        vm.prank(alice);
        creditSales.subscribeWithPermit(alice, 1, 1, 18e6, deadline, v, r, s);
        vm.assertEq(usdc.balanceOf(revenue), 38e6);
    }

    function test_APermitOfAnotherGivesNothing() public {
        usdc.mint(alice, 100e6);
        usdc.mint(bob, 100e6);
        (uint256 deadline, uint8 v, bytes32 r, bytes32 s) = signPermit("alice", usdc, 20e6);
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, creditSales, 0, 20e6)
        );
        vm.prank(bob);
        creditSales.topUpWithPermit(bob, 20e6, deadline, v, r, s);
    }

    function test_ATokenThatKeepsAFeeSellsNothing() public {
        sellFor(new FeeDollar());
        expectNotReceived(20e6, 20e6 - 1);
        creditSales.topUp(alice, 20e6);
    }

    function test_ATokenThatOnlySaysYesSellsNothing() public {
        sellFor(new IdleDollar());
        expectNotReceived(20e6, 0);
        creditSales.topUp(alice, 20e6);
        expectNotReceived(18e6, 0);
        creditSales.subscribe(alice, 1, 1, 18e6);
    }

    function test_ATokenThatSaysNoSellsNothing() public {
        DevDollar token = new RefusingDollar();
        sellFor(token);
        vm.expectRevert(abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, token));
        creditSales.topUp(alice, 20e6);
    }

    function test_ATokenThatMovesMoreSellsNothing() public {
        sellFor(new GenerousDollar());
        expectNotReceived(20e6, 20e6 + 1);
        creditSales.topUp(alice, 20e6);
    }

    function test_AListedPayerOrRevenueAddressSellsNothingAndLosesNothing() public {
        ListingDollar token = new ListingDollar();
        sellFor(token);
        token.list(revenue);
        vm.expectRevert(abi.encodeWithSelector(ListingDollar.Listed.selector, revenue));
        creditSales.topUp(alice, 20e6);
        vm.assertEq(token.balanceOf(alice), 100e6);
    }

    function test_APaymentInsideAnotherSellsNeither() public {
        for (uint256 i = 0; i < 2; ++i) {
            CallingDollar token = new CallingDollar();
            sellFor(token);
            vm.stopPrank();
            Nester nester = new Nester(creditSales, token);
            token.mint(address(nester), 100e6);
            token.callBefore(i == 0);
            // The inner purchase stands inside the outer measurement when it comes after it began.
            vm.expectRevert(abi.encodeWithSelector(ICreditSales.PaymentNotReceived.selector, 20e6, 40e6));
            nester.buyTwice(20e6);
            vm.assertEq(token.balanceOf(revenue), 0);
        }
    }

    function test_SalesInATokenThatDoesNotCountAsUsdcAreRefused() public {
        vm.expectRevert(abi.encodeWithSelector(IUsdcPriced.NotSixDecimals.selector, vvv, 18));
        new CreditSales(vvv, revenue, timelock, guardian, prices());
    }

    function test_SalesWithoutTheirPartnersAreRefused() public {
        vm.expectRevert(abi.encodeWithSelector(IWired.NoCodeAt.selector, alice));
        new CreditSales(IERC20(alice), revenue, timelock, guardian, prices());
        vm.expectRevert(abi.encodeWithSelector(IWired.NoCodeAt.selector, alice));
        new CreditSales(usdc, revenue, timelock, IGuardian(alice), prices());
        vm.expectRevert(abi.encodeWithSelector(IWired.ZeroAddress.selector));
        new CreditSales(usdc, address(0), timelock, guardian, prices());
        vm.expectRevert(abi.encodeWithSelector(IWired.ZeroAddress.selector));
        new CreditSales(usdc, revenue, address(0), guardian, prices());
    }

    function test_SalesBeginWithOneToEightTiersAtPricesInsideTheBounds() public {
        expectTierCount(0, false);
        expectTierCount(1, true);
        expectTierCount(8, true);
        expectTierCount(9, false);
        uint256[] memory given = prices();
        given[1] = 1_000e6 + 1;
        vm.expectRevert(
            abi.encodeWithSelector(ICreditSales.PriceOutOfBounds.selector, 1_000e6 + 1, 1e6, 1_000e6)
        );
        new CreditSales(usdc, revenue, timelock, guardian, given);
    }

    function test_WhatIsWiredCanBeReadBack() public view {
        vm.assertEq(address(creditSales.usdc()), address(usdc));
        vm.assertEq(creditSales.revenue(), revenue);
        vm.assertEq(creditSales.timelock(), timelock);
        vm.assertEq(address(creditSales.guardian()), address(guardian));
        vm.assertEq(creditSales.priceOf(1), 18e6);
        vm.assertEq(creditSales.priceOf(2), 68e6);
    }

    /// @dev Alice has a hundred of `token`, approved to new sales in it, and is the caller from here on.
    function sellFor(DevDollar token) private {
        creditSales = new CreditSales(token, revenue, timelock, guardian, prices());
        token.mint(alice, 100e6);
        vm.startPrank(alice);
        token.approve(address(creditSales), 100e6);
    }

    function expectNotReceived(uint256 owed, uint256 received) private {
        vm.expectRevert(abi.encodeWithSelector(ICreditSales.PaymentNotReceived.selector, owed, received));
    }

    function expectTierCount(uint256 tiers, bool accepted) private {
        uint256[] memory given = new uint256[](tiers);
        for (uint256 i = 0; i < tiers; ++i) {
            given[i] = 1e6;
        }
        if (!accepted) {
            vm.expectRevert(abi.encodeWithSelector(ICreditSales.TierCountOutOfBounds.selector, tiers, 8));
        }
        new CreditSales(usdc, revenue, timelock, guardian, given);
    }
}

/// @dev Buys again from within its own purchase, hoping that one payment counts for two.
contract Nester is ITold {
    CreditSales private immutable _sales;
    uint256 private _left;

    constructor(CreditSales sales, DevDollar token) {
        _sales = sales;
        token.approve(address(sales), type(uint256).max);
    }

    function buyTwice(uint256 amount) external {
        _left = amount;
        _sales.topUp(address(this), amount);
    }

    function tokensSent() external {
        uint256 amount = _left;
        _left = 0;
        if (amount != 0) _sales.topUp(address(this), amount);
    }
}
