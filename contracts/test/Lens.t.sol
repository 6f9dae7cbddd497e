// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {BuybackBurner} from "../src/BuybackBurner.sol";
import {CreditSales} from "../src/CreditSales.sol";
import {EpochRoots} from "../src/EpochRoots.sol";
import {Guardian} from "../src/Guardian.sol";
import {InferenceStake} from "../src/InferenceStake.sol";
import {Lens} from "../src/Lens.sol";
import {MintCurve} from "../src/MintCurve.sol";
import {Timelock} from "../src/Timelock.sol";
import {DevDollar} from "../src/devnet/DevDollar.sol";
import {IDiemMint} from "../src/interfaces/IDiemMint.sol";
import {ILens} from "../src/interfaces/ILens.sol";
import {IStation} from "../src/interfaces/IStation.sol";
import {IWired} from "../src/interfaces/IWired.sol";
import {SalesSystem} from "./support/SalesSystem.sol";

/// @dev Every figure of the lens against the contract that it comes from, in a system where none of them is zero.
contract LensTest is SalesSystem {
    function setUp() public override {
        super.setUp();
        stakeVVV(alice, 100_000e18);
        stakeDiem(alice, 50e18);
        mintDiem(alice, 5e18);
        giveDollars(alice, 1_000e6);
        vm.startPrank(alice);
        creditSales.subscribe(alice, 2, 1, 68e6);
        vvv.approve(address(stakedVVV), 7e18);
        diem.approve(address(inferenceStake), 3e18);
        stakedVVV.requestUnstake(10e18);
        stakedVVV.requestUnstake(20e18);
        stakedVVV.cancelUnstake(2);
        inferenceStake.requestUnstake(1e18);
        inferenceStake.delegate(bob, 4e18, inferenceStake.epoch() + 2);
        vm.stopPrank();
        fund(alice, 9e18);
        setAside(50_000e6);
        vm.warp(NOON + 3 days);
        run(1_000e6);
        uint256 yesterday = inferenceStake.epoch() - 1;
        vm.prank(publisher);
        epochRoots.publish(yesterday, keccak256("root"), 1, 1, 1, 0);
    }

    function test_AnAccountIsShownAsItsContractsShowIt() public view {
        ILens.AccountView memory seen = accountOf(alice);
        vm.assertEq(seen.timestamp, NOON + 3 days);
        vm.assertEq(seen.epoch, inferenceStake.epoch());

        vm.assertEq(seen.vvv.balance, vvv.balanceOf(alice));
        vm.assertEq(seen.vvv.allowance, vvv.allowance(alice, address(stakedVVV)));
        vm.assertEq(seen.diem.balance, 5e18);
        vm.assertEq(seen.diem.allowance, diem.allowance(alice, address(inferenceStake)));
        vm.assertEq(seen.usdc.balance, 932e6);
        vm.assertEq(seen.usdc.allowance, 932e6);

        vm.assertEq(seen.stake.unlocked, stakedVVV.balanceOfUnlocked(alice));
        vm.assertEq(seen.stake.locked, stakedVVV.balanceOfLocked(alice));
        vm.assertEq(seen.stake.cooling, 10e18);
        vm.assertEq(seen.stake.pendingRewards, stakedVVV.pendingRewards(alice));
        vm.assertGt(seen.stake.pendingRewards, 0, "there are rewards");

        (uint256 locked, uint256 minted) = diemMint.lockedStakes(alice);
        vm.assertEq(seen.position.locked, locked);
        vm.assertEq(seen.position.minted, minted);
        vm.assertEq(minted, 55e18);

        vm.assertEq(seen.right.staked, 49e18);
        vm.assertEq(seen.right.delegated, 4e18);
        vm.assertEq(seen.right.cooling, 1e18);
        vm.assertEq(seen.right.current, 45e18);
        vm.assertEq(seen.right.next, 45e18);
        vm.assertEq(seen.memberUntil.length, 2);
        vm.assertEq(seen.memberUntil[0], 0);
        vm.assertEq(seen.memberUntil[1], creditSales.memberUntil(alice, 2));
    }

    /// @dev The two slots of the right, on the day on which they differ.
    function test_TheRightOfTodayAndOfTomorrowAreTold() public {
        vm.prank(alice);
        inferenceStake.requestUnstake(5e18);
        ILens.AccountView memory seen = accountOf(alice);
        vm.assertEq(seen.right.current, 45e18);
        vm.assertEq(seen.right.next, 40e18);
        vm.warp(NOON + 4 days);
        vm.assertEq(accountOf(alice).right.current, 40e18);
        vm.assertEq(accountOf(bob).right.current, 4e18);
    }

    function test_TheMintQuoteIsWhatAMintThenDoes() public {
        ILens.PositionView memory seen = accountOf(alice).position;
        uint256 unlocked = stakedVVV.balanceOfUnlocked(alice);
        vm.prank(alice);
        (uint256 amount, uint256 locked) = diemMint.mintDiem(unlocked, 0);
        vm.assertEq(seen.mintable, amount);
        vm.assertEq(seen.mintableLock, locked);
    }

    function test_ThePermitNoncesAreTold() public {
        (uint256 deadline, uint8 v, bytes32 r, bytes32 s) = signPermit("alice", usdc, 20e6);
        vm.prank(alice);
        creditSales.topUpWithPermit(alice, 20e6, deadline, v, r, s);
        vm.assertEq(accountOf(alice).usdc.nonce, 1);
        vm.assertEq(accountOf(alice).vvv.nonce, vvv.nonces(alice));
        vm.assertEq(accountOf(alice).diem.nonce, diem.nonces(alice));
    }

    function test_TicketsAreShownWithWhetherTheyMayBeClaimed() public {
        ILens.TicketView[] memory seen = accountOf(alice).vvvTickets;
        vm.assertEq(seen.length, 3);
        vm.assertEq(seen[0].ticket, 1);
        vm.assertEq(seen[0].amount, 10e18);
        vm.assertEq(seen[0].claimableAt, NOON + 8 days);
        vm.assertTrue(seen[0].state == IStation.TicketState.Open, "open");
        vm.assertTrue(!seen[0].isClaimable, "but not due");
        vm.assertTrue(seen[1].state == IStation.TicketState.Cancelled, "taken back");
        vm.assertTrue(seen[2].state == IStation.TicketState.None, "never written");
        vm.assertTrue(accountOf(alice).diemTickets[0].isClaimable, "due since yesterday");
        ILens.TicketView memory ofAnother = accountOf(bob).diemTickets[0];
        vm.assertTrue(ofAnother.state == IStation.TicketState.None, "no ticket of another");
        vm.assertTrue(!ofAnother.isClaimable && ofAnother.amount == 0, "nor anything of it");

        vm.warp(NOON + 8 days - 1);
        vm.assertTrue(!accountOf(alice).vvvTickets[0].isClaimable, "a second early");
        vm.warp(NOON + 8 days);
        vm.assertTrue(accountOf(alice).vvvTickets[0].isClaimable, "due");
        vm.assertTrue(!accountOf(alice).vvvTickets[1].isClaimable, "nothing comes of a cancelled one");
    }

    function test_DelegationsAreShown() public view {
        ILens.DelegationView memory seen = accountOf(alice).delegations[0];
        vm.assertEq(seen.id, 1);
        vm.assertEq(seen.from, alice);
        vm.assertEq(seen.to, bob);
        vm.assertEq(seen.amount, 4e18);
        vm.assertEq(seen.untilEpoch, NOON / 1 days + 3);
        vm.assertTrue(seen.open, "open");
    }

    function test_AnAccountThatNeverWasIsShownEmpty() public {
        ILens.AccountView memory seen =
            lens.accountOf(person("nobody"), new uint256[](0), new uint256[](0), new uint256[](0));
        vm.assertEq(seen.vvv.balance + seen.stake.unlocked + seen.right.current + seen.position.mintable, 0);
        vm.assertEq(seen.position.mintableLock, 0);
        vm.assertEq(seen.vvvTickets.length, 0);
    }

    function test_TheSystemIsShownAsItsContractsShowIt() public {
        vm.prank(timelock);
        diemMint.raiseTarget(40_000e18, 40 days);
        vm.warp(NOON + 13 days);
        ILens.SystemView memory seen = lens.system();
        vm.assertEq(seen.timestamp, NOON + 13 days);
        vm.assertEq(seen.epoch, inferenceStake.epoch());
        vm.assertEq(seen.vvv.supply, vvv.totalSupply());
        vm.assertEq(seen.vvv.staked, stakedVVV.totalStaked());
        vm.assertEq(seen.vvv.locked, stakedVVV.totalLocked());
        vm.assertEq(seen.vvv.cooling, 10e18);
        vm.assertEq(seen.vvv.emissionRate, EMISSION);
        vm.assertEq(seen.vvv.lastRewardTimestamp, stakedVVV.lastRewardTimestamp());
        vm.assertEq(seen.vvv.pendingTreasury, stakedVVV.pendingTreasury());
        vm.assertGt(seen.vvv.pendingTreasury, 0, "the treasury has a share");

        vm.assertEq(seen.diem.supply, 55e18);
        vm.assertEq(seen.diem.target, 38_500e18);
        vm.assertEq(seen.diem.cap, MintCurve.cap(38_500e18));
        vm.assertEq(seen.diem.staked, 49e18);
        vm.assertEq(seen.diem.cooling, 1e18);
        vm.assertEq(seen.diem.rate, diemMint.rate());
        vm.assertEq(seen.diem.rampFrom, 38_000e18);
        vm.assertEq(seen.diem.rampTo, 40_000e18);
        vm.assertEq(seen.diem.rampStartsAt, NOON + 3 days);
        vm.assertEq(seen.diem.rampEndsAt, NOON + 43 days);
        vm.assertEq(seen.diem.opensAt, NOON);
    }

    function test_SalesBuybacksAndRootsAreShown() public view {
        ILens.SystemView memory seen = lens.system();
        vm.assertEq(seen.sales.minimumTopUp, 5e6);
        vm.assertEq(seen.sales.prices.length, 2);
        vm.assertEq(seen.sales.prices[0], 18e6);
        vm.assertEq(seen.sales.prices[1], 68e6);

        vm.assertEq(seen.buyback.usdc, 49_000e6);
        vm.assertEq(seen.buyback.nextRun, 1);
        vm.assertEq(seen.buyback.nextRunAt, NOON + 3 days + 4 hours);
        vm.assertEq(seen.buyback.bounds.lot, LOT);
        (uint256 referencePrice, int24 meanTick, int24 spotTick) = burner.market();
        vm.assertTrue(seen.buyback.hasMean, "there is a mean price");
        vm.assertEq(seen.buyback.referencePrice, referencePrice);
        vm.assertTrue(seen.buyback.meanTick == meanTick && seen.buyback.spotTick == spotTick, "ticks");
        vm.assertEq(seen.roots.firstEpoch, inferenceStake.epoch() - 1);
        vm.assertEq(seen.roots.nextEpoch, inferenceStake.epoch());
    }

    function test_ThePowersAreShown() public {
        ILens.PowersView memory seen = lens.system().powers;
        vm.assertEq(seen.timelock, timelock);
        vm.assertEq(seen.timelockDelay, 0);
        vm.assertEq(seen.guardian, keeper);
        vm.assertEq(seen.keeper, buyer);
        vm.assertEq(seen.publisher, publisher);
        vm.assertEq(seen.treasury, treasury);
        vm.assertEq(seen.revenue, revenue);

        Timelock real = new Timelock(new address[](0), new address[](0));
        deployWhole(address(real), true);
        vm.assertEq(lens.system().powers.timelock, address(real));
        vm.assertEq(lens.system().powers.timelockDelay, 9 days);
    }

    function test_APauseIsShownWhileItLasts() public {
        vm.assertTrue(!lens.system().pause.isPaused, "before");
        pauseEntries(1 days);
        ILens.PauseView memory seen = lens.system().pause;
        vm.assertTrue(seen.isPaused, "in its course");
        vm.assertEq(seen.pausedUntil, NOON + 4 days);
        vm.assertEq(seen.nextPauseAt, NOON + 11 days);
        vm.warp(NOON + 4 days);
        vm.assertTrue(!lens.system().pause.isPaused, "at its end");
    }

    function test_APoolThatDoesNotRememberAWindowHidesNothingElse() public {
        // All it does is revert.
        cheats.etch(address(pool), hex"5f5ffd");
        ILens.SystemView memory seen = lens.system();
        vm.assertTrue(!seen.buyback.hasMean, "no mean price");
        vm.assertEq(seen.buyback.referencePrice, 0);
        vm.assertEq(seen.buyback.usdc, 49_000e6);
        vm.assertEq(seen.vvv.supply, vvv.totalSupply());
    }

    function test_ALensOverContractsOfTwoSystemsIsRefused() public {
        (IDiemMint mintHere, CreditSales salesHere) = (diemMint, creditSales);
        (InferenceStake stakeHere, BuybackBurner burnerHere, EpochRoots rootsHere) =
            (inferenceStake, burner, epochRoots);
        (address diemHere, address vvvHere, DevDollar usdcHere) = (address(diem), address(vvv), usdc);
        deployWhole(timelock, true);

        expectDiffer(address(diem), diemHere);
        new Lens(mintHere, inferenceStake, salesHere, burnerHere, rootsHere);
        expectDiffer(address(vvv), vvvHere);
        new Lens(mintHere, stakeHere, salesHere, burner, rootsHere);
        expectDiffer(address(usdcHere), address(usdc));
        new Lens(mintHere, stakeHere, creditSales, burnerHere, rootsHere);
        EpochRoots under = new EpochRoots(publisher, alice);
        expectDiffer(alice, timelock);
        new Lens(mintHere, stakeHere, salesHere, burnerHere, under);
    }

    function test_ALensOverPartsUnderOtherPowersIsRefused() public {
        Guardian other = new Guardian(keeper, timelock);
        InferenceStake stakes = new InferenceStake(diem, other);
        expectDiffer(address(other), address(guardian));
        new Lens(diemMint, stakes, creditSales, burner, epochRoots);
        CreditSales sales = new CreditSales(usdc, revenue, timelock, other, prices());
        expectDiffer(address(other), address(guardian));
        new Lens(diemMint, inferenceStake, sales, burner, epochRoots);
        BuybackBurner buybacks = new BuybackBurner(usdc, vvv, pool, timelock, other, buyer, usualBounds());
        expectDiffer(address(other), address(guardian));
        new Lens(diemMint, inferenceStake, creditSales, buybacks, epochRoots);

        sales = new CreditSales(usdc, revenue, alice, guardian, prices());
        expectDiffer(alice, timelock);
        new Lens(diemMint, inferenceStake, sales, burner, epochRoots);
        buybacks = new BuybackBurner(usdc, vvv, pool, alice, guardian, buyer, usualBounds());
        expectDiffer(alice, timelock);
        new Lens(diemMint, inferenceStake, creditSales, buybacks, epochRoots);
    }

    function test_ALensOverNothingIsRefused() public {
        vm.expectRevert(abi.encodeWithSelector(IWired.NoCodeAt.selector, alice));
        new Lens(IDiemMint(alice), inferenceStake, creditSales, burner, epochRoots);
    }

    function accountOf(address account) private view returns (ILens.AccountView memory) {
        uint256[] memory three = new uint256[](3);
        (three[0], three[1], three[2]) = (1, 2, 3);
        return lens.accountOf(account, three, list(1), list(1));
    }

    function expectDiffer(address one, address other) private {
        vm.expectRevert(abi.encodeWithSelector(ILens.PartnersDiffer.selector, one, other));
    }
}
