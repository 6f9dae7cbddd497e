// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {MintCurve} from "../../src/MintCurve.sol";
import {Book, DelegationBook} from "./Books.sol";
import {StakeMoves} from "./StakeMoves.sol";

/// @title What an account can do with DIEM and its right, each written into the books
abstract contract DiemMoves is StakeMoves {
    function mintFor(address account, uint256 lock) internal {
        uint256 quote = c.diemMint.getDiemAmountOut(lock);
        if (quote == 0) return;
        bytes memory order = abi.encodeCall(c.diemMint.mintDiem, (lock, quote));
        if (isPaused()) return refusedEntry(account, address(c.diemMint), order);
        order = abi.encodeCall(c.diemMint.mintDiem, (lock, quote + 1));
        refused(account, address(c.diemMint), order, "17: out >= minimum");
        requireMaximal(lock, quote);

        vm.prank(account);
        (uint256 amount, uint256 locked) = c.diemMint.mintDiem(lock, quote);
        same(amount, quote, "17: quote equals execution");
        atMost(locked, lock, "17: locked <= the lock that was offered");
        wasMinted(account, amount, locked);
    }

    function mintExactlyFor(address account, uint256 amount) internal {
        uint256 quote = c.diemMint.quoteLock(amount);
        bytes memory order = abi.encodeCall(c.diemMint.mintExactOut, (amount, quote));
        if (isPaused()) return refusedEntry(account, address(c.diemMint), order);
        order = abi.encodeCall(c.diemMint.mintExactOut, (amount, quote - 1));
        refused(account, address(c.diemMint), order, "17: locked <= maxLock");
        order = abi.encodeCall(c.diemMint.mintExactOut, (mintableOf(account) + 1, type(uint256).max));
        refused(account, address(c.diemMint), order, "10: only unlocked stake can be locked");

        vm.prank(account);
        uint256 locked = c.diemMint.mintExactOut(amount, quote);
        same(locked, quote, "17: quote equals execution");
        wasMinted(account, amount, locked);
    }

    function burnFor(address account, uint256 amount) internal {
        Book storage book = books[account];
        uint256 quote = c.diemMint.quoteUnlock(account, amount);
        vm.prank(account);
        uint256 unlocked = c.diemMint.burnDiem(amount);
        same(unlocked, quote, "17: quote equals execution");
        same(unlocked, book.locked * amount / book.minted, "20: a burn releases its part");
        book.minted -= amount;
        book.locked -= unlocked;
        book.unlocked += unlocked;
    }

    function delegateFor(address giver, address receiver, uint256 amount, uint256 term) internal {
        uint256 untilEpoch = block.timestamp / EPOCH + term;
        uint256 tooMuch = freeOf(c.inferenceStake, giver) + 1;
        bytes memory order = abi.encodeCall(c.inferenceStake.delegate, (receiver, tooMuch, untilEpoch));
        refused(giver, address(c.inferenceStake), order, "23: delegated stake is not delegated again");

        vm.prank(giver);
        uint256 id = c.inferenceStake.delegate(receiver, amount, untilEpoch);
        books[giver].given += amount;
        books[receiver].received += amount;
        delegations.push(DelegationBook(giver, receiver, amount, untilEpoch, true));
        same(id, delegations.length, "23: a number for each delegation");
    }

    /// @dev The giver when it may; before that it is refused, and the receiver may.
    function endDelegationOf(uint256 id) internal {
        DelegationBook storage ending = delegations[id - 1];
        bytes memory order = abi.encodeCall(c.inferenceStake.endDelegation, (id));
        bool isDue = block.timestamp / EPOCH >= ending.untilEpoch;
        if (!isDue) refused(ending.from, address(c.inferenceStake), order, "23: not before its term");
        vm.prank(isDue ? ending.from : ending.to);
        c.inferenceStake.endDelegation(id);
        ending.open = false;
        if (isDue) ++met.delegationsEndedByGiver;
        else ++met.delegationsEndedByReceiver;
        books[ending.from].given -= ending.amount;
        books[ending.to].received -= ending.amount;
        refused(ending.to, address(c.inferenceStake), order, "23: a delegation ends once");
    }

    /// @dev What an account can put behind minting now, as DIEM.
    function mintableOf(address account) internal view returns (uint256) {
        return c.diemMint.getDiemAmountOut(books[account].unlocked);
    }

    function wasMinted(address account, uint256 amount, uint256 locked) private {
        uint256 supply = totalMinted();
        uint256 target = targetNow();
        uint256 before = MintCurve.potential(supply, target);
        same(locked, MintCurve.potential(supply + amount, target) - before, "15: F(S+d) - F(S)");
        Book storage book = books[account];
        book.unlocked -= locked;
        book.locked += locked;
        book.minted += amount;
        ++met.mints;
        if (supply + amount == MintCurve.cap(target)) met.isAtCap = true;
        uint256 rateNow = c.diemMint.rate();
        same(rateNow, MintCurve.rate(supply + amount, target), "16: the rate is the curve's");
        atLeast(rateNow, MintCurve.rate(supply, target), "16: the rate never falls in S");
    }

    /// @dev One wei more would lock more than was offered, or pass the cap.
    function requireMaximal(uint256 lock, uint256 amount) private view {
        if (totalMinted() + amount == MintCurve.cap(targetNow())) return;
        atLeast(c.diemMint.quoteLock(amount + 1), lock + 1, "17: no more was to be had for the lock");
    }
}
