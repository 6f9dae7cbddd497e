// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {BuybackBurner} from "../../src/BuybackBurner.sol";
import {CreditSales} from "../../src/CreditSales.sol";
import {Guardian} from "../../src/Guardian.sol";
import {VVV} from "../../src/VVV.sol";
import {DevDollar} from "../../src/devnet/DevDollar.sol";
import {IBuybackBurner} from "../../src/interfaces/IBuybackBurner.sol";
import {Test} from "../support/Test.sol";
import {DevTrader} from "../../src/devnet/DevTrader.sol";
import {IUniswapV3Pool} from "../../src/interfaces/IUniswapV3.sol";
import {Vm} from "../support/Vm.sol";

struct Buybacks {
    BuybackBurner burner;
    CreditSales creditSales;
    Guardian guardian;
    VVV vvv;
    DevDollar usdc;
    IUniswapV3Pool pool;
    DevTrader crowd;
    address timelock;
    address keeperOfTheBrake;
    address buyer;
    address thief;
}

/// @title Everybody around the buybacks: the keeper, traders, lenders, donors, the timelock, and a thief
/// @dev What the burner says of itself is not believed: runs are known from its events, money from the tokens' logs.
contract BuybackHandler is Test {
    Buybacks private b;

    /// @dev What invariant 25 is about, as the logs tell it.
    uint256 public runs;
    uint256 public spent;
    uint256 public burned;
    uint256 public donatedUsdc;
    uint256 public donatedVVV;
    uint256 public lastRunAt;

    /// @dev Invariant 26: the settings as the timelock last set them.
    IBuybackBurner.Bounds private _bounds;
    address public keeper;
    uint256 public price;

    constructor(Buybacks memory buybacks) {
        b = buybacks;
        _bounds = buybacks.burner.bounds();
        keeper = buybacks.burner.keeper();
        price = buybacks.creditSales.priceOf(1);
        vm.recordLogs();
    }

    modifier followed() {
        _;
        follow(vm.getRecordedLogs());
    }

    function run(uint256 amount, uint256 minimum, uint256 wait) external followed {
        // The hop has a second to go, is just over, or has been for a second.
        uint256 at = b.burner.nextRunAt() + wait % 3 - 1;
        if (block.timestamp < at) vm.warp(at);
        uint256 number = b.burner.nextRun();
        amount = amount % 4 == 0 ? _bounds.lot + amount % 8 / 4 : bound(amount, 1, _bounds.lot);
        minimum = minimum % 4 == 0 ? amount * 1e12 / 5 : 0;
        vm.prank(keeper);
        try b.burner.execute(number, amount, minimum, block.timestamp) {} catch {}
    }

    /// @dev The same again, or a later one: at a time at which a run might be.
    function runOutOfOrder(uint256 number, uint256 amount) external followed {
        uint256 next = b.burner.nextRun();
        number = number % 4 == 0 ? next + 1 : bound(number, 0, next + 2);
        if (number == next) return;
        if (block.timestamp < b.burner.nextRunAt()) vm.warp(b.burner.nextRunAt());
        vm.prank(keeper);
        (bool isDone,) = address(b.burner)
            .call(
                abi.encodeCall(
                    IBuybackBurner.execute, (number, bound(amount, 1, _bounds.lot), 0, block.timestamp)
                )
            );
        vm.assertTrue(!isDone, "25: a run out of order");
    }

    function steal(uint256 way, uint256 amount) external followed {
        amount = bound(amount, 1, 25_000e6);
        bytes[7] memory orders = [
            abi.encodeCall(IBuybackBurner.execute, (b.burner.nextRun(), amount, 0, block.timestamp)),
            abi.encodeCall(IBuybackBurner.uniswapV3SwapCallback, (int256(amount), int256(amount), "")),
            abi.encodeCall(IBuybackBurner.setBounds, (_bounds)),
            abi.encodeCall(IBuybackBurner.nameKeeper, (b.thief)),
            abi.encodeWithSelector(IERC20.transfer.selector, b.thief, amount),
            abi.encodeWithSelector(IERC20.approve.selector, b.thief, amount),
            abi.encodeWithSignature("withdraw(address,uint256)", b.usdc, amount)
        ];
        vm.prank(b.thief);
        (bool isDone,) = address(b.burner).call(orders[way % orders.length]);
        vm.assertTrue(!isDone, "25: a thief");
        vm.prank(b.thief);
        (isDone,) = address(b.creditSales).call(abi.encodeCall(b.creditSales.setPrice, (1, 20e6)));
        vm.assertTrue(!isDone, "26: a thief");
    }

    function trade(uint256 amount, bool isUsdc) external followed {
        IERC20 token = isUsdc ? IERC20(address(b.usdc)) : IERC20(address(b.vvv));
        uint256 held = token.balanceOf(address(b.crowd));
        // Mostly small; every eighth time enough to leave the range, and in a thin pool by far.
        amount = bound(amount, 1, held / (amount % 8 == 0 ? 200 : 4_000) + 1);
        // What the crowd cannot do is of no interest.
        try b.crowd.sell(token, amount) {} catch {}
    }

    /// @dev The price goes back to where it was on average, as arbitrage would bring it.
    function arbitrage() external followed {
        try b.burner.market() returns (uint256, int24 mean, int24) {
            try b.crowd.moveTo(mean) {} catch {}
        } catch {}
    }

    function lend(uint256 amount, bool isMore) external followed {
        (uint128 least, uint128 most) = (1e15, 2e18);
        uint128 now_ = b.pool.liquidity();
        uint128 wanted = uint128(bound(amount, least, most));
        if (!isMore && wanted < now_) b.crowd.removeLiquidity(-887_220, 887_220, now_ - wanted);
        if (!isMore || wanted <= now_) return;
        try b.crowd.addLiquidity(-887_220, 887_220, wanted - now_) {} catch {}
    }

    function donate(uint256 amount, bool isUsdc) external followed {
        vm.startPrank(address(b.crowd));
        if (isUsdc) b.usdc.transfer(address(b.burner), bound(amount, 1, 10_000e6));
        else b.vvv.transfer(address(b.burner), bound(amount, 1, 1_000e18));
        vm.stopPrank();
    }

    function pass(uint256 duration) external followed {
        vm.warp(block.timestamp + bound(duration, 1, 2 hours));
    }

    /// @dev To the second before, at or after the end of a pause, or of the rest after it.
    function passAround(uint256 seed, uint256 offset) external followed {
        uint256 moment = seed % 2 == 0 ? b.guardian.pausedUntil() : b.guardian.nextPauseAt();
        if (moment + offset % 3 > block.timestamp + 1) vm.warp(moment + offset % 3 - 1);
    }

    function brake(uint256 duration) external followed {
        if (block.timestamp < b.guardian.nextPauseAt()) return;
        vm.prank(b.keeperOfTheBrake);
        b.guardian.pauseEntries(bound(duration, 1, 12 hours));
    }

    function moveBounds(uint256 lot, uint256 hop, uint256 window, uint256 deviation, uint256 floor)
        external
        followed
    {
        _bounds = IBuybackBurner.Bounds({
            lot: bound(lot, 1_000e6, 25_000e6),
            hop: bound(hop, 1 hours, 8 hours),
            window: bound(window, 30 minutes, 4 hours),
            deviation: bound(deviation, 50, 500),
            floor: bound(floor, 9_500, 9_900)
        });
        vm.prank(b.timelock);
        b.burner.setBounds(_bounds);
    }

    /// @dev One bound just outside its limits, which the timelock itself cannot set.
    function moveBoundsOutside(uint256 seed) external followed {
        IBuybackBurner.Bounds[10] memory wrong;
        for (uint256 i = 0; i < wrong.length; ++i) {
            wrong[i] = b.burner.bounds();
        }
        (wrong[0].lot, wrong[1].lot) = (1e6 - 1, 25_000e6 + 1);
        (wrong[2].hop, wrong[3].hop) = (1 hours - 1, 30 days + 1);
        (wrong[4].window, wrong[5].window) = (30 minutes - 1, 1 days + 1);
        (wrong[6].deviation, wrong[7].deviation) = (9, 501);
        (wrong[8].floor, wrong[9].floor) = (9_499, 10_001);
        vm.prank(b.timelock);
        (bool done,) =
            address(b.burner).call(abi.encodeCall(b.burner.setBounds, (wrong[seed % wrong.length])));
        vm.assertTrue(!done, "26: inside the limits, for the timelock too");
    }

    function moveOthers(uint256 seed) external followed {
        keeper = seed % 2 == 0 ? b.buyer : address(uint160(bound(seed, 1e6, 2e6)));
        price = bound(seed, 1e6, 1_000e6);
        vm.startPrank(b.timelock);
        b.burner.nameKeeper(keeper);
        b.creditSales.setPrice(1, price);
        vm.stopPrank();
    }

    function bounds() external view returns (IBuybackBurner.Bounds memory) {
        return _bounds;
    }

    /// @dev Every log of one action, in order.
    function follow(Vm.Log[] memory logs) private {
        for (uint256 i = 0; i < logs.length; ++i) {
            bytes32 kind = logs[i].topics[0];
            if (logs[i].emitter == address(b.burner)) {
                if (kind == IBuybackBurner.BuybackExecuted.selector) followRun(logs[i]);
            } else if (kind == IERC20.Transfer.selector) {
                followTransfer(logs[i]);
            } else if (kind == IERC20.Approval.selector) {
                vm.assertTrue(who(logs[i], 1) != address(b.burner), "25: the burner approves nobody");
            }
        }
    }

    function followRun(Vm.Log memory log) private {
        (uint256 usdcIn, uint256 vvvBurned, uint256 priced) =
            abi.decode(log.data, (uint256, uint256, uint256));
        vm.assertEq(uint256(log.topics[1]), runs, "25: runs are 0, 1, 2, ... without a gap");
        vm.assertTrue(who(log, 2) == keeper, "25: the keeper runs");
        vm.assertLe(usdcIn, _bounds.lot, "25: spent <= lot");
        vm.assertTrue(runs == 0 || block.timestamp >= lastRunAt + _bounds.hop, "25: interval >= hop");
        vm.assertGe(vvvBurned * 1e10, usdcIn * priced * _bounds.floor, "25: burned >= floor");
        vm.assertGe(block.timestamp, b.guardian.pausedUntil(), "25: not while paused");
        (runs, spent, burned) = (runs + 1, spent + usdcIn, burned + vvvBurned);
        lastRunAt = block.timestamp;
        vm.assertEq(b.vvv.balanceOf(address(b.burner)), 0, "25: no VVV is left");
        donatedVVV = 0;
    }

    function followTransfer(Vm.Log memory log) private {
        uint256 amount = abi.decode(log.data, (uint256));
        if (who(log, 1) == address(b.burner)) {
            address wanted = log.emitter == address(b.usdc) ? address(b.pool) : address(0);
            vm.assertTrue(who(log, 2) == wanted, "25: USDC only to the pool, VVV only to nobody");
        } else if (who(log, 2) == address(b.burner) && who(log, 1) != address(b.pool)) {
            if (log.emitter == address(b.usdc)) donatedUsdc += amount;
            else donatedVVV += amount;
        }
    }

    function who(Vm.Log memory log, uint256 topic) private pure returns (address) {
        return address(uint160(uint256(log.topics[topic])));
    }
}
