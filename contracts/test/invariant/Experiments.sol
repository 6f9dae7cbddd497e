// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {MintCurve} from "../../src/MintCurve.sol";
import {Book} from "./Books.sol";
import {Exits} from "./Exits.sol";

/// @title What is compared with what would have been: done, looked at and undone
abstract contract Experiments is Exits {
    /// @dev Invariant 8.
    function accrueOftenOrOnce(uint256 times, uint256 duration, uint256 claimerSeed) external watched {
        times = bound(times, 2, 6);
        duration = bound(duration, times, 30 days);
        compareAccruals(times, duration, pick(claimerSeed));
    }

    function compareAccruals(uint256 times, uint256 duration, address claimer) private {
        (uint256[] memory often, uint256 indexOften) = gainsAfter(times, duration, claimer);
        (uint256[] memory once, uint256 indexOnce) = gainsAfter(1, duration, claimer);
        for (uint256 i = 0; i < actors.length; ++i) {
            vm.assertApproxEqAbs(often[i], once[i], times, "8: n accruals give what one gives, within n wei");
        }
        same(indexOften, indexOnce, "8: no division's remainder is lost");
    }

    /// @dev Invariant 9.
    function stakeAndRequestAtOnce(uint256 actorSeed, uint256 amount) external watched {
        address actor = pick(actorSeed);
        amount = upTo(amount, c.vvv.balanceOf(actor));
        if (amount == 0 || isPaused()) return;
        (uint256[] memory with, uint256 atOnce) = gainsOfGuest(actor, amount);
        (uint256[] memory without,) = gainsAfter(1, 1 days, address(0));
        same(atOnce, c.stakedVVV.pendingRewards(actor), "9: stake and request in one block earns 0");
        for (uint256 i = 0; i < actors.length; ++i) {
            vm.assertApproxEqAbs(with[i], without[i], 2, "9: a guest of no time takes nothing");
        }
    }

    /// @dev Invariant 15.
    function mintInParts(uint256 actorSeed, uint256 amount, uint256 seed) external watched {
        address actor = pick(actorSeed);
        amount = upTo(amount, mintableOf(actor));
        if (amount < 8 || isPaused()) return;
        uint256 whole = c.diemMint.quoteLock(amount);
        same(lockedInParts(actor, amount, seed), whole, "15: any partition of a mint locks the same");
    }

    /// @dev Invariant 18. What an account owns stays as it was. A position whose average is above today's price can
    /// come down towards it by this, as it can by burning first; none comes out below both.
    function mintThenBurn(uint256 actorSeed, uint256 amount) external watched {
        address actor = pick(actorSeed);
        amount = upTo(amount, mintableOf(actor));
        if (amount == 0 || isPaused()) return;
        Book memory before = books[actor];
        (uint256 cost, uint256 lockedAfter) = costAndLockAfterBurn(actor, amount);
        bool isNotBelowOwn = lockedAfter >= before.locked;
        bool isNotBelowPrice = lockedAfter * amount >= cost * before.minted;
        holds(isNotBelowOwn || isNotBelowPrice, "18: mint then burn never profits");
        if (before.minted == 0) same(lockedAfter, 0, "18: mint then burn leaves nothing behind");
    }

    /// @dev Invariant 16, for any target there may ever be.
    function walkTheCurve(uint256 supply, uint256 target, uint256 step) external {
        ++calls;
        target = bound(target, MintCurve.TARGET_MIN, MintCurve.TARGET_MAX);
        supply = bound(supply, 0, MintCurve.cap(target) - 1);
        step = bound(step, 1, MintCurve.cap(target) - supply);
        uint256 rise = MintCurve.potential(supply + 1, target) - MintCurve.potential(supply, target);
        atLeast(rise, 90, "16: F(S+1) - F(S) >= 90");
        uint256 rateBefore = MintCurve.rate(supply, target);
        atLeast(MintCurve.rate(supply + step, target), rateBefore, "16: the rate never falls in S");
    }

    /// @dev What each has gained after `duration` in `times` steps; `claimer` is paid at each of them.
    function gainsAfter(uint256 times, uint256 duration, address claimer)
        private
        undone
        returns (uint256[] memory gains, uint256 index)
    {
        uint256 paid = 0;
        uint256 start = block.timestamp;
        for (uint256 i = 1; i <= times; ++i) {
            vm.warp(start + duration * i / times);
            c.stakedVVV.accrue();
            if (claimer == address(0)) continue;
            vm.prank(claimer);
            paid += c.stakedVVV.claim();
        }
        return (gainsOf(claimer, paid), c.stakedVVV.unlockedIndex());
    }

    function gainsOfGuest(address actor, uint256 amount)
        private
        undone
        returns (uint256[] memory gains, uint256 atOnce)
    {
        vm.startPrank(actor);
        c.stakedVVV.stake(actor, amount);
        c.stakedVVV.requestUnstake(amount);
        vm.stopPrank();
        atOnce = c.stakedVVV.pendingRewards(actor);
        vm.warp(block.timestamp + 1 days);
        return (gainsOf(address(0), 0), atOnce);
    }

    function gainsOf(address claimer, uint256 paid) private view returns (uint256[] memory gains) {
        gains = new uint256[](actors.length);
        for (uint256 i = 0; i < actors.length; ++i) {
            gains[i] = c.stakedVVV.pendingRewards(actors[i]);
            if (actors[i] == claimer) gains[i] += paid;
        }
    }

    function lockedInParts(address actor, uint256 amount, uint256 seed)
        private
        undone
        returns (uint256 locked)
    {
        for (uint256 part = 0; part < 4; ++part) {
            seed = uint256(keccak256(abi.encode(seed)));
            uint256 piece = part == 3 ? amount : bound(seed, 1, amount + part - 3);
            vm.prank(actor);
            locked += c.diemMint.mintExactOut(piece, type(uint256).max);
            amount -= piece;
        }
    }

    function costAndLockAfterBurn(address actor, uint256 amount)
        private
        undone
        returns (uint256 cost, uint256 lockedAfter)
    {
        uint256 owned = c.stakedVVV.balanceOf(actor);
        uint256 held = c.diem.balanceOf(actor);
        vm.startPrank(actor);
        cost = c.diemMint.mintExactOut(amount, type(uint256).max);
        c.diemMint.burnDiem(amount);
        vm.stopPrank();
        same(c.stakedVVV.balanceOf(actor), owned, "18: the stake is what it was");
        same(c.diem.balanceOf(actor), held, "18: the DIEM is what it was");
        (lockedAfter,) = c.diemMint.lockedStakes(actor);
    }
}
