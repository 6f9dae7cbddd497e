// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {BuybackBurner} from "../src/BuybackBurner.sol";
import {IBuybackBurner} from "../src/interfaces/IBuybackBurner.sol";
import {IGuardian} from "../src/interfaces/IGuardian.sol";
import {ITimelocked} from "../src/interfaces/ITimelocked.sol";
import {IUniswapV3PoolMinimal} from "../src/interfaces/IUniswapV3PoolMinimal.sol";
import {IUsdcPriced} from "../src/interfaces/IUsdcPriced.sol";
import {IVVV} from "../src/interfaces/IVVV.sol";
import {IWired} from "../src/interfaces/IWired.sol";
import {BuybackSystem} from "./support/BuybackSystem.sol";

/// @dev What the timelock may set, what the constructor refuses, and who may ask for payment.
contract BuybackSettingsTest is BuybackSystem {
    function test_EachBoundStaysWithinItsLimits() public {
        IBuybackBurner.Bounds memory bounds = usualBounds();
        bounds.lot = assertLimits("lot", 0, 1e6, 25_000e6);
        bounds.hop = assertLimits("hop", 1, 1 hours, 30 days);
        bounds.window = assertLimits("window", 2, 30 minutes, 1 days);
        bounds.deviation = assertLimits("deviation", 3, 10, 500);
        bounds.floor = assertLimits("floor", 4, 9_500, 10_000);
        setBounds(bounds);
    }

    function test_SetBoundsAreToldAndKept() public {
        IBuybackBurner.Bounds memory given = IBuybackBurner.Bounds(1_000e6, 1 days, 2 hours, 60, 9_900);
        vm.expectEmit(address(burner));
        emit IBuybackBurner.BoundsSet(1_000e6, 1 days, 2 hours, 60, 9_900);
        setBounds(given);
        vm.assertEq(
            keccak256(abi.encode(burner.bounds())), keccak256(abi.encode(given)), "each in its own place"
        );
    }

    function test_OnlyTheTimelockMovesBoundsAndNamesTheKeeper(address stranger) public {
        vm.assume(stranger != timelock);
        bytes memory reason = abi.encodeWithSelector(ITimelocked.OnlyTimelock.selector, stranger);
        vm.startPrank(stranger);
        vm.expectRevert(reason);
        burner.setBounds(usualBounds());
        vm.expectRevert(reason);
        burner.nameKeeper(stranger);
    }

    function test_ANewKeeperRunsAndTheOldOneNoLonger() public {
        vm.expectEmit(address(burner));
        emit IBuybackBurner.KeeperNamed(buyer, bob);
        vm.prank(timelock);
        burner.nameKeeper(bob);
        vm.assertEq(burner.keeper(), bob);
        vm.expectRevert(abi.encodeWithSelector(IBuybackBurner.OnlyKeeper.selector, buyer));
        vm.prank(buyer);
        burner.execute(0, 1e6, 0, block.timestamp);
        vm.prank(bob);
        burner.execute(0, 1e6, 0, block.timestamp);

        vm.expectRevert(abi.encodeWithSelector(IWired.ZeroAddress.selector));
        vm.prank(timelock);
        burner.nameKeeper(address(0));
    }

    /// @dev A hop that changes counts from the last run, for the next one.
    function test_ALongerHopMovesTheNextRun() public {
        uint256 first = block.timestamp;
        run(1e6);
        IBuybackBurner.Bounds memory bounds = usualBounds();
        bounds.hop = 1 days;
        setBounds(bounds);
        vm.assertEq(burner.nextRunAt(), first + 1 days);
    }

    /// @dev The pool's own word for it: there is no price to hold a run against.
    function test_WithoutAWholeWindowInMemoryThereIsNoRun() public {
        uint256 opened = block.timestamp - 1 days;
        IBuybackBurner.Bounds memory bounds = usualBounds();
        bounds.window = 1 days;
        setBounds(bounds);
        vm.warp(opened + 1 days - 1);
        bytes memory reason = abi.encodeWithSignature("Error(string)", "OLD");
        vm.expectRevert(reason);
        vm.prank(buyer);
        burner.execute(0, 1e6, 0, block.timestamp);
        vm.expectRevert(reason);
        burner.market();
        vm.warp(opened + 1 days);
        run(1e6);
    }

    function test_OnlyThePoolAsksForPayment(address stranger, int256 amount0, int256 amount1) public {
        vm.assume(stranger != address(pool));
        vm.expectRevert(abi.encodeWithSelector(IBuybackBurner.OnlyPool.selector, stranger));
        vm.prank(stranger);
        burner.uniswapV3SwapCallback(amount0, amount1, "");
    }

    /// @dev Not even the pool is paid outside of a run.
    function test_ThePoolIsPaidWithinARunAlone(int256 amount0, int256 amount1) public {
        int256 asked = usdcIsToken0() ? amount0 : amount1;
        vm.assume(asked != 0);
        vm.expectRevert(abi.encodeWithSelector(IBuybackBurner.PaymentRefused.selector, asked, 0));
        vm.prank(address(pool));
        burner.uniswapV3SwapCallback(amount0, amount1, "");
        vm.assertEq(usdc.balanceOf(address(burner)), SET_ASIDE);
    }

    /// @dev What is left of the allowance of a run does not outlast it.
    function test_NoPaymentIsOwedAfterARun() public {
        crowd.removeLiquidity(-RANGE, RANGE, LIQUIDITY - LIQUIDITY / 400);
        run(LOT);
        vm.expectRevert(abi.encodeWithSelector(IBuybackBurner.PaymentRefused.selector, int256(1), 0));
        vm.prank(address(pool));
        burner.uniswapV3SwapCallback(1, 1, "");
    }

    /// @dev Somebody swaps with the burner as the receiver: it gets a gift, and pays nothing.
    function test_ASwapForTheBurnerIsPaidByWhoeverMakesIt() public {
        crowd.sellFor(address(burner), IERC20(address(usdc)), 1_000e6);
        vm.assertEq(usdc.balanceOf(address(burner)), SET_ASIDE);
        vm.assertGt(vvv.balanceOf(address(burner)), 0, "a gift");
    }

    function test_ABurnerIsRefusedOverAPoolOfOtherTokens() public {
        address other = address(deployPool(address(usdc), address(diem)));
        expectWrongPool(other);
        makeOver(IERC20(address(usdc)), vvv, IUniswapV3PoolMinimal(other));
        other = address(deployPool(address(diem), address(vvv)));
        expectWrongPool(other);
        makeOver(IERC20(address(usdc)), vvv, IUniswapV3PoolMinimal(other));
        expectWrongPool(address(pool));
        makeOver(IERC20(address(usdc)), IVVV(address(diem)), pool);
    }

    function test_ABurnerWithoutItsPartnersIsRefused() public {
        bytes memory noCode = abi.encodeWithSelector(IWired.NoCodeAt.selector, alice);
        vm.expectRevert(noCode);
        makeOver(IERC20(alice), vvv, pool);
        vm.expectRevert(noCode);
        makeOver(usdc, IVVV(alice), pool);
        vm.expectRevert(noCode);
        makeOver(usdc, vvv, IUniswapV3PoolMinimal(alice));
        vm.expectRevert(noCode);
        new BuybackBurner(usdc, vvv, pool, timelock, IGuardian(alice), buyer, usualBounds());
        bytes memory zero = abi.encodeWithSelector(IWired.ZeroAddress.selector);
        vm.expectRevert(zero);
        new BuybackBurner(usdc, vvv, pool, address(0), guardian, buyer, usualBounds());
        vm.expectRevert(zero);
        new BuybackBurner(usdc, vvv, pool, timelock, guardian, address(0), usualBounds());
        vm.expectRevert(abi.encodeWithSelector(IUsdcPriced.NotSixDecimals.selector, diem, 18));
        makeOver(IERC20(address(diem)), vvv, pool);
    }

    function test_ABurnerBeginsWithinTheLimits() public {
        IBuybackBurner.Bounds memory bounds = usualBounds();
        bounds.floor = 0;
        expectOutOfLimits("floor", 0, 9_500, 10_000);
        new BuybackBurner(usdc, vvv, pool, timelock, guardian, buyer, bounds);
    }

    function test_WhatIsWiredCanBeReadBack() public view {
        vm.assertEq(address(burner.usdc()), address(usdc));
        vm.assertEq(address(burner.vvv()), address(vvv));
        vm.assertEq(address(burner.pool()), address(pool));
        vm.assertEq(burner.timelock(), timelock);
        vm.assertEq(address(burner.guardian()), address(guardian));
        vm.assertEq(burner.keeper(), buyer);
        vm.assertEq(burner.nextRun(), 0);
        vm.assertLt(burner.nextRunAt(), block.timestamp, "the first run need not wait");
    }

    /// @dev Both limits are allowed and one beyond either is not. Returns the lower limit.
    function assertLimits(string memory name, uint256 place, uint256 minimum, uint256 maximum)
        private
        returns (uint256)
    {
        uint256[4] memory values = [minimum - 1, maximum + 1, minimum, maximum];
        for (uint256 i = 0; i < values.length; ++i) {
            uint256[5] memory words = abi.decode(abi.encode(usualBounds()), (uint256[5]));
            words[place] = values[i];
            if (i < 2) expectOutOfLimits(name, values[i], minimum, maximum);
            setBounds(abi.decode(abi.encode(words), (IBuybackBurner.Bounds)));
        }
        return minimum;
    }

    function makeOver(IERC20 paid, IVVV bought, IUniswapV3PoolMinimal where) private {
        new BuybackBurner(paid, bought, where, timelock, guardian, buyer, usualBounds());
    }

    function expectOutOfLimits(string memory name, uint256 value, uint256 minimum, uint256 maximum) private {
        vm.expectRevert(
            abi.encodeWithSelector(IBuybackBurner.BoundOutOfLimits.selector, name, value, minimum, maximum)
        );
    }

    function expectWrongPool(address other) private {
        IUniswapV3PoolMinimal wrong = IUniswapV3PoolMinimal(other);
        vm.expectRevert(
            abi.encodeWithSelector(IBuybackBurner.WrongPool.selector, wrong.token0(), wrong.token1())
        );
    }
}
