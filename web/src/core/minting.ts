/**
 * What a mint locks and a burn gives back, before either is signed. DIEM and VVV are wei; a rate is wei of VVV for
 * one whole DIEM. Each figure rounds as the contract does; a bound for the wallet rounds against moving it.
 */
import { amountFor, cap, lockFor, rate } from "./curve";
import { basisPoints, WEI_PER_TOKEN } from "./units";

const POINTS = 10_000n;
/** In how many steps a handle goes along its reach. */
export const STEPS = 1_000;

/** Where the curve stands: DIEM that exists, and the target it is drawn for. */
export type Curve = { supply: bigint; target: bigint };
/** What a mint would do now. */
export type Quote = {
  amount: bigint;
  locked: bigint;
  /** VVV for each DIEM of this mint. */
  average: bigint;
  rateBefore: bigint;
  rateAfter: bigint;
};
/** Locked against what was minted, of one account. */
export type Position = { locked: bigint; minted: bigint };

/** A mint of exactly `amount`; null where it would pass the cap. */
export function quoteAmount(amount: bigint, { supply, target }: Curve): Quote | null {
  if (amount <= 0n || supply + amount > cap(target)) return null;
  return quoted(amount, lockFor(amount, supply, target), { supply, target });
}

/** The most that a lock of `lock` mints, up to the cap; null where that is nothing. */
export function quoteLock(lock: bigint, { supply, target }: Curve): Quote | null {
  if (lock <= 0n || supply >= cap(target)) return null;
  const { amount, locked } = amountFor(lock, supply, target);
  return amount === 0n ? null : quoted(amount, locked, { supply, target });
}

function quoted(amount: bigint, locked: bigint, { supply, target }: Curve): Quote {
  return {
    amount,
    locked,
    average: perDiem(locked, amount),
    rateBefore: rate(supply, target),
    rateAfter: rate(supply + amount, target),
  };
}

/** By how much a mint raises the price of the next DIEM, in hundredths of a percent, floored. */
export function impact(quote: Quote): bigint {
  return basisPoints(quote.rateAfter - quote.rateBefore, quote.rateBefore);
}

/** VVV for each whole DIEM, floored; 0 where there is no DIEM. */
export function perDiem(locked: bigint, amount: bigint): bigint {
  return amount === 0n ? 0n : (locked * WEI_PER_TOKEN) / amount;
}

/** The most VVV that a mint may lock with so much tolerance, floored. */
export function mostLocked(locked: bigint, tolerance: bigint): bigint {
  return locked + (locked * tolerance) / POINTS;
}

/** The least DIEM that a mint must give with so much tolerance, rounded up. */
export function leastMinted(amount: bigint, tolerance: bigint): bigint {
  return amount - (amount * tolerance) / POINTS;
}

/** What burning sets free of the burner's own lock, floored; a full burn sets all of it free. */
export function unlockFor({ locked, minted }: Position, amount: bigint): bigint {
  return minted === 0n ? 0n : (locked * amount) / minted;
}

/** What minting as much as the position once more would lock now; null where the cap leaves no room for it. */
export function renewal({ minted }: Position, { supply, target }: Curve): bigint | null {
  return supply + minted > cap(target) ? null : lockFor(minted, supply, target);
}

/** The smallest 1, 2 or 5 times a power of ten that is at least `amount`, and at least one whole DIEM. */
export function reachFor(amount: bigint): bigint {
  const wanted = amount < WEI_PER_TOKEN ? WEI_PER_TOKEN : amount;
  const power = 10n ** BigInt(wanted.toString().length - 1);
  return [1n, 2n, 5n].map((factor) => factor * power).find((each) => each >= wanted) ?? 10n * power;
}

/** The amount at a step of a handle, and not beyond what the cap leaves. */
export function amountAt(step: number, reach: bigint, room: bigint): bigint {
  const amount = (reach * BigInt(step)) / BigInt(STEPS);
  return amount > room ? room : amount;
}

/** The step nearest below an amount; the last one where it lies beyond the reach. */
export function stepOf(amount: bigint, reach: bigint): number {
  const step = (amount * BigInt(STEPS)) / reach;
  return step > BigInt(STEPS) ? STEPS : Number(step);
}
