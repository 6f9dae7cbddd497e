// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {PairPrice} from "../src/PairPrice.sol";
import {PairVenue} from "../src/PairVenue.sol";
import {PoolPrice} from "../src/PoolPrice.sol";
import {DevDollar} from "../src/devnet/DevDollar.sol";
import {IPairVenue} from "../src/interfaces/IPairVenue.sol";
import {IUniswapV2Pair} from "../src/interfaces/IUniswapV2.sol";
import {IWired} from "../src/interfaces/IWired.sol";
import {IPair, PairSystem} from "./support/PairSystem.sol";
import {FlashBorrower, Payer, RestlessPayer} from "./support/Payers.sol";

/// @dev Swaps on the real pair, and the spot price.
contract PairVenueTest is PairSystem {
    Payer private payer;

    function setUp() public override {
        super.setUp();
        payer = new Payer(venue);
        enrich(address(payer));
    }

    /// @dev The pair's own formula, and the pair itself: it gives this, and it does not give a unit more.
    function test_ASwapGivesExactlyWhatThePairWould(uint256 amount, bool isToken0) public {
        (uint256 reserve0, uint256 reserve1) = reserves();
        (uint256 reserveIn, uint256 reserveOut) = isToken0 ? (reserve0, reserve1) : (reserve1, reserve0);
        amount = bound(amount, reserveIn / 1e9, reserveIn);
        uint256 expected = amount * 997 * reserveOut / (reserveIn * 1_000 + amount * 997);

        uint256 before = cheats.snapshotState();
        assertPairGives(isToken0, amount, expected);
        cheats.revertToState(before);
        assertPairRefuses(isToken0, amount, expected + 1);
        cheats.revertToState(before);

        (int256 amount0, int256 amount1) = swap(isToken0, int256(amount), isToken0 ? LOWEST : HIGHEST);
        vm.assertEq(uint256(isToken0 ? amount0 : amount1), amount, "all of it is paid");
        vm.assertEq(uint256(-(isToken0 ? amount1 : amount0)), expected, "and this is bought");
        vm.assertEq(token(!isToken0).balanceOf(alice), expected, "by the recipient");
        (uint256 left0, uint256 left1) = reserves();
        vm.assertEq(left0, uint256(int256(reserve0) + amount0));
        vm.assertEq(left1, uint256(int256(reserve1) + amount1));
    }

    function test_TheCallerIsAskedToPayAndNothingStays() public {
        uint256 held = usdc.balanceOf(address(payer));
        bool isToken0 = usdcIsToken0();
        (int256 amount0, int256 amount1) =
            payer.swap(alice, isToken0, 5_000e6, isToken0 ? LOWEST : HIGHEST, "whatever");
        vm.assertTrue(payer.asked0() == amount0 && payer.asked1() == amount1, "asked for what was answered");
        vm.assertEq(string(payer.told()), "whatever");
        vm.assertEq(usdc.balanceOf(address(payer)), held - 5_000e6);
        vm.assertEq(usdc.balanceOf(address(pair)), DOLLARS + 5_000e6);
        vm.assertEq(usdc.balanceOf(address(venue)) + vvv.balanceOf(address(venue)), 0);
        vm.assertEq(usdc.allowance(address(venue), address(pair)), 0);
    }

    function test_ASwapStopsAtItsLimit(int24 away, bool isToken0, uint256 more) public {
        away = int24(int256(bound(uint256(int256(away)), 2, 20_000)));
        int24 spot = spotTick();
        uint160 limit = PoolPrice.sqrtPriceAt(isToken0 ? spot - away : spot + away);
        (uint256 reserve0, uint256 reserve1) = reserves();
        uint256 most = isToken0
            ? PairPrice.payableUpTo(limit, true, reserve0, reserve1)
            : PairPrice.payableUpTo(limit, false, reserve1, reserve0);
        more = bound(more, 0, uint256(type(int256).max) - most);
        (int256 amount0, int256 amount1) = swap(isToken0, int256(most + more), limit);

        vm.assertEq(uint256(isToken0 ? amount0 : amount1), most, "what leads there, and no more");
        uint160 reached = spotPrice();
        vm.assertTrue(isToken0 ? reached >= limit : reached <= limit, "not beyond");
        // What rounding the bought amount down to a unit of USDC, one of 2e12, can leave open.
        vm.assertApproxEqRel(reached, limit, 1e7);
    }

    function test_LessThanLeadsToTheLimitIsPaidInFull() public {
        uint160 limit = PoolPrice.sqrtPriceAt(spotTick() - 100);
        (uint256 reserve0, uint256 reserve1) = reserves();
        uint256 most = PairPrice.payableUpTo(limit, true, reserve0, reserve1);
        (int256 amount0,) = swap(true, int256(most - 1), limit);
        vm.assertEq(uint256(amount0), most - 1);
    }

    function test_TheLimitMustLieAhead() public {
        uint160 spot = spotPrice();
        for (uint160 hair = 0; hair < 2; ++hair) {
            expectLimit(spot, spot + hair);
            swap(true, 1e12, spot + hair);
            expectLimit(spot, spot - hair);
            swap(false, 1e12, spot - hair);
        }
        // A hair ahead, and there is a little to buy for what has 18 decimals, and nothing for what has 6.
        vm.expectRevert(abi.encodeWithSelector(IPairVenue.NothingBought.selector, 0));
        swap(usdcIsToken0(), 1e12, usdcIsToken0() ? spot - 1 : spot + 1);
    }

    function test_OnlyAnExactInputIsTaken() public {
        int256[3] memory amounts = [int256(0), -1, type(int256).min];
        for (uint256 i = 0; i < amounts.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IPairVenue.OnlyExactInput.selector, amounts[i]));
            swap(true, amounts[i], LOWEST);
        }
    }

    /// @dev One wei of VVV buys nothing, and is not taken; the first amount that buys a unit of USDC is.
    function test_WhatBuysNothingIsNotTaken() public {
        bool isToken0 = !usdcIsToken0();
        uint160 limit = isToken0 ? LOWEST : HIGHEST;
        (uint256 reserve0, uint256 reserve1) = reserves();
        (uint256 reserveIn, uint256 reserveOut) = isToken0 ? (reserve0, reserve1) : (reserve1, reserve0);
        uint256 first = reserveIn * 1_000 / ((reserveOut - 1) * 997) + 1;
        for (uint256 amount = 1; amount < first; amount += first - 2) {
            vm.expectRevert(abi.encodeWithSelector(IPairVenue.NothingBought.selector, amount));
            swap(isToken0, int256(amount), limit);
        }
        (int256 amount0, int256 amount1) = swap(isToken0, int256(first), limit);
        vm.assertTrue((isToken0 ? amount1 : amount0) == -1, "one unit");
    }

    function test_AnUnpaidSwapIsRefusedWhateverLiesHere(uint256 missing, uint256 lying) public {
        missing = bound(missing, 1, 5_000e6);
        usdc.mint(address(venue), bound(lying, 0, 10_000e6));
        payer.payMore(-int256(missing));
        vm.expectRevert(
            abi.encodeWithSelector(IPairVenue.PaymentMissing.selector, 5_000e6 - missing, 5_000e6)
        );
        swap(usdcIsToken0(), 5_000e6, usdcIsToken0() ? LOWEST : HIGHEST);
    }

    /// @dev What is paid beyond what was asked, and what somebody had sent by mistake, buys nothing and is not kept.
    function test_WhatIsTooMuchGoesToThePair() public {
        (uint256 reserve0, uint256 reserve1) = reserves();
        (uint256 reserveIn, uint256 reserveOut) = usdcIsToken0() ? (reserve0, reserve1) : (reserve1, reserve0);
        uint256 expected = PairPrice.boughtFor(5_000e6, reserveIn, reserveOut);
        usdc.mint(address(venue), 7e6);
        giveVVV(address(venue), 3e18);
        payer.payMore(11e6);
        swap(usdcIsToken0(), 5_000e6, usdcIsToken0() ? LOWEST : HIGHEST);
        vm.assertEq(vvv.balanceOf(alice), expected, "not a unit more");
        vm.assertEq(usdc.balanceOf(address(pair)), DOLLARS + 5_018e6);
        vm.assertEq(usdc.balanceOf(address(venue)), 0, "nothing stays");

        payer.payMore(0);
        swap(!usdcIsToken0(), 1e18, usdcIsToken0() ? HIGHEST : LOWEST);
        vm.assertEq(vvv.balanceOf(address(venue)), 0, "the other token goes with a swap that pays in it");
    }

    function test_WhatIsBoughtIsNotSentWhereItWouldBeLost() public {
        address[2] memory places = [address(venue), address(pair)];
        for (uint256 i = 0; i < places.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IPairVenue.RecipientRefused.selector, places[i]));
            payer.swap(places[i], true, 1e12, LOWEST, "");
        }
    }

    function test_NoSwapIsEnteredFromWithinAnother() public {
        RestlessPayer restless = new RestlessPayer(venue);
        enrich(address(restless));
        restless.meanwhile(address(payer), abi.encodeCall(Payer.swap, (alice, true, 1e12, LOWEST, "")));
        vm.expectRevert(abi.encodeWithSelector(IPairVenue.SwapUnderWay.selector));
        restless.swap(alice, false, 1e12, HIGHEST, "");

        restless.meanwhile(address(this), abi.encodeCall(this.requireLocked, (false)));
        restless.swap(alice, false, 1e18, HIGHEST, "");
        requireLocked(true);
        // Twice in one transaction, one after the other.
        swap(true, 1e12, LOWEST);
        swap(true, 1e12, LOWEST);
    }

    /// @dev By whoever was asked to pay: the price would no longer be the one that the limit was held against.
    function test_NobodyTradesInThePairWhileTheCallerPays() public {
        RestlessPayer restless = new RestlessPayer(venue);
        enrich(address(restless));
        for (uint256 side = 0; side < 2; ++side) {
            token(side == 0).transfer(address(pair), 1e12);
            restless.meanwhile(address(pair), abi.encodeCall(IPair.sync, ()));
            vm.expectRevert(abi.encodeWithSelector(IPairVenue.PairMoved.selector));
            restless.swap(alice, true, 1e12, LOWEST, "");
            pair.sync();
        }
        restless.swap(alice, true, 1e12, LOWEST, "");
    }

    /// @dev A pair that is lending is closed to the venue, and its price is the one before.
    function test_InAFlashSwapThereIsNoSwapAndTheOldPrice() public {
        FlashBorrower borrower = new FlashBorrower(venue);
        enrich(address(borrower));
        (uint256 reserve0,) = reserves();
        uint160 spot = spotPrice();
        borrower.borrow(reserve0 - 1);
        vm.assertEq(borrower.priceWithin(), spot);
        vm.assertEq(
            keccak256(borrower.wasRefusedWith()),
            keccak256(abi.encodeWithSignature("Error(string)", "UniswapV2: LOCKED")),
            "by the pair"
        );
    }

    function test_TokensSentToThePairMoveNothingUntilItCountsThem() public {
        uint160 spot = spotPrice();
        usdc.mint(address(pair), DOLLARS);
        vm.assertEq(spotPrice(), spot, "not yet counted");
        uint256 before = cheats.snapshotState();
        pair.skim(bob);
        vm.assertEq(spotPrice(), spot, "nor once somebody took them");
        cheats.revertToState(before);
        pair.sync();
        vm.assertTrue(apart(spotTick(), PoolPrice.tickAt(spot)) > 6_900, "a doubled reserve, half the price");
    }

    /// forge-config: default.fuzz.runs = 100
    /// @dev Of any reserves, and the tick is the one that a v3 pool of that price says.
    function test_TheSpotIsThatOfTheReserves(uint256 reserve0, uint256 reserve1) public {
        reserve0 = bound(reserve0 >> 8, 1, type(uint112).max) >> reserve0 % 112 | 1;
        reserve1 = bound(reserve1 >> 8, 1, type(uint112).max) >> reserve1 % 112 | 1;
        PairVenue other = new PairVenue(pairWith(reserve0, reserve1));
        (uint160 spot, int24 tick,,,, uint8 fee,) = other.slot0();
        vm.assertEq(spot, PairPrice.sqrtPriceOf(reserve0, reserve1));
        vm.assertEq(fee, 0);
        cheats.store(address(v3), 0, 0);
        v3.initialize(spot);
        (, int24 expected,,,,,) = v3.slot0();
        vm.assertTrue(tick == expected, "its tick");
    }

    function test_APairIsFilledUpToWhatItCanHold() public {
        assertFilled(true);
        assertFilled(false);
    }

    function assertFilled(bool isToken0) private {
        uint256 full = type(uint112).max;
        PairVenue other = new PairVenue(pairWith(full - 5e6, full - 5e6));
        Payer rich = new Payer(other);
        DevDollar(isToken0 ? other.token0() : other.token1()).mint(address(rich), full);
        (int256 amount0, int256 amount1) =
            rich.swap(alice, isToken0, type(int256).max, isToken0 ? LOWEST : HIGHEST, "");
        vm.assertEq(uint256(isToken0 ? amount0 : amount1), 5e6, "and to the last unit");
    }

    function test_AnEmptyPairHasNoPriceAndNoSwap() public {
        PairVenue other = new PairVenue(pairWith(0, 0));
        Payer early = new Payer(other);
        expectNoLiquidity();
        other.slot0();
        expectNoLiquidity();
        other.poke();
        expectNoLiquidity();
        early.swap(alice, true, 1e6, LOWEST, "");
    }

    /// @dev What is left of a pair that everybody has left: a thousandth of a thousandth of a unit of its shares.
    function test_ADrainedPairGivesLessAndNeverTheWrongAmount(uint256 amount) public {
        pair.transfer(address(pair), pair.balanceOf(address(this)));
        pair.burn(address(this));
        (uint256 reserve0, uint256 reserve1) = reserves();
        bool isToken0 = usdcIsToken0();
        (uint256 reserveIn, uint256 reserveOut) = isToken0 ? (reserve0, reserve1) : (reserve1, reserve0);
        vm.assertEq(reserveIn, 1, "of two million dollars");
        amount = bound(amount, 1, 1e12);
        uint256 expected = PairPrice.boughtFor(amount, reserveIn, reserveOut);
        swap(isToken0, int256(amount), isToken0 ? LOWEST : HIGHEST);
        vm.assertEq(vvv.balanceOf(alice), expected);
    }

    function test_AVenueStandsOnAPairThatIsThere() public {
        vm.assertEq(address(venue.pair()), address(pair));
        vm.assertEq(venue.token0(), address(token(true)));
        vm.assertEq(venue.token1(), address(token(false)));
        vm.expectRevert(abi.encodeWithSelector(IWired.NoCodeAt.selector, alice));
        new PairVenue(IUniswapV2Pair(alice));
    }

    function requireLocked(bool isUnlocked) public view {
        (,,,,,, bool unlocked) = venue.slot0();
        require(unlocked == isUnlocked, "what slot0 says of the lock");
    }

    function swap(bool isToken0, int256 amount, uint160 limit)
        private
        returns (int256 amount0, int256 amount1)
    {
        return payer.swap(alice, isToken0, amount, limit, "");
    }

    function token(bool isToken0) private view returns (IERC20) {
        return IERC20((address(usdc) < address(vvv)) == isToken0 ? address(usdc) : address(vvv));
    }

    /// @dev More than anybody could ever pay: but for what chance asks for, that is how limits are reached.
    function enrich(address account) private {
        usdc.mint(account, 1e20);
        giveVVV(account, 40_000_000e18);
        usdc.mint(address(this), 1e12);
        giveVVV(address(this), 1e12);
    }

    function assertPairGives(bool isToken0, uint256 paid, uint256 bought) private {
        vm.prank(address(payer));
        token(isToken0).transfer(address(pair), paid);
        pair.swap(isToken0 ? 0 : bought, isToken0 ? bought : 0, alice, "");
    }

    function assertPairRefuses(bool isToken0, uint256 paid, uint256 bought) private {
        vm.prank(address(payer));
        token(isToken0).transfer(address(pair), paid);
        vm.expectRevert(abi.encodeWithSignature("Error(string)", "UniswapV2: K"));
        pair.swap(isToken0 ? 0 : bought, isToken0 ? bought : 0, alice, "");
    }

    function expectLimit(uint160 spot, uint160 limit) private {
        vm.expectRevert(abi.encodeWithSelector(IPairVenue.PriceLimitReached.selector, spot, limit));
    }

    function expectNoLiquidity() private {
        vm.expectRevert(abi.encodeWithSelector(IPairVenue.NoLiquidity.selector));
    }
}

/// @dev The same where USDC has the higher address.
contract PairVenueReversedTest is PairVenueTest {
    function usdcIsToken0() internal pure override returns (bool) {
        return false;
    }
}
