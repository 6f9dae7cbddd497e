// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {BuybackBurner} from "../src/BuybackBurner.sol";
import {PoolPrice} from "../src/PoolPrice.sol";
import {DevDollar} from "../src/devnet/DevDollar.sol";
import {IBuybackBurner} from "../src/interfaces/IBuybackBurner.sol";
import {BuybackSystem} from "./support/BuybackSystem.sol";
import {CallingDollar, ITold, ListingDollar} from "./support/OddDollars.sol";
import {DevTrader} from "../src/devnet/DevTrader.sol";

/// @dev What others, and the keeper itself, can do to a run, on the real pool, and what it costs at most.
contract BuybackAttacksTest is BuybackSystem {
    IERC20 private dollars;
    DevTrader private attacker;

    function setUp() public override {
        super.setUp();
        dollars = IERC20(address(usdc));
        attacker = trader();
    }

    /// @dev Buys before the run and sells after it, in one block, for any size of purchase.
    function test_ASandwichTakesNoMoreThanTheFloorLeavesOpen(uint256 size, uint256 usdcIn) public {
        size = bound(size, 1e6, 2_000_000e6);
        usdcIn = bound(usdcIn, 1_000e6, LOT);
        uint256 price = referencePrice();
        uint256 before = worth(attacker, price);

        uint256 bought = attacker.sell(dollars, size);
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
        int24[2] memory moves = [DEVIATION + 1, -DEVIATION - 1];
        for (uint256 i = 0; i < moves.length; ++i) {
            attacker.moveTo(tickOf(moves[i]));
            vm.expectRevert(
                abi.encodeWithSelector(
                    IBuybackBurner.SpotAwayFromMean.selector, tickOf(moves[i]), tickOf(0), DEVIATION
                )
            );
            vm.prank(buyer);
            burner.execute(0, LOT, 0, block.timestamp);
        }
        attacker.moveTo(tickOf(0));
        run(LOT);
    }

    /// @dev A price held off the market for part of a window moves the mean by that part only, and while spot and mean
    /// are apart there is no run.
    function test_AHeldPriceMovesTheMeanOnlyAsLongAsItIsHeld() public {
        attacker.moveTo(tickOf(300));
        vm.warp(block.timestamp + 3 minutes);
        (bool isDone,,) = tryRun(LOT);
        vm.assertTrue(!isDone, "a tenth of the window: the mean is 30 ticks up, the spot 300");
        (, int24 mean,) = burner.market();
        vm.assertTrue(mean == tickOf(30), "a tenth of the way");
    }

    function test_LiquidityThatLeavesBeforeTheRunCostsNothing() public {
        uint256 price = referencePrice();
        crowd.removeLiquidity(-RANGE, RANGE, LIQUIDITY - 1e12);
        (uint256 spent, uint256 burned) = run(LOT);
        vm.assertLt(spent, 1e6, "next to nothing is spent");
        vm.assertGe(burned, floorOf(spent, price), "at no worse a price");
    }

    /// @dev Liquidity for this one run, at the worst price that the run accepts.
    function test_LiquidityPlacedForTheRunSellsNoDearerThanTheFloor() public {
        uint256 price = referencePrice();
        crowd.removeLiquidity(-RANGE, RANGE, LIQUIDITY - 1e12);
        (int24 near, int24 far) = (tickOf(60), tickOf(DEVIATION));
        (int24 lower, int24 upper) = near < far ? (near, far) : (far, near);
        (lower, upper) = (lower / 60 * 60, upper / 60 * 60);
        attacker.addLiquidity(lower, upper, 1e19);
        (bool isDone, uint256 spent, uint256 burned) = tryRun(LOT);
        vm.assertTrue(isDone, "there is liquidity again");
        vm.assertGe(burned, floorOf(spent, price), "at the floor or better");
    }

    /// forge-config: default.fuzz.runs = 100
    /// @dev The most that a stolen key can lose: the thief pushes the price to just inside the range, runs, and sells
    /// back, every hop of a day. Each run loses what the floor leaves open and no more, and no dollar goes anywhere
    /// but to the pool.
    function test_AStolenKeyLosesAtMostWhatTheFloorLeavesOpenOnceAHop(uint256 push) public {
        push = bound(push, 0, uint24(DEVIATION) - 1);
        uint256 price = referencePrice();
        uint256 before = worth(attacker, price);
        uint256 end = block.timestamp + 1 days;
        (uint256 spent, uint256 burned) = (0, 0);
        uint256 runs = 0;
        for (; block.timestamp < end; vm.warp(burner.nextRunAt())) {
            uint256 held = vvv.balanceOf(address(attacker));
            attacker.moveTo(tickOf(int24(int256(push))));
            (bool isDone, uint256 more, uint256 fewer) = tryRun(LOT);
            // Back to the price of the crowd: who else would hold it off for hours?
            attacker.moveTo(tickOf(0));
            if (!isDone) break;
            (spent, burned, runs) = (spent + more, burned + fewer, runs + 1);
            vm.assertGe(held + 1_000_000e18, vvv.balanceOf(address(attacker)), "it trades, it mints nothing");
        }
        vm.assertLe(runs, 6, "a run each four hours");
        vm.assertEq(usdc.balanceOf(address(burner)), SET_ASIDE - spent, "nothing else left");
        uint256 open = spent * (10_000 - FLOOR) / 10_000;
        vm.assertLe(spent - burned * 1e6 / price, open + runs, "the loss of all runs");
        vm.assertLe(open, 6 * 200e6, "200 dollars a run, 1,200 a day");
        vm.assertLe(worth(attacker, price), before + open + runs, "and no gain above it");
    }

    /// @dev No order of the keeper's moves dollars anywhere but into the pool.
    function test_AStolenKeyMovesNoDollarToAnybody() public {
        vm.startPrank(buyer);
        (bool isDone,) =
            address(burner).call(abi.encodeCall(IBuybackBurner.uniswapV3SwapCallback, (1e6, 1e6, "")));
        vm.assertTrue(!isDone, "it is not the pool");
        isDone = usdc.allowance(address(burner), buyer) != 0;
        vm.assertTrue(!isDone, "there is no approval");
        vm.stopPrank();
        uint256 inPool = usdc.balanceOf(address(pool));
        (uint256 spent,) = run(LOT);
        vm.assertEq(usdc.balanceOf(address(pool)), inPool + spent);
    }

    function test_AUsdcThatListsTheBurnerStopsRunsAndLosesNothing() public {
        ListingDollar listing = new ListingDollar();
        IBuybackBurner other = burnerIn(listing, buyer);
        listing.list(address(other));
        uint256 supply = vvv.totalSupply();
        vm.expectRevert(abi.encodeWithSelector(ListingDollar.Listed.selector, address(other)));
        vm.prank(buyer);
        other.execute(0, LOT, 0, block.timestamp);
        vm.assertEq(other.nextRun(), 0);
        vm.assertEq(listing.balanceOf(address(other)), LOT);
        vm.assertEq(vvv.totalSupply(), supply);
    }

    /// @dev A token that tells the keeper in the middle of a payment gives it no second run, payment or burn.
    function test_ARunCannotBeEnteredAgainFromWithin() public {
        for (uint256 i = 0; i < 2; ++i) {
            CallingDollar calling = new CallingDollar();
            Reenterer thief = new Reenterer();
            calling.tell(address(thief));
            calling.callBefore(i == 0);
            IBuybackBurner other = burnerIn(calling, address(thief));
            (uint256 spent,) = thief.attack(other, LOT / 2);
            vm.assertTrue(thief.wasRefused(), "refused within");
            vm.assertEq(other.nextRun(), 1);
            vm.assertEq(calling.balanceOf(address(other)), LOT - spent);
        }
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

    /// @dev A burner of its own, with a lot of another dollar and a pool for it.
    function burnerIn(DevDollar other, address keeper_) private returns (IBuybackBurner made) {
        pool = deployPool(address(other), address(vvv));
        bool isToken0 = address(other) < address(vvv);
        pool.initialize(PoolPrice.sqrtPriceAt(isToken0 ? PRICE_TICK : -PRICE_TICK));
        DevTrader maker = new DevTrader(pool);
        other.mint(address(maker), 10_000_000e6);
        vm.prank(genesisHolder);
        vvv.transfer(address(maker), 1_000_000e18);
        maker.addLiquidity(-RANGE, RANGE, LIQUIDITY);
        vm.warp(block.timestamp + 1 hours);
        made = new BuybackBurner(other, vvv, pool, timelock, guardian, keeper_, usualBounds());
        other.mint(address(made), LOT);
    }
}

/// @dev A keeper that runs again, and asks for payment, whenever the token calls.
contract Reenterer is ITold {
    IBuybackBurner private _burner;
    bool private _isInside;
    bool public wasRefused;

    function attack(IBuybackBurner burner, uint256 usdcIn) external returns (uint256 spent, uint256 burned) {
        _burner = burner;
        _isInside = true;
        (spent, burned) = burner.execute(0, usdcIn, 0, block.timestamp);
        _isInside = false;
    }

    function tokensSent() external {
        if (!_isInside) return;
        bool isAnyDone = false;
        for (uint256 number = 0; number < 2; ++number) {
            (bool isDone,) = address(_burner)
                .call(abi.encodeCall(IBuybackBurner.execute, (number, 1e6, 0, block.timestamp)));
            isAnyDone = isAnyDone || isDone;
        }
        (bool isPaid,) =
            address(_burner).call(abi.encodeCall(IBuybackBurner.uniswapV3SwapCallback, (1e6, 1e6, "")));
        wasRefused = !isAnyDone && !isPaid;
    }
}
