/**
 * What staked VVV earns in a year at the rate of this moment: the emission of a year, shared by all that is staked.
 *
 *     unlocked = emission a second * seconds of a year / total staked        locked = 80 % of it
 *
 * It falls when others stake and when the emission is lowered: a figure of now, no promise.
 */

export const SECONDS_PER_YEAR = 31_536_000n;
const BASIS_POINTS = 10_000n;
const LOCKED_SHARE = 8_000n;

/** Hundredths of a percent, each rounded down; null where nothing is staked, and so nothing is emitted. */
export function yearlyRates(
  emissionPerSecond: bigint,
  totalStaked: bigint,
): { unlocked: bigint; locked: bigint } | null {
  if (totalStaked <= 0n) return null;
  const unlocked = (emissionPerSecond * SECONDS_PER_YEAR * BASIS_POINTS) / totalStaked;
  return { unlocked, locked: (unlocked * LOCKED_SHARE) / BASIS_POINTS };
}

/** Wei of VVV that a stake earns in a year if everything stays as it is with `totalStaked`, rounded down. */
export function yearlyReward(
  unlocked: bigint,
  locked: bigint,
  emissionPerSecond: bigint,
  totalStaked: bigint,
): bigint {
  if (totalStaked <= 0n) return 0n;
  const weight = unlocked * BASIS_POINTS + locked * LOCKED_SHARE;
  return (weight * emissionPerSecond * SECONDS_PER_YEAR) / (totalStaked * BASIS_POINTS);
}
