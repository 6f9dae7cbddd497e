// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {MintCurve} from "../src/MintCurve.sol";
import {IDiemMint} from "../src/interfaces/IDiemMint.sol";
import {IStakedVVV} from "../src/interfaces/IStakedVVV.sol";
import {System} from "./support/System.sol";

contract DiemMintTest is System {
    uint256 private constant MANY = 20_000_000e18;

    function test_AnExactOutMintLocksItsQuote(uint256 supply, uint256 amount) public {
        supply = bound(supply, 1, 40_000e18);
        amount = bound(amount, 1, 57_000e18 - supply);
        mintDiem(bob, supply);
        uint256 quote = diemMint.quoteLock(amount);
        vm.assume(quote <= 80_000_000e18);
        stakeVVV(alice, quote);

        vm.expectEmit(address(diemMint));
        emit IDiemMint.DiemMinted(alice, amount, quote, supply + amount);
        vm.expectEmit(address(stakedVVV));
        emit IStakedVVV.Locked(alice, quote);
        vm.prank(alice);
        uint256 locked = diemMint.mintExactOut(amount, quote);

        vm.assertEq(locked, quote, "quote equals execution");
        vm.assertEq(quote, MintCurve.potential(supply + amount, TARGET) - MintCurve.potential(supply, TARGET));
        assertPosition(quote, amount);
        vm.assertEq(diem.balanceOf(alice), amount);
        vm.assertEq(diem.totalSupply(), supply + amount);
        vm.assertEq(stakedVVV.balanceOfUnlocked(alice), 0);
        vm.assertEq(stakedVVV.balanceOfLocked(alice), quote);
        vm.assertEq(stakedVVV.balanceOf(alice), quote);
    }

    function test_AnExactInMintGivesItsQuoteAndNeverLocksMore(uint256 supply, uint256 lock) public {
        mintDiem(bob, bound(supply, 1, 40_000e18));
        lock = bound(lock, 100_000, MANY);
        stakeVVV(alice, lock);
        uint256 quote = diemMint.getDiemAmountOut(lock);

        vm.prank(alice);
        (uint256 amount, uint256 locked) = diemMint.mintDiem(lock, quote);

        vm.assertEq(amount, quote, "quote equals execution");
        vm.assertLe(locked, lock, "locked <= lock");
        assertPosition(locked, amount);
        vm.assertEq(stakedVVV.balanceOfUnlocked(alice), lock - locked, "the rest stays unlocked");
        vm.assertEq(diem.balanceOf(alice), amount);
    }

    /// @dev Invariant 15.
    function test_AnyPartitionOfAMintLocksTheSameTotalToTheWei(uint256[8] memory parts) public {
        mintDiem(bob, 10_000e18);
        uint256 sum = 0;
        for (uint256 i = 0; i < parts.length; ++i) {
            sum += parts[i] = bound(parts[i], 1, 5_000e18);
        }
        uint256 quote = diemMint.quoteLock(sum);
        stakeVVV(alice, quote);

        uint256 locked = 0;
        vm.startPrank(alice);
        for (uint256 i = 0; i < parts.length; ++i) {
            locked += diemMint.mintExactOut(parts[i], type(uint256).max);
        }
        vm.assertEq(locked, quote);
    }

    /// @dev Invariant 18.
    function test_MintThenBurnInOneBlockNeverProfits(uint256 lock, uint256 part) public {
        mintDiem(bob, 30_000e18);
        lock = bound(lock, 100_000, MANY);
        stakeVVV(alice, lock);
        vm.startPrank(alice);
        (uint256 amount, uint256 locked) = diemMint.mintDiem(lock, 0);
        part = bound(part, 1, amount);
        uint256 back = diemMint.burnDiem(part);
        vm.assertLe(back * amount, locked * part, "not more than its part");
        if (part < amount) back += diemMint.burnDiem(amount - part);
        vm.assertEq(back, locked, "and all of it at the end");
        vm.assertEq(stakedVVV.balanceOfUnlocked(alice), lock);
    }

    function test_ABurnReleasesItsPartOfTheBurnersOwnLock(uint256 first, uint256 second, uint256 burned)
        public
    {
        first = bound(first, 1, 20_000e18);
        second = bound(second, 1, 20_000e18);
        mintDiem(alice, first);
        mintDiem(bob, 5_000e18);
        mintDiem(alice, second);
        burned = bound(burned, 1, first + second);
        (uint256 locked, uint256 minted) = diemMint.lockedStakes(alice);
        vm.assertEq(locked, stakedVVV.balanceOfLocked(alice), "both locks count");
        (uint256 lockedOfBob, uint256 mintedOfBob) = diemMint.lockedStakes(bob);
        uint256 quote = diemMint.quoteUnlock(alice, burned);
        vm.assertEq(quote, locked * burned / minted);

        vm.expectEmit(address(diemMint));
        emit IDiemMint.DiemBurned(alice, burned, quote, diem.totalSupply() - burned);
        vm.expectEmit(address(stakedVVV));
        emit IStakedVVV.Unlocked(alice, quote);
        vm.prank(alice);
        vm.assertEq(diemMint.burnDiem(burned), quote);

        assertPosition(locked - quote, minted - burned);
        vm.assertEq(stakedVVV.balanceOfUnlocked(alice), quote, "at once");
        (uint256 lockedAfter, uint256 mintedAfter) = diemMint.lockedStakes(bob);
        vm.assertEq(lockedAfter, lockedOfBob, "nobody else's lock");
        vm.assertEq(mintedAfter, mintedOfBob, "nobody else's mint");
    }

    /// @dev Invariant 20, on the smallest positions.
    function test_AFullBurnReleasesAllOfADustPosition(uint256 amount, uint256 burned) public {
        mintDiem(bob, 35_000e18);
        amount = bound(amount, 2, 1_000);
        burned = bound(burned, 1, amount - 1);
        mintDiem(alice, amount);
        vm.startPrank(alice);
        diemMint.burnDiem(burned);
        (uint256 locked, uint256 minted) = diemMint.lockedStakes(alice);
        vm.assertGt(locked, 0, "something stays locked while something is minted");
        diemMint.burnDiem(minted);
        assertPosition(0, 0);
        vm.assertEq(stakedVVV.balanceOfLocked(alice), 0);
    }

    function test_AnyDiemBurnsAPositionUpToWhatItMinted() public {
        mintDiem(alice, 10e18);
        mintDiem(bob, 10e18);
        vm.prank(alice);
        diem.transfer(carol, 10e18);

        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientBalance.selector, alice, 0, 1e18)
        );
        vm.prank(alice);
        diemMint.burnDiem(1e18);

        vm.prank(bob);
        diem.transfer(alice, 10e18);
        vm.startPrank(alice);
        diemMint.burnDiem(10e18);
        expectBurnExceeds(alice, 0, 1);
        diemMint.burnDiem(1);
        vm.stopPrank();

        expectBurnExceeds(carol, 0, 10e18);
        vm.prank(carol);
        diemMint.burnDiem(10e18);
        expectBurnExceeds(bob, 10e18, 10e18 + 1);
        diemMint.quoteUnlock(bob, 10e18 + 1);
    }

    function test_NothingIsNoMintAndNoBurn() public {
        stakeVVV(alice, 1_000e18);
        vm.startPrank(alice);
        vm.expectRevert(abi.encodeWithSelector(IDiemMint.ZeroAmount.selector));
        diemMint.mintExactOut(0, 1_000e18);
        vm.expectRevert(abi.encodeWithSelector(IDiemMint.ZeroAmount.selector));
        diemMint.burnDiem(0);
        vm.expectRevert(abi.encodeWithSelector(IDiemMint.OutputBelowMinimum.selector, 0, 0));
        diemMint.mintDiem(89, 0);
        vm.assertEq(diemMint.getDiemAmountOut(0), 0);
        vm.assertEq(diemMint.quoteLock(0), 0);
        vm.assertEq(diemMint.quoteUnlock(alice, 0), 0);
    }

    /// @dev Invariant 17.
    function test_AMintKeepsTheCallersBounds() public {
        stakeVVV(alice, 10_000e18);
        uint256 out = diemMint.getDiemAmountOut(1_000e18);
        uint256 lock = diemMint.quoteLock(10e18);
        vm.startPrank(alice);
        vm.expectRevert(abi.encodeWithSelector(IDiemMint.OutputBelowMinimum.selector, out, out + 1));
        diemMint.mintDiem(1_000e18, out + 1);
        vm.expectRevert(abi.encodeWithSelector(IDiemMint.LockExceedsMaximum.selector, lock, lock - 1));
        diemMint.mintExactOut(10e18, lock - 1);
    }

    function test_OnlyUnlockedStakeCanBeLocked() public {
        stakeVVV(alice, 1_000e18);
        vm.startPrank(alice);
        stakedVVV.requestUnstake(400e18);
        uint256 lock = diemMint.quoteLock(7e18);
        expectInsufficientUnlocked(600e18, lock);
        diemMint.mintExactOut(7e18, lock);

        diemMint.mintExactOut(6e18, lock);
        uint256 free = stakedVVV.balanceOfUnlocked(alice);
        expectInsufficientUnlocked(free, free + 1);
        stakedVVV.requestUnstake(free + 1);
    }

    function test_TheSupplyStopsAtTheCap() public {
        // The cap is out of reach of the genesis supply.
        vm.prank(address(stakedVVV));
        vvv.mint(genesisHolder, 200_000_000e18);
        mintDiem(bob, 56_999e18);
        fund(alice, 1_000_000e18);
        vm.startPrank(alice);
        stakedVVV.stake(alice, 1_000_000e18);
        vm.expectRevert(abi.encodeWithSelector(MintCurve.SupplyAboveCap.selector, 57_000e18 + 1, 57_000e18));
        diemMint.mintExactOut(1e18 + 1, type(uint256).max);

        vm.assertEq(diemMint.getDiemAmountOut(1_000_000e18), 1e18);
        (uint256 amount, uint256 locked) = diemMint.mintDiem(1_000_000e18, 0);
        vm.assertEq(amount, 1e18);
        vm.assertLt(locked, 77_000e18, "only what the last DIEM costs");
        vm.assertEq(diem.totalSupply(), 57_000e18);
        vm.expectRevert(abi.encodeWithSelector(IDiemMint.OutputBelowMinimum.selector, 0, 0));
        diemMint.mintDiem(1e18, 0);
    }

    function test_MintingOpensAtItsSecond() public {
        vm.warp(NOON);
        deploy(NOON, MIDNIGHT + 1 days);
        stakeVVV(alice, 1_000e18);
        vm.startPrank(alice);
        vm.warp(MIDNIGHT + 1 days - 1);
        vm.expectRevert(abi.encodeWithSelector(IDiemMint.MintingNotOpen.selector, MIDNIGHT + 1 days));
        diemMint.mintDiem(100e18, 0);
        vm.expectRevert(abi.encodeWithSelector(IDiemMint.MintingNotOpen.selector, MIDNIGHT + 1 days));
        diemMint.mintExactOut(1e18, type(uint256).max);

        vm.warp(MIDNIGHT + 1 days);
        diemMint.mintDiem(100e18, 0);
        vm.warp(MIDNIGHT + 1 days + 1);
        diemMint.mintExactOut(1e18, type(uint256).max);
    }

    function test_TheRateIsTheCurvesAtTheSupply() public {
        mintDiem(alice, 10_000e18);
        vm.assertEq(diemMint.rate(), MintCurve.rate(10_000e18, TARGET));
        vm.assertApproxEqAbs(diemMint.rate(), 93.34e18, 0.005e18);
    }

    function test_NobodyButDiemMintLocksOrUnlocks(address stranger) public {
        vm.assume(stranger != address(diemMint));
        stakeVVV(alice, 10e18);
        bytes memory reason = abi.encodeWithSelector(IStakedVVV.OnlyDiemMint.selector, stranger);
        vm.expectRevert(reason);
        vm.prank(stranger);
        stakedVVV.lock(alice, 1);
        vm.expectRevert(reason);
        vm.prank(stranger);
        stakedVVV.unlock(alice, 1);
    }

    function assertPosition(uint256 locked, uint256 minted) private view {
        (uint256 lockedOfAlice, uint256 mintedOfAlice) = diemMint.lockedStakes(alice);
        vm.assertEq(lockedOfAlice, locked, "locked");
        vm.assertEq(mintedOfAlice, minted, "minted");
    }

    function expectBurnExceeds(address account, uint256 minted, uint256 requested) private {
        vm.expectRevert(
            abi.encodeWithSelector(IDiemMint.BurnExceedsMinted.selector, account, minted, requested)
        );
    }

    function expectInsufficientUnlocked(uint256 available, uint256 needed) private {
        vm.expectRevert(
            abi.encodeWithSelector(IStakedVVV.InsufficientUnlocked.selector, alice, available, needed)
        );
    }
}
