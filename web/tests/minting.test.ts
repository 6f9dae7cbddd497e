import fc from "fast-check";
import { describe, expect, test } from "vitest";
import vectors from "../../tests/core/vectors/curve_contract.json";
import { cap, lockFor } from "../src/core/curve";
import { across, frameOf, linesOf, pathOf, supplyTicks, upAt, type View } from "../src/core/curveview";
import {
  amountAt,
  impact,
  leastMinted,
  mostLocked,
  perDiem,
  quoteAmount,
  quoteLock,
  reachFor,
  renewal,
  STEPS,
  stepOf,
  unlockFor,
} from "../src/core/minting";

const TOKEN = 10n ** 18n;
const curve = { supply: 37_700n * TOKEN, target: 40_000n * TOKEN };
const amounts = fc.bigInt({ min: 1n, max: 2_000n * TOKEN });
const tolerances = fc.constantFrom(0n, 10n, 50n, 100n, 500n);

describe("a quote", () => {
  test("by DIEM and by VVV is what the contract answers, to the wei", () => {
    for (const line of vectors.cases) {
      const [target = 0n, supply = 0n, lock = 0n, , amount = 0n, locked = 0n] = line.map(BigInt);
      const found = quoteLock(lock, { supply, target });
      expect(found?.amount ?? 0n).toBe(amount);
      if (found !== null) {
        expect(found.locked).toBe(locked);
        expect(quoteAmount(amount, { supply, target })).toEqual(found);
      }
    }
  });

  test("says the average between the rates before and after, and how far the price moves", () => {
    const quote = quoteAmount(1_000n * TOKEN, curve);
    if (quote === null) throw new Error("there is room for it");
    expect(quote.average).toBeGreaterThan(quote.rateBefore);
    expect(quote.average).toBeLessThan(quote.rateAfter);
    expect(impact(quote)).toBe(((quote.rateAfter - quote.rateBefore) * 10_000n) / quote.rateBefore);
  });

  test("ends at the cap: one wei more has no answer, and a lock of everything buys what is left", () => {
    const room = cap(curve.target) - curve.supply;
    expect(quoteAmount(room, curve)).not.toBeNull();
    expect(quoteAmount(room + 1n, curve)).toBeNull();
    expect(quoteLock(10n ** 40n, curve)?.amount).toBe(room);
    expect(quoteLock(TOKEN, { supply: cap(curve.target), target: curve.target })).toBeNull();
    expect(quoteAmount(0n, curve)).toBeNull();
  });

  test("a tolerance never asks for more than it says, and none asks for exactly the quote", () => {
    fc.assert(
      fc.property(amounts, tolerances, (amount, tolerance) => {
        expect((mostLocked(amount, tolerance) - amount) * 10_000n).toBeLessThanOrEqual(amount * tolerance);
        expect((amount - leastMinted(amount, tolerance)) * 10_000n).toBeLessThanOrEqual(amount * tolerance);
        expect(mostLocked(amount, 0n)).toBe(amount);
        expect(leastMinted(amount, 0n)).toBe(amount);
      }),
    );
  });
});

describe("a burn", () => {
  test("gives back pro rata of one's own lock, rounded down, and all of it at the end", () => {
    fc.assert(
      fc.property(amounts, amounts, amounts, (locked, minted, part) => {
        const amount = part % (minted + 1n);
        const back = unlockFor({ locked, minted }, amount);
        expect(back * minted).toBeLessThanOrEqual(locked * amount);
        expect((back + 1n) * minted).toBeGreaterThan(locked * amount);
        expect(unlockFor({ locked, minted }, minted)).toBe(locked);
      }),
    );
    expect(unlockFor({ locked: 0n, minted: 0n }, TOKEN)).toBe(0n);
  });

  test("right after a mint gives back what it locked", () => {
    const quote = quoteAmount(20n * TOKEN, curve);
    expect(unlockFor({ locked: quote?.locked ?? 0n, minted: 20n * TOKEN }, 20n * TOKEN)).toBe(quote?.locked);
    expect(perDiem(quote?.locked ?? 0n, 20n * TOKEN)).toBe(quote?.average);
    expect(perDiem(5n, 0n)).toBe(0n);
  });

  test("the same DIEM anew costs what the curve says now, and nothing can be said above the cap", () => {
    const position = { locked: TOKEN, minted: 20n * TOKEN };
    expect(renewal(position, curve)).toBe(lockFor(position.minted, curve.supply, curve.target));
    expect(renewal({ ...position, minted: cap(curve.target) }, curve)).toBeNull();
  });
});

describe("the handle", () => {
  test("reaches from nothing to a round number that covers what can be minted, in even steps", () => {
    expect(reachFor(0n)).toBe(TOKEN);
    expect(reachFor(20n * TOKEN + 1n)).toBe(50n * TOKEN);
    expect(reachFor(50n * TOKEN)).toBe(50n * TOKEN);
    expect(reachFor(51n * TOKEN)).toBe(100n * TOKEN);
    expect(amountAt(STEPS, 50n * TOKEN, 30n * TOKEN)).toBe(30n * TOKEN);
  });

  test("stands where the amount is, and moving it there says the same amount", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: STEPS }), amounts, (step, amount) => {
        const reach = reachFor(amount);
        expect(stepOf(amountAt(step, reach, reach), reach)).toBe(step);
        expect(amountAt(stepOf(amount, reach), reach, reach)).toBeLessThanOrEqual(amount);
      }),
    );
    expect(stepOf(3n * TOKEN, 2n * TOKEN)).toBe(STEPS);
  });
});

describe.each<View>(["near", "whole"])("the picture of the curve, %s", (view) => {
  const places = fc.bigInt({ min: 0n, max: cap(curve.target) });
  const reaches = fc.bigInt({ min: TOKEN, max: 22_000n * TOKEN });

  test("has the present supply in it, and a line that never falls and never leaves it", () => {
    fc.assert(
      fc.property(places, reaches, (supply, reach) => {
        const frame = frameOf(view, { ...curve, supply }, reach);
        const path = pathOf(frame);
        expect(across(supply, frame)).toBeGreaterThanOrEqual(0);
        expect(across(supply, frame)).toBeLessThanOrEqual(1_000_000);
        for (const [index, point] of path.entries()) {
          expect(point.y).toBeGreaterThanOrEqual(path[index - 1]?.y ?? 0);
          expect(point.y).toBeLessThanOrEqual(1_000_000);
        }
        expect(path.at(-1)?.x).toBe(1_000_000);
      }),
      { numRuns: 20 },
    );
  });

  test("a line of its scale crosses the curve where the rate is what the line says", () => {
    const frame = frameOf(view, curve, 2_000n * TOKEN);
    const lines = linesOf(frame);
    expect(lines.length).toBeGreaterThan(2);
    for (const { at, value } of lines.slice(1)) {
      let low = frame.low;
      let high = frame.high;
      while (high - low > 1_000n) {
        const middle = (low + high) / 2n;
        if (upAt(middle, frame) < at) low = middle;
        else high = middle;
      }
      if (low === frame.low || high === frame.high) continue;
      const found = quoteAmount(1_000n, { supply: low, target: curve.target });
      const away = ((found?.rateBefore ?? 0n) - value) / (value / 1_000n);
      expect(away < 0n ? -away : away).toBeLessThanOrEqual(1n);
    }
  });

  test("has a handful of round supplies below it", () => {
    const ticks = supplyTicks(frameOf(view, curve, 20n * TOKEN));
    expect(ticks.length).toBeGreaterThanOrEqual(2);
    expect(ticks.length).toBeLessThanOrEqual(6);
  });
});
