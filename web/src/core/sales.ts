/** What CreditSales sells: credit by the dollar, and months of a membership. The contract has the same figures. */

import { SECONDS_PER_EPOCH } from "./epochs";

/** A month of a membership (CreditSales' MONTH). */
export const MONTH_SECONDS = 30 * SECONDS_PER_EPOCH;
/** The most months in one purchase (CreditSales' MONTHS_MAXIMUM). */
export const MONTHS_MAX = 12;
/** A unit of USDC (six decimals) buys so many nano-dollars of credit. */
const NANO_USD_PER_USDC_UNIT = 1_000n;

/** The credit for so many units of USDC, in nano-dollars. */
export function creditFor(usdc: bigint): bigint {
  return usdc * NANO_USD_PER_USDC_UNIT;
}

/** Where a membership ends after so many more months: they begin where it ends now, or at once. Unix seconds. */
export function endAfter(months: number, memberUntil: number, now: number): number {
  return Math.max(now, memberUntil) + months * MONTH_SECONDS;
}

/** When what is sent now will be final, about: as far ahead as finality lags now, and one block more. */
export function finalAt(
  now: number,
  head: number | null,
  final: number | null,
  blockSeconds: number,
): number {
  const lag = head === null || final === null ? 0 : Math.max(0, head - final);
  return now + (lag + 1) * Math.max(1, blockSeconds);
}
