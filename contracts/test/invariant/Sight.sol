// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {DiemMoves} from "./DiemMoves.sol";

/// @dev What the contracts say of one account.
struct Figures {
    uint256 unlocked;
    uint256 locked;
    uint256 coolingVVV;
    uint256 pending;
    uint256 lockedByPosition;
    uint256 minted;
    uint256 staked;
    uint256 delegated;
    uint256 coolingDiem;
    uint256 current;
    uint256 next;
}

/// @dev What the contracts say of all together.
struct Totals {
    uint256 supplyVVV;
    uint256 accruedAt;
    uint256 rate;
    uint256 unlockedIndex;
    uint256 lockedIndex;
    uint256 supplyDiem;
    uint256 heldDiem;
    uint256 stakedDiem;
}

/// @title Reads the contracts' own views
abstract contract Sight is DiemMoves {
    function totals() internal view returns (Totals memory seen) {
        seen.supplyVVV = c.vvv.totalSupply();
        seen.accruedAt = c.stakedVVV.lastRewardTimestamp();
        seen.rate = c.stakedVVV.emissionRatePerSecond();
        seen.unlockedIndex = c.stakedVVV.unlockedIndex();
        seen.lockedIndex = c.stakedVVV.lockedIndex();
        seen.supplyDiem = c.diem.totalSupply();
        seen.heldDiem = c.diem.balanceOf(address(c.inferenceStake));
        seen.stakedDiem = c.inferenceStake.totalStaked();
    }

    function figuresOfAll() internal view returns (Figures[] memory each) {
        each = new Figures[](actors.length);
        for (uint256 i = 0; i < each.length; ++i) {
            each[i] = figuresOf(actors[i]);
        }
    }

    function figuresOf(address account) internal view returns (Figures memory figures) {
        figures.unlocked = c.stakedVVV.balanceOfUnlocked(account);
        figures.locked = c.stakedVVV.balanceOfLocked(account);
        figures.coolingVVV = c.stakedVVV.coolingOf(account);
        // Reverts if the account's index were above the global one (invariant 6).
        figures.pending = c.stakedVVV.pendingRewards(account);
        (figures.lockedByPosition, figures.minted) = c.diemMint.lockedStakes(account);
        figures.staked = c.inferenceStake.stakedOf(account);
        figures.delegated = c.inferenceStake.delegatedOf(account);
        figures.coolingDiem = c.inferenceStake.coolingOf(account);
        (figures.current, figures.next) = c.inferenceStake.allowanceOf(account);
    }
}
