/**
 * The mint curve: what minting DIEM locks. The same steps as MintCurve.sol, and so the same wei.
 *
 *     rate(S) = 90 * sum of y^n / n!             F(S) = 90 * S * sum of y^n / (n! * (3n + 1)),   y = 2 (S/T)^3
 *
 * Minting d at supply S locks F(S+d) - F(S). 1e27 fixed point; each step rounds down.
 */

const RAY = 10n ** 27n;
const BASE = 90n;
const POWER = 2n;
const POTENTIAL_ERROR = 128n;
/** More than all terms of the slope together lose by rounding, in units of 1e-27. */
const SLOPE_ERROR = 100_000_000n;
const ROUNDS_MAX = 32;
/** 54 do not vanish at the cap. */
const TERMS_MAX = 64n;
const LOCK_MAX = 2n ** 128n - 1n;

/** The largest supply at `target`. */
export function cap(target: bigint): bigint {
  return target + target / 2n;
}

/** Wei of sVVV for one whole DIEM at the margin. Throws RangeError above the cap. */
export function rate(supply: bigint, target: bigint): bigint {
  return potentialAndSlope(supply, target)[1] / 10n ** 9n;
}

/** F(supply), wei of sVVV. Throws RangeError above the cap. */
export function potential(supply: bigint, target: bigint): bigint {
  return potentialAndSlope(supply, target)[0];
}

/** Wei of sVVV that minting `amount` wei of DIEM locks. Throws RangeError above the cap. */
export function lockFor(amount: bigint, supply: bigint, target: bigint): bigint {
  return potential(supply + amount, target) - potential(supply, target);
}

/** The most DIEM that a lock mints, up to the cap, and what it does lock: Newton's method from above. */
export function amountFor(lock: bigint, supply: bigint, target: bigint): { amount: bigint; locked: bigint } {
  const wanted = lock > LOCK_MAX ? LOCK_MAX : lock;
  const [start, slopeAtStart] = potentialAndSlope(supply, target);
  const room = cap(target) - supply;
  let amount = ((wanted + POTENTIAL_ERROR) * RAY) / slopeAtStart;
  if (amount > room) amount = room;
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const [reached, slope] = potentialAndSlope(supply + amount, target);
    const locked = reached - start;
    if (locked <= wanted) return { amount, locked };
    const excess = locked - wanted;
    const divisor = slope + SLOPE_ERROR;
    const step = excess > POTENTIAL_ERROR ? ((excess - POTENTIAL_ERROR) * RAY + divisor - 1n) / divisor : 1n;
    amount -= step;
  }
  throw new Error("the search does not end: a bug, never a state");
}

function potentialAndSlope(supply: bigint, target: bigint): [bigint, bigint] {
  if (supply < 0n || supply > cap(target))
    throw new RangeError(`supply ${supply} is above the cap ${cap(target)}`);
  const ratio = (supply * RAY) / target;
  const y = POWER * ((((ratio * ratio) / RAY) * ratio) / RAY);
  let sum = RAY;
  let term = RAY;
  let slope = RAY;
  for (let n = 1n; n <= TERMS_MAX; n++) {
    term = (term * y) / (n * RAY);
    if (term === 0n) return [(supply * BASE * sum) / RAY, BASE * slope];
    sum += term / (3n * n + 1n);
    slope += term;
  }
  throw new Error("the series does not end: a bug, never a state");
}
