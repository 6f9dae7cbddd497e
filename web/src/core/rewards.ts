/**
 * Rewards between two blocks, by RewardIndex.sol's rule:
 *
 *     step = rate * elapsed * 1e27 / total staked, down to a multiple of five
 *     reward = (5 * unlocked + 4 * locked) * step / (5 * 1e27)            locked stake earns 80 %
 *
 * Each division rounds down by itself, so that the sum is never more than what the contract pays, and less by a
 * few wei at the most.
 */

const RAY = 10n ** 27n;
const FIFTHS = 5n;
const FIFTHS_LOCKED = 4n;

/** What a block says of an account's rewards. Amounts in wei, times in Unix seconds. */
export type Accrual = {
  /** The block's own time. */
  at: bigint;
  /** What could be claimed in the block. */
  pending: bigint;
  unlocked: bigint;
  locked: bigint;
  /** All VVV that is staked, by everybody. */
  total: bigint;
  /** Wei of VVV a second for all stake together. */
  rate: bigint;
  /** When the emission was last settled; later than the block while it has not begun. */
  settledAt: bigint;
};

/** What can be claimed so many seconds after the block, if nobody stakes or leaves until then. */
export function rewardsAfter(accrual: Accrual, seconds: bigint): bigint {
  const notBegun = accrual.settledAt > accrual.at ? accrual.settledAt - accrual.at : 0n;
  return accrual.pending + earnedIn(accrual, seconds - notBegun);
}

/** What the stake earns in so many seconds, as everything stands. */
export function earnedIn({ unlocked, locked, total, rate }: Accrual, seconds: bigint): bigint {
  if (total <= 0n || seconds <= 0n) return 0n;
  const fifth = (rate * seconds * RAY) / (FIFTHS * total);
  return ((FIFTHS * unlocked + FIFTHS_LOCKED * locked) * fifth) / RAY;
}
