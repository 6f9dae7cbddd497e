import fc from "fast-check";
import { describe, expect, test } from "vitest";
import vectors from "../../tests/core/vectors/curve_contract.json";
import { amountFor, cap, lockFor, potential, rate } from "../src/core/curve";

const TOKEN = 10n ** 18n;
const T = 40_000n * TOKEN;
describe("the curve", () => {
  test("answers what the contract answers, to the wei", () => {
    expect(vectors.columns).toEqual(["target", "supply", "lock", "potential", "amount", "locked"]);
    expect(vectors.cases.length).toBeGreaterThan(100);
    for (const line of vectors.cases) {
      const [target, supply, lock, reached, amount, locked] = line.map(BigInt) as [bigint, ...bigint[]];
      expect(potential(supply ?? 0n, target)).toBe(reached);
      expect(amountFor(lock ?? 0n, supply ?? 0n, target)).toEqual({ amount, locked });
    }
  });

  test("any way of splitting a mint locks the same, and the rate never falls", () => {
    const supply = fc.bigInt({ min: 0n, max: T });
    const part = fc.bigInt({ min: 0n, max: T / 4n });
    fc.assert(
      fc.property(supply, part, part, (at, first, second) => {
        expect(lockFor(first, at, T) + lockFor(second, at + first, T)).toBe(lockFor(first + second, at, T));
        expect(rate(at + first, T)).toBeGreaterThanOrEqual(rate(at, T));
      }),
      { numRuns: 50 },
    );
  });

  test("above the cap it refuses", () => {
    expect(() => potential(cap(T) + 1n, T)).toThrow(RangeError);
  });
});
