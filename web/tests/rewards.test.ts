import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Accrual, earnedIn, rewardsAfter } from "../src/core/rewards";

const RAY = 10n ** 27n;
const TOKEN = 10n ** 18n;

/** StakedVVV as it stands in a block; only what rewards depend on. */
type Station = {
  rate: bigint;
  settledAt: bigint;
  remainder: bigint;
  index: bigint;
  total: bigint;
  unlocked: bigint;
  locked: bigint;
  owed: bigint;
  ownIndex: bigint;
};

/** StakedVVV.pendingRewards, line by line. */
function pendingRewards(station: Station, now: bigint): bigint {
  let index = station.index;
  if (station.total > 0n && now > station.settledAt) {
    const minted = station.rate * (now - station.settledAt);
    if (minted > 0n) index += 5n * ((minted * RAY + station.remainder) / (5n * station.total));
  }
  const weight = 5n * station.unlocked + 4n * station.locked;
  return station.owed + (weight * (index - station.ownIndex)) / (5n * RAY);
}

const stations = fc
  .record({
    rate: fc.bigInt({ min: 0n, max: 10n ** 18n }),
    settledAt: fc.bigInt({ min: 1_000_000n, max: 1_100_000n }),
    total: fc.bigInt({ min: 0n, max: 10n ** 26n }),
    leftOver: fc.bigInt({ min: 0n, max: 10n ** 30n }),
    index: fc.bigInt({ min: 0n, max: 10n ** 30n }),
    behind: fc.bigInt({ min: 0n, max: 10n ** 29n }),
    owed: fc.bigInt({ min: 0n, max: 10n ** 24n }),
    part: fc.bigInt({ min: 0n, max: 1_000n }),
    lockedPart: fc.bigInt({ min: 0n, max: 1_000n }),
  })
  .map(({ leftOver, behind, part, lockedPart, index, ...rest }): Station => {
    const staked = (rest.total * part) / 1_000n;
    const locked = (staked * lockedPart) / 1_000n;
    const remainder = rest.total === 0n ? 0n : leftOver % (5n * rest.total);
    const own = index > behind ? index - behind : 0n;
    return {
      ...rest,
      index: index * 5n,
      remainder,
      locked,
      unlocked: staked - locked,
      ownIndex: own * 5n,
    };
  });

function accrualOf(station: Station, at: bigint): Accrual {
  const { unlocked, locked, total, rate, settledAt } = station;
  return { at, pending: pendingRewards(station, at), unlocked, locked, total, rate, settledAt };
}

describe("rewards between blocks", () => {
  const times = fc.bigInt({ min: 1_000_000n, max: 1_200_000n });
  const spans = fc.bigInt({ min: 0n, max: 1_000_000n });

  test("are never more than the contract pays, and less by a few wei at the most", () => {
    fc.assert(
      fc.property(stations, times, spans, (station, at, seconds) => {
        const shown = rewardsAfter(accrualOf(station, at), seconds);
        const paid = pendingRewards(station, at + seconds);
        expect(shown).toBeLessThanOrEqual(paid);
        expect(paid - shown).toBeLessThanOrEqual(((station.unlocked + station.locked) * 5n) / RAY + 2n);
      }),
      { numRuns: 500 },
    );
  });

  test("never fall while time passes", () => {
    fc.assert(
      fc.property(stations, times, spans, spans, (station, at, first, second) => {
        const accrual = accrualOf(station, at);
        expect(rewardsAfter(accrual, first + second)).toBeGreaterThanOrEqual(rewardsAfter(accrual, first));
      }),
    );
  });

  const half: Accrual = {
    at: 100n,
    pending: 7n,
    unlocked: 50n * TOKEN,
    locked: 0n,
    total: 100n * TOKEN,
    rate: 2n * TOKEN,
    settledAt: 100n,
  };

  test("are the share of the emission, and four fifths of it for what is locked", () => {
    expect(earnedIn(half, 10n)).toBe(10n * TOKEN);
    expect(rewardsAfter(half, 10n)).toBe(10n * TOKEN + 7n);
    expect(earnedIn({ ...half, unlocked: 0n, locked: 50n * TOKEN }, 10n)).toBe(8n * TOKEN);
  });

  test("are none before the emission begins, where nobody stakes, and for time that has not passed", () => {
    expect(rewardsAfter({ ...half, settledAt: 160n }, 60n)).toBe(7n);
    expect(rewardsAfter({ ...half, settledAt: 160n }, 61n)).toBe(TOKEN + 7n);
    expect(rewardsAfter({ ...half, total: 0n }, 60n)).toBe(7n);
    expect(rewardsAfter(half, -5n)).toBe(7n);
  });
});
