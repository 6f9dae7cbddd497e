// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IStation} from "../../src/interfaces/IStation.sol";
import {Book, TicketBook} from "./Books.sol";
import {Figures, Sight, Totals} from "./Sight.sol";

/// @title The contracts against the books: invariants 1, 2, 4 to 7, 9 and 11
abstract contract StakingChecks is Sight {
    struct Last {
        uint256 minted;
        uint256 accruedAt;
        uint256 rate;
        uint256 unlockedIndex;
        uint256 lockedIndex;
    }

    /// @dev What differs from the books goes on differing, so that little is lost by not looking every time.
    uint256 internal constant CALLS_BETWEEN_FULL_CHECKS = 4;
    /// @dev Of the many tickets a few are looked at each time, in turn, and all at the end.
    uint256 private constant TICKETS_EACH_TIME = 4;

    Last private last;
    /// @dev With what was paid, which only an account's own claims change.
    mapping(address account => uint256) private lastOwed;
    uint256 private lastOwedToTreasury;

    function check_01_TheSupplyIsGenesisPlusEmissionLessBurns(Totals memory seen) internal view {
        uint256 due = 0;
        if (block.timestamp > seen.accruedAt && totalStake() != 0) {
            due = rate * (block.timestamp - seen.accruedAt);
        }
        same(seen.supplyVVV + due, genesis + emitted - burned, "1: the supply");
    }

    function check_02_EmissionIsAtMostRateTimesElapsed(Totals memory seen) internal view {
        uint256 elapsed = block.timestamp > last.accruedAt ? block.timestamp - last.accruedAt : 0;
        atMost(seen.supplyVVV + burned, last.minted + last.rate * elapsed, "2: emission <= rate x elapsed");
        atMost(seen.rate, last.rate, "2: the rate never rises");
        atLeast(seen.accruedAt, last.accruedAt, "2: no time is counted twice");
    }

    function check_04_TheVVVHeldCoversAllThatIsOwed(Figures[] memory each) internal view {
        uint256 owed = totalStake() + totalCooling(c.stakedVVV) + c.stakedVVV.pendingTreasury();
        for (uint256 i = 0; i < each.length; ++i) {
            owed += each[i].pending;
        }
        uint256 due = genesis + emitted - burned - c.vvv.totalSupply();
        atLeast(c.vvv.balanceOf(address(c.stakedVVV)) + due, owed, "4: the VVV held");
    }

    function check_05_TheTotalsAreTheStakesAndTickets() internal view {
        same(c.stakedVVV.totalStaked(), totalStake(), "5: the stake");
        same(c.stakedVVV.totalCooling(), totalCooling(c.stakedVVV), "5: the open tickets");
        same(c.inferenceStake.totalCooling(), totalCooling(c.inferenceStake), "5: the open tickets");
    }

    function check_05_TheStakesAndTicketsOfEachAreItsOwn(Figures[] memory each) internal view {
        uint256 locked = 0;
        for (uint256 i = 0; i < each.length; ++i) {
            Book storage book = books[actors[i]];
            Figures memory figures = each[i];
            same(figures.unlocked, book.unlocked, "5: unlocked stake");
            same(figures.locked, book.locked, "5: locked stake");
            same(figures.coolingVVV, cooling[c.stakedVVV][actors[i]], "5: the open tickets of each");
            same(figures.coolingDiem, cooling[c.inferenceStake][actors[i]], "5: the open tickets of each");
            locked += figures.locked;
        }
        same(c.stakedVVV.totalLocked(), locked, "5: the locked stake");
    }

    function check_06_IndicesNeverFallAndTheLockedOneGainsFourFifths(Totals memory seen) internal view {
        atLeast(seen.unlockedIndex, last.unlockedIndex, "6: indices never fall");
        atLeast(seen.lockedIndex, last.lockedIndex, "6: indices never fall");
        uint256 share = (seen.unlockedIndex - last.unlockedIndex) * 4 / 5;
        same(seen.lockedIndex - last.lockedIndex, share, "6: the locked index gains 80 %, floored");
    }

    function check_07_RewardsNeverFallThroughTimeOrTheActsOfOthers(Figures[] memory each) internal {
        for (uint256 i = 0; i < each.length; ++i) {
            uint256 owed = each[i].pending + books[actors[i]].collected;
            atLeast(owed, lastOwed[actors[i]], "7: rewards never fall");
            lastOwed[actors[i]] = owed;
        }
        uint256 ofTreasury = c.stakedVVV.pendingTreasury() + treasuryShare.collected;
        atLeast(ofTreasury, lastOwedToTreasury, "7: the treasury's share never falls");
        lastOwedToTreasury = ofTreasury;
    }

    function check_09_RewardsAreProportionalToStakeAndTime(Figures[] memory each) internal view {
        for (uint256 i = 0; i < each.length; ++i) {
            requireProportional(each[i].pending, books[actors[i]]);
        }
        requireProportional(c.stakedVVV.pendingTreasury(), treasuryShare);
    }

    function check_11_TicketsStandAsTheyWereWritten() internal view {
        requireTickets(c.stakedVVV, TICKETS_EACH_TIME);
        requireTickets(c.inferenceStake, TICKETS_EACH_TIME);
    }

    function check_11_AllTicketsStandAsTheyWereWritten() external view {
        requireTickets(c.stakedVVV, type(uint256).max);
        requireTickets(c.inferenceStake, type(uint256).max);
    }

    /// @dev What the next look at the totals is compared with.
    function remember(Totals memory seen) internal {
        last = Last({
            minted: seen.supplyVVV + burned,
            accruedAt: seen.accruedAt,
            rate: seen.rate,
            unlockedIndex: seen.unlockedIndex,
            lockedIndex: seen.lockedIndex
        });
    }

    /// @dev Each settlement rounds down by less than a wei, and there are at most a few in each call.
    function requireProportional(uint256 pending, Book storage book) private view {
        uint256 earned = book.earned / PRECISION;
        uint256 had = pending + book.collected;
        atMost(had, earned + 1, "9: not more than stake x time");
        atLeast(had + 100 + 16 * calls, earned, "9: not less than stake x time");
    }

    function requireTickets(IStation station, uint256 most) private view {
        uint256 count = tickets[station].length;
        same(station.ticketCount(), count, "11: a ticket for each request");
        for (uint256 i = 0; i < count && i < most; ++i) {
            uint256 ticket = (calls / CALLS_BETWEEN_FULL_CHECKS * TICKETS_EACH_TIME + i) % count + 1;
            TicketBook storage book = tickets[station][ticket - 1];
            (uint256 amount, uint256 claimableAt, IStation.TicketState state) =
                ticketAt(station, book.owner, ticket);
            same(amount, book.amount, "11: the amount of a ticket never moves");
            same(claimableAt, book.claimableAt, "11: no later ticket or setting moves a due time");
            holds(state == book.state, "11: a ticket is closed by its owner");
        }
    }
}
