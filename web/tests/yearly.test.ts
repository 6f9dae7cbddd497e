import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { basisPoints, WEI_PER_TOKEN } from "../src/core/units";
import { yearlyRates, yearlyReward } from "../src/core/yearly";

const EMISSION = 79_274_479_959_411_466n;
const STAKED = 35_000_000n * WEI_PER_TOKEN;

describe("the yearly rate", () => {
  test("is a year's emission by all that is staked, and 80 % of it for locked stake", () => {
    expect(yearlyRates(EMISSION, STAKED)).toEqual({ unlocked: 714n, locked: 571n });
    expect(yearlyRates(0n, STAKED)).toEqual({ unlocked: 0n, locked: 0n });
  });

  test("is none where nothing is staked: nothing is emitted then", () => {
    expect(yearlyRates(EMISSION, 0n)).toBeNull();
    expect(yearlyReward(0n, 0n, EMISSION, 0n)).toBe(0n);
  });

  test("of all stake together is never more than the emission, and is the rate that is shown", () => {
    const wei = fc.bigInt({ min: 0n, max: 10n ** 27n });
    fc.assert(
      fc.property(wei, wei, fc.bigInt({ min: 0n, max: 10n ** 20n }), (unlocked, locked, emission) => {
        const total = unlocked + locked;
        const earned = yearlyReward(unlocked, locked, emission, total);
        expect(earned).toBeLessThanOrEqual(emission * 31_536_000n);
        const rates = yearlyRates(emission, total);
        if (rates !== null && locked === 0n) {
          expect(basisPoints(earned, total) - rates.unlocked).toBeLessThanOrEqual(0n);
          expect(rates.unlocked - basisPoints(earned, total)).toBeLessThanOrEqual(1n);
        }
      }),
    );
  });
});
