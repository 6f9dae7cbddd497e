// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IBuybackBurner} from "../src/interfaces/IBuybackBurner.sol";
import {IGuarded} from "../src/interfaces/IGuarded.sol";
import {BuybackSystem} from "./support/BuybackSystem.sol";

/// @dev Runs as they should be, and every reason for which one is refused.
contract BuybackBurnerTest is BuybackSystem {
    function test_ARunBuysAndBurnsInTheSameCall(uint256 usdcIn) public {
        usdcIn = bound(usdcIn, 1e6, LOT);
        uint256 supply = vvv.totalSupply();
        uint256 inPool = usdc.balanceOf(address(pool));
        (uint256 spent, uint256 burned) = run(usdcIn);

        vm.assertEq(spent, usdcIn);
        vm.assertEq(vvv.totalSupply(), supply - burned, "the supply falls by what was bought");
        vm.assertGe(burned, floorOf(spent, referencePrice()), "at no less than the floor");
        vm.assertLt(burned, spent * referencePrice() / 1e6, "nor for free");
        vm.assertEq(usdc.balanceOf(address(burner)), SET_ASIDE - spent);
        vm.assertEq(usdc.balanceOf(address(pool)), inPool + spent);
        vm.assertEq(vvv.balanceOf(address(burner)), 0, "no VVV is left");
        vm.assertEq(usdc.allowance(address(burner), address(pool)), 0, "nor an approval");
        vm.assertEq(burner.nextRun(), 1);
        vm.assertEq(burner.nextRunAt(), block.timestamp + 4 hours);
    }

    function test_TheEventTellsTheWholeRun() public {
        (uint256 spent, uint256 burned) = dryRun(5_000e6);
        vm.expectEmit(address(burner));
        emit IBuybackBurner.BuybackExecuted(0, buyer, spent, burned, referencePrice());
        run(5_000e6);
    }

    function test_TheReferenceIsTheMeanPriceAndNotTheSpot() public {
        uint256 before = referencePrice();
        // 1e6 * 1.0001**262400, or its inverse: the true price of the first tick, from 80 digits.
        vm.assertApproxEqAbs(before, 248_494_882_189_488_530, 1);
        crowd.moveTo(tickOf(1_000));
        (uint256 price, int24 mean, int24 spot) = burner.market();
        vm.assertEq(price, before, "a trade of this second is not in the mean");
        vm.assertTrue(mean == tickOf(0), "the old tick");
        vm.assertTrue(spot == tickOf(1_000), "the new tick");

        vm.warp(block.timestamp + 15 minutes);
        (, mean,) = burner.market();
        vm.assertTrue(mean == tickOf(500), "half a window later, half of it is");
        vm.warp(block.timestamp + 15 minutes);
        (, mean,) = burner.market();
        vm.assertTrue(mean == tickOf(1_000), "a window later, all of it");
    }

    function test_OnlyTheKeeperRuns(address stranger) public {
        vm.assume(stranger != buyer);
        vm.expectRevert(abi.encodeWithSelector(IBuybackBurner.OnlyKeeper.selector, stranger));
        vm.prank(stranger);
        burner.execute(0, 1e6, 0, block.timestamp);
    }

    function test_BuybacksArePausedWithTheOtherEntries() public {
        pauseEntries(1 days);
        uint256 until = block.timestamp + 1 days;
        vm.expectRevert(abi.encodeWithSelector(IGuarded.EntriesArePaused.selector, until));
        execute(0, 1e6, 0, block.timestamp);
        vm.warp(until);
        run(1e6);
    }

    function test_ARunHappensUpToItsDeadline() public {
        uint256 deadline = block.timestamp - 1;
        vm.expectRevert(abi.encodeWithSelector(IBuybackBurner.DeadlinePassed.selector, deadline));
        execute(0, 1e6, 0, deadline);
        execute(0, 1e6, 0, block.timestamp);
    }

    function test_RunsAreNumberedWithoutAGap(uint256 wrong) public {
        for (uint256 number = 0; number < 3; ++number) {
            if (wrong != number) {
                expectNotNext(wrong, number);
                execute(wrong, 1e6, 0, block.timestamp);
            }
            execute(number, 1e6, 0, block.timestamp);
            vm.warp(burner.nextRunAt());
            expectNotNext(number, number + 1);
            execute(number, 1e6, 0, block.timestamp);
        }
    }

    /// @dev What a journal relies on: whichever of two equal transactions comes second, it spends nothing.
    function test_ASecondSendOfARunRevertsWhateverItAsksFor() public {
        run(1e6);
        uint256 left = usdc.balanceOf(address(burner));
        expectNotNext(0, 1);
        execute(0, LOT, 0, block.timestamp);
        vm.assertEq(usdc.balanceOf(address(burner)), left);
    }

    function test_ARunSpendsAtMostTheLot() public {
        expectLotRefused(0);
        execute(0, 0, 0, block.timestamp);
        expectLotRefused(LOT + 1);
        execute(0, LOT + 1, 0, block.timestamp);
        run(LOT);
    }

    function test_ARunNeedsTheUsdcThatItWouldSpend() public {
        IBuybackBurner.Bounds memory bounds = usualBounds();
        bounds.lot = 25_000e6;
        setBounds(bounds);
        for (uint256 i = 0; i < 9; ++i) {
            run(LOT);
            vm.warp(burner.nextRunAt());
        }
        vm.expectRevert(abi.encodeWithSelector(IBuybackBurner.InsufficientUsdc.selector, LOT, LOT + 1));
        execute(9, LOT + 1, 0, block.timestamp);
        run(LOT);
        vm.assertEq(usdc.balanceOf(address(burner)), 0);
    }

    function test_AHopLiesBetweenTwoRuns() public {
        uint256 first = block.timestamp;
        run(1e6);
        expectTooSoon(first + 4 hours);
        execute(1, 1e6, 0, block.timestamp);
        vm.warp(first + 4 hours - 1);
        expectTooSoon(first + 4 hours);
        execute(1, 1e6, 0, block.timestamp);
        vm.warp(first + 4 hours);
        run(1e6);
        vm.assertEq(burner.nextRunAt(), first + 8 hours);
    }

    function test_TheKeepersOwnMinimumHoldsToTheWei() public {
        (, uint256 burned) = dryRun(LOT);
        expectBelowMinimum(burned, burned + 1);
        execute(0, LOT, burned + 1, block.timestamp);
        execute(0, LOT, burned, block.timestamp);
    }

    /// @dev A lower minimum of the keeper's does not lower the floor.
    function test_TheFloorHoldsToTheWei() public {
        // An amount for which the floor is not a whole number of wei: it is rounded up.
        (uint256 spent, uint256 burned) = dryRun(LOT - 1);
        uint256 price = referencePrice();
        // The pool's fee alone is 0.3 %, so a floor of 99.99 % cannot be met.
        IBuybackBurner.Bounds memory bounds = usualBounds();
        bounds.floor = 9_999;
        setBounds(bounds);
        expectBelowMinimum(burned, floorOf(spent, price));
        execute(0, LOT - 1, burned / 2, block.timestamp);
        vm.assertEq(burner.nextRun(), 0, "and the run is still to come");
    }

    /// @dev At either end of the range a run is refused; a hair inside the cheap end it is not.
    function test_TheSpotMustBeNearTheMean() public {
        int24 mean = tickOf(0);
        crowd.moveToPrice(priceOf(-DEVIATION));
        expectAway(tickOf(-DEVIATION), mean);
        execute(0, LOT, 0, block.timestamp);
        crowd.moveToPrice(hairInside(priceOf(-DEVIATION)));
        (, uint256 burned) = dryRun(LOT);
        vm.assertGt(burned, LOT * referencePrice() / 1e6, "cheap VVV is bought gladly");

        crowd.moveToPrice(priceOf(DEVIATION));
        expectAway(tickOf(DEVIATION), mean);
        execute(0, LOT, 0, block.timestamp);
        crowd.moveToPrice(priceOf(DEVIATION - 1));
        (uint256 spent,) = dryRun(LOT);
        vm.assertLt(spent, LOT, "dear VVV only up to the limit");
    }

    /// @dev A thin pool: the price limit is reached before the money is spent.
    function test_APartialFillSpendsOnlyWhatItSpent() public {
        crowd.removeLiquidity(-RANGE, RANGE, LIQUIDITY - LIQUIDITY / 400);
        uint256 supply = vvv.totalSupply();
        uint256 price = referencePrice();
        (uint256 spent, uint256 burned) = run(LOT);

        vm.assertGt(spent, 0, "some was bought");
        vm.assertLt(spent, LOT / 100, "a little only");
        vm.assertEq(usdc.balanceOf(address(burner)), SET_ASIDE - spent, "the rest stays");
        vm.assertEq(spotPrice(), priceOf(DEVIATION), "the price ends at its limit");
        vm.assertGe(burned, floorOf(spent, price), "the floor is for what was spent");
        vm.assertEq(vvv.totalSupply(), supply - burned);
        vm.assertEq(burner.nextRun(), 1, "and the run is over");
    }

    function test_TheKeepersMinimumCountsForAPartialFillToo() public {
        crowd.removeLiquidity(-RANGE, RANGE, LIQUIDITY - LIQUIDITY / 400);
        (, uint256 burned) = dryRun(LOT);
        expectBelowMinimum(burned, burned + 1);
        execute(0, LOT, burned + 1, block.timestamp);
    }

    function test_ADrainedPoolSellsNothing() public {
        crowd.removeLiquidity(-RANGE, RANGE, LIQUIDITY);
        vm.assertEq(pool.liquidity(), 0);
        vm.expectRevert(abi.encodeWithSelector(IBuybackBurner.NothingBought.selector));
        execute(0, LOT, 0, block.timestamp);
        vm.assertEq(usdc.balanceOf(address(burner)), SET_ASIDE);
        vm.assertEq(burner.nextRun(), 0);
    }

    function test_DonatedVVVIsBurnedAndNotCounted() public {
        (uint256 spent, uint256 burned) = dryRun(LOT);
        vm.prank(genesisHolder);
        vvv.transfer(address(burner), 7e18);
        uint256 supply = vvv.totalSupply();
        vm.expectEmit(address(burner));
        emit IBuybackBurner.BuybackExecuted(0, buyer, spent, burned, referencePrice());
        vm.expectEmit(address(burner));
        emit IBuybackBurner.DonationBurned(0, 7e18);
        run(LOT);
        vm.assertEq(vvv.totalSupply(), supply - burned - 7e18);
        vm.assertEq(vvv.balanceOf(address(burner)), 0);
    }

    /// @dev Invariant 26: a keeper cannot reach its minimum with VVV that it has sent here.
    function test_DonatedVVVMeetsNoMinimum() public {
        (, uint256 burned) = dryRun(LOT);
        vm.prank(genesisHolder);
        vvv.transfer(address(burner), 7e18);
        expectBelowMinimum(burned, burned + 1);
        execute(0, LOT, burned + 1, block.timestamp);
    }

    function test_DonatedUsdcIsSpentLikeAnyOther() public {
        uint256 price = referencePrice();
        usdc.mint(address(burner), LOT);
        (uint256 spent, uint256 burned) = run(LOT);
        vm.assertEq(usdc.balanceOf(address(burner)), SET_ASIDE + LOT - spent);
        vm.assertGe(burned, floorOf(spent, price), "at the same terms");
    }

    function execute(uint256 number, uint256 usdcIn, uint256 minimum, uint256 deadline) private {
        vm.prank(buyer);
        burner.execute(number, usdcIn, minimum, deadline);
    }

    function expectNotNext(uint256 number, uint256 expected) private {
        vm.expectRevert(abi.encodeWithSelector(IBuybackBurner.NotNextRun.selector, number, expected));
    }

    function expectLotRefused(uint256 usdcIn) private {
        vm.expectRevert(abi.encodeWithSelector(IBuybackBurner.LotOutOfBounds.selector, usdcIn, LOT));
    }

    function expectTooSoon(uint256 allowedAt) private {
        vm.expectRevert(abi.encodeWithSelector(IBuybackBurner.RunTooSoon.selector, allowedAt));
    }

    function expectBelowMinimum(uint256 output, uint256 minimum) private {
        vm.expectRevert(abi.encodeWithSelector(IBuybackBurner.OutputBelowMinimum.selector, output, minimum));
    }

    function expectAway(int24 spot, int24 mean) private {
        vm.expectRevert(
            abi.encodeWithSelector(IBuybackBurner.SpotAwayFromMean.selector, spot, mean, DEVIATION)
        );
    }
}

/// @dev The same where USDC has the higher address.
contract BuybackBurnerReversedTest is BuybackBurnerTest {
    function usdcIsToken0() internal pure override returns (bool) {
        return false;
    }
}
