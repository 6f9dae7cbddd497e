// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {PairVenue} from "../src/PairVenue.sol";
import {PoolPrice} from "../src/PoolPrice.sol";
import {BuybackBurner} from "../src/BuybackBurner.sol";
import {DevTrader} from "../src/devnet/DevTrader.sol";
import {IBuybackBurner} from "../src/interfaces/IBuybackBurner.sol";
import {IPair, PairSystem} from "./support/PairSystem.sol";

/// @dev Buybacks on the second venue: BuybackBurner as it is, its bounds, and what others can do to a run.
contract PairBuybackTest is PairSystem {
    DevTrader private attacker;

    function setUp() public override {
        super.setUp();
        attacker = trader();
    }

    function test_ARunBuysAndBurnsInTheSameCall(uint256 usdcIn) public {
        usdcIn = bound(usdcIn, 1e6, LOT);
        uint256 supply = vvv.totalSupply();
        (uint256 spent, uint256 burned) = run(usdcIn);

        vm.assertEq(spent, usdcIn);
        vm.assertEq(vvv.totalSupply(), supply - burned, "the supply falls by what was bought");
        vm.assertGe(burned, floorOf(spent, referencePrice()), "at no less than the floor");
        vm.assertLt(burned, spent * referencePrice() / 1e6, "nor for free");
        vm.assertEq(usdc.balanceOf(address(burner)), SET_ASIDE - spent);
        vm.assertEq(usdc.balanceOf(address(pair)), DOLLARS + spent, "all of it is in the pair");
        vm.assertEq(usdc.balanceOf(address(venue)) + vvv.balanceOf(address(venue)), 0, "nothing on the way");
        vm.assertEq(vvv.balanceOf(address(burner)), 0, "no VVV is left");
        vm.assertEq(usdc.allowance(address(burner), address(venue)), 0, "nor an approval");
        vm.assertEq(burner.nextRun(), 1);
    }

    /// forge-config: default.fuzz.runs = 20
    /// @dev The two venues are nearly as deep as each other and take the same fee.
    function test_ARunBuysWhatItWouldInAV3PoolOfTheSameDepth(uint256 usdcIn) public {
        usdcIn = bound(usdcIn, 1_000e6, LOT);
        IBuybackBurner onV3 = new BuybackBurner(usdc, vvv, v3, timelock, guardian, buyer, usualBounds());
        usdc.mint(address(onV3), LOT);
        (, uint256 burned) = run(usdcIn);
        vm.prank(buyer);
        (, uint256 expected) = onV3.execute(0, usdcIn, 0, block.timestamp);
        // Two million dollars in the one, 2.006 in the other: of a lot of ten thousand it is a 100,000th.
        vm.assertApproxEqRel(burned, expected, 3e13);
    }

    function test_APartialFillEndsAtTheLimit() public {
        thin(400);
        (, int24 mean,) = burner.market();
        uint256 price = referencePrice();
        (uint256 spent, uint256 burned) = run(LOT);
        vm.assertGt(spent, 0, "some was bought");
        vm.assertLt(spent, LOT / 100, "a little only");
        int24 away = usdcIsToken0() ? -DEVIATION : DEVIATION;
        uint160 limit = PoolPrice.sqrtPriceAt(mean + away);
        vm.assertTrue(usdcIsToken0() ? spotPrice() >= limit : spotPrice() <= limit, "not beyond");
        vm.assertApproxEqRel(spotPrice(), limit, 1e10);
        vm.assertGe(burned, floorOf(spent, price), "the floor is for what was spent");
        vm.assertEq(usdc.balanceOf(address(burner)), SET_ASIDE - spent, "the rest stays");
    }

    function test_ARunNeedsAMemoryOfItsWholeWindow() public {
        uint256 last = block.timestamp;
        vm.warp(last + 10 minutes + 1);
        expectOld();
        execute(0, LOT);
        pass(30 minutes - 1);
        expectOld();
        execute(0, LOT);
        vm.warp(block.timestamp + 1);
        run(LOT);
        vm.assertEq(burner.nextRun(), 1);
    }

    /// @dev Buys before the run and sells after it, in one block, for any size of purchase.
    function test_ASandwichTakesNoMoreThanTheFloorLeavesOpen(uint256 size, uint256 usdcIn) public {
        size = bound(size, 1e6, DOLLARS);
        usdcIn = bound(usdcIn, 1_000e6, LOT);
        uint256 price = referencePrice();
        uint256 before = worth(attacker, price);

        uint256 bought = attacker.sell(dollars(), size);
        (bool isDone, uint256 spent, uint256 burned) = tryRun(usdcIn);
        attacker.sell(vvv, bought);

        if (!isDone) {
            vm.assertLe(worth(attacker, price), before, "pushing the price for nothing costs the fees");
            return;
        }
        uint256 open = spent * (10_000 - FLOOR) / 10_000;
        vm.assertGe(burned, floorOf(spent, price), "the run got its floor");
        vm.assertLe(worth(attacker, price), before + open + 1, "and the sandwich no more than the rest");
    }

    function test_AMovedSpotStopsTheRunEitherWay() public {
        (, int24 mean,) = burner.market();
        int24[2] memory moves = [DEVIATION + 2, -DEVIATION - 2];
        for (uint256 i = 0; i < moves.length; ++i) {
            attacker.moveTo(mean + moves[i]);
            int24 spot = spotTick();
            vm.expectRevert(
                abi.encodeWithSelector(IBuybackBurner.SpotAwayFromMean.selector, spot, mean, DEVIATION)
            );
            execute(0, LOT);
        }
        attacker.moveTo(mean);
        run(LOT);
    }

    /// @dev A price of ten times the market's, for one block of 12 seconds between two pokes: the mean is moved and the
    /// spot is not, or both are and far apart. Either way there is no run, and the burner keeps its dollars.
    function test_AMeanThatASpikeMovedStopsTheRun() public {
        int24 quiet = spotTick();
        attacker.moveTo(usdcIsToken0() ? quiet - 23_027 : quiet + 23_027);
        vm.warp(block.timestamp + 12);
        (bool isDone,,) = tryRun(LOT);
        vm.assertTrue(!isDone, "while it lasts");
        attacker.moveTo(quiet);
        vm.warp(block.timestamp + 10 minutes - 12);
        (, int24 mean,) = burner.market();
        vm.assertGt(apart(mean, quiet), uint24(DEVIATION), "a third of 918 ticks");
        (isDone,,) = tryRun(LOT);
        vm.assertTrue(!isDone, "and after it");
        vm.assertEq(usdc.balanceOf(address(burner)), SET_ASIDE);
        pass(30 minutes);
        run(LOT);
    }

    function test_AHeldPriceMovesTheMeanOnlyAsLongAsItIsHeld() public {
        int24 quiet = spotTick();
        attacker.moveTo(quiet + 300);
        vm.warp(block.timestamp + 3 minutes);
        (bool isDone,,) = tryRun(LOT);
        vm.assertTrue(!isDone, "a tenth of the window: the mean is 30 ticks up, the spot 300");
        (, int24 mean,) = burner.market();
        vm.assertLe(apart(mean, quiet + 30), 2, "a tenth of the way");
    }

    function test_LiquidityThatLeavesBeforeTheRunCostsNothing(uint256 parts) public {
        parts = bound(parts, 2, 1e9);
        uint256 price = referencePrice();
        thin(parts);
        (bool isDone, uint256 spent, uint256 burned) = tryRun(LOT);
        if (isDone) vm.assertGe(burned, floorOf(spent, price), "less is bought, at no worse a price");
        vm.assertEq(usdc.balanceOf(address(burner)), SET_ASIDE - (isDone ? spent : 0));
    }

    /// @dev Nothing but what nobody can take out: a unit of USDC, and the VVV that it would cost.
    function test_AnEmptiedPairSellsNothing() public {
        pair.transfer(address(pair), pair.balanceOf(address(this)));
        pair.burn(address(this));
        (bool isDone,,) = tryRun(LOT);
        vm.assertTrue(!isDone, "the spot of what is left is anything, or a unit passes the limit");
        vm.assertEq(usdc.balanceOf(address(burner)), SET_ASIDE);
    }

    /// @dev Who gives tokens to the pair moves its price, with or without telling it: the run is as good as its floor, or
    /// does not happen, and the giver is poorer by what it gave.
    function test_ADonationBuysNobodyABetterRun(uint256 gift, bool isUsdc, bool isCounted) public {
        uint256 price = referencePrice();
        gift = bound(gift, 1, DOLLARS);
        uint256 before = worth(attacker, price);
        vm.startPrank(address(attacker));
        if (isUsdc) usdc.transfer(address(pair), gift);
        else vvv.transfer(address(pair), gift * price / 1e6);
        vm.stopPrank();
        if (isCounted) pair.sync();
        (bool isDone, uint256 spent, uint256 burned) = tryRun(LOT);
        if (isDone) vm.assertGe(burned, floorOf(spent, price), "at the floor or better");
        // What was not counted can be taken back by whoever comes first, before a run and not after it.
        if (!isCounted && isDone) {
            pair.skim(address(attacker));
            vm.assertLe(worth(attacker, price), before - gift + gift / 1e4 + 2, "it is the pair's");
        }
    }

    function test_TokensLyingInTheVenueAreNoPayment() public {
        (uint256 spent, uint256 burned) = dryRun(LOT);
        usdc.mint(address(venue), LOT);
        giveVVV(address(venue), 5e18);
        (uint256 paid, uint256 gone) = run(LOT);
        vm.assertEq(paid, spent, "it pays as before");
        vm.assertEq(gone, burned, "and buys as before");
        vm.assertEq(usdc.balanceOf(address(venue)), 0, "what lay there is the pair's");
    }

    /// @dev As on the v3 pool: each run of the thief's loses what the floor leaves open and no more, once a hop.
    function test_AStolenKeyLosesAtMostWhatTheFloorLeavesOpenOnceAHop() public {
        int24[4] memory pushes = [int24(2), 50, 100, DEVIATION - 3];
        uint256 before = cheats.snapshotState();
        for (uint256 i = 0; i < pushes.length; ++i) {
            assertThiefLimited(pushes[i]);
            cheats.revertToState(before);
        }
    }

    function assertThiefLimited(int24 push) private {
        uint256 price = referencePrice();
        uint256 before = worth(attacker, price);
        int24 quiet = spotTick();
        int24 pushed = usdcIsToken0() ? quiet - push : quiet + push;
        (uint256 spent, uint256 burned, uint256 runs) = (0, 0, 0);
        for (uint256 end = block.timestamp + 1 days; block.timestamp < end; pass(4 hours)) {
            attacker.moveTo(pushed);
            (bool isDone, uint256 more, uint256 fewer) = tryRun(LOT);
            attacker.moveTo(quiet);
            if (!isDone) break;
            (spent, burned, runs) = (spent + more, burned + fewer, runs + 1);
        }
        vm.assertLe(runs, 6, "a run each four hours");
        vm.assertEq(usdc.balanceOf(address(burner)), SET_ASIDE - spent, "nothing else left");
        uint256 open = spent * (10_000 - FLOOR) / 10_000;
        // The mean may be off by a tick of rounding: 0.01 % of what was spent.
        uint256 rounding = spent / 10_000 + runs;
        vm.assertLe(spent - burned * 1e6 / price, open + rounding, "the loss of all runs");
        vm.assertLe(worth(attacker, price), before + open + rounding, "and no gain above it");
    }

    function test_AVenueOfOtherTokensIsRefused() public {
        IPair other = pairWith(1e12, 1e12);
        PairVenue wrong = new PairVenue(other);
        vm.expectRevert(
            abi.encodeWithSelector(IBuybackBurner.WrongPool.selector, other.token0(), other.token1())
        );
        new BuybackBurner(usdc, vvv, wrong, timelock, guardian, buyer, usualBounds());
    }

    /// @dev By the keeper; a refused run leaves everything as it was.
    function tryRun(uint256 usdcIn) private returns (bool isDone, uint256 spent, uint256 burned) {
        uint256 number = burner.nextRun();
        vm.prank(buyer);
        try burner.execute(number, usdcIn, 0, block.timestamp) returns (uint256 paid, uint256 gone) {
            return (true, paid, gone);
        } catch {
            return (false, 0, 0);
        }
    }

    function execute(uint256 number, uint256 usdcIn) private {
        vm.prank(buyer);
        burner.execute(number, usdcIn, 0, block.timestamp);
    }

    function dollars() private view returns (IERC20) {
        return IERC20(address(usdc));
    }

    function expectOld() private {
        vm.expectRevert(abi.encodeWithSignature("Error(string)", "OLD"));
    }
}

/// @dev The same where USDC has the higher address.
contract PairBuybackReversedTest is PairBuybackTest {
    function usdcIsToken0() internal pure override returns (bool) {
        return false;
    }
}
