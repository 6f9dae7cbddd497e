/**
 * Amounts as the chain and the ledger have them, bigint from there to the screen: wei of a token (18 decimals),
 * units of USDC (6), nano-dollars of credit (9). What is shown is cut, never rounded up, and never passes a float.
 */

export const TOKEN_DECIMALS = 18;
export const USDC_DECIMALS = 6;
export const CREDIT_DECIMALS = 9;
export const WEI_PER_TOKEN = 10n ** 18n;
/** One wei of DIEM gives this fraction of a nano-dollar a day: 1 DIEM is $1. */
export const WEI_PER_NANO_USD = 10n ** 9n;
const UINT256_MAX = 2n ** 256n - 1n;
const LONGEST_INPUT = 128;
/** The whole part, in one piece or in groups of three that one sign parts, and the decimals. */
const AMOUNT = /^(\d*|[1-9]\d{0,2}([, _])\d{3}(?:\2\d{3})*)(?:\.(\d*))?$/;

/** An amount with its digits grouped, cut to so many decimals; `least` of them are always shown. */
export function show(amount: bigint, decimals: number, shown: number, least = 0): string {
  const sign = amount < 0n ? "-" : "";
  const digits = (amount < 0n ? -amount : amount).toString().padStart(decimals + 1, "0");
  const whole = digits.slice(0, digits.length - decimals);
  const rest = digits
    .slice(digits.length - decimals)
    .slice(0, shown)
    .replace(/0+$/, "")
    .padEnd(least, "0");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return `${sign}${grouped}${rest === "" ? "" : `.${rest}`}`;
}

/** Wei as tokens: `1,234.5678`. Something too small to be seen is `<0.0001`, never `0`. */
export function tokens(wei: bigint, shown = 4): string {
  const least = 10n ** BigInt(TOKEN_DECIMALS - shown);
  if (wei > 0n && wei < least) return `<${show(least, TOKEN_DECIMALS, shown)}`;
  return show(wei, TOKEN_DECIMALS, shown);
}

/** Every digit of an amount of wei, for what a person checks before signing. */
export function exactTokens(wei: bigint): string {
  return show(wei, TOKEN_DECIMALS, TOKEN_DECIMALS);
}

/** Nano-dollars as dollars: `$1.00`, and `$0.000123` where cents would say nothing. */
export function dollars(nano: bigint, shown = 2): string {
  const magnitude = nano < 0n ? -nano : nano;
  const places = magnitude > 0n && magnitude < 10n ** 7n ? CREDIT_DECIMALS : shown;
  const sign = nano < 0n ? "-" : "";
  return `${sign}$${show(magnitude, CREDIT_DECIMALS, places, 2)}`;
}

/** Units of USDC: `12.50`. */
export function usdc(units: bigint): string {
  return show(units, USDC_DECIMALS, USDC_DECIMALS, 2);
}

/** A share in hundredths of a percent, floored; 0 where there is no whole. */
export function basisPoints(part: bigint, whole: bigint): bigint {
  return whole <= 0n ? 0n : (part * 10_000n) / whole;
}

/** Hundredths of a percent as `12.34 %`. */
export function percent(points: bigint, shown = 2): string {
  return `${show(points, 2, shown)} %`;
}

/** What DIEM wei are worth in credit a day, in nano-dollars, floored. */
export function dailyCredit(diemWei: bigint): bigint {
  return diemWei / WEI_PER_NANO_USD;
}

export type Parsed = { ok: true; value: bigint } | { ok: false; reason: AmountProblem; detail?: string };
export type AmountProblem = "empty" | "notANumber" | "tooManyDecimals" | "tooLarge" | "zero";

/**
 * An amount as a person types it: digits, one point, and commas or spaces that group by threes before it. No exponent,
 * sign or hex: whatever is not plainly an amount is refused with the reason, never guessed. So is `0,500`, by which half
 * of one is meant in many countries, and `1.234,567`.
 */
export function parseAmount(text: string, decimals: number): Parsed {
  const trimmed = text.trim();
  if (trimmed === "") return { ok: false, reason: "empty" };
  if (trimmed.length > LONGEST_INPUT) return { ok: false, reason: "tooLarge" };
  const match = AMOUNT.exec(trimmed);
  if (match === null || (!match[1] && !match[3])) return { ok: false, reason: "notANumber" };
  const rest = (match[3] ?? "").replace(/0+$/, "");
  if (rest.length > decimals) return { ok: false, reason: "tooManyDecimals", detail: String(decimals) };
  const value = BigInt((match[1] || "0").replace(/\D/g, "") + rest.padEnd(decimals, "0"));
  if (value > UINT256_MAX) return { ok: false, reason: "tooLarge" };
  if (value === 0n) return { ok: false, reason: "zero" };
  return { ok: true, value };
}

/** An amount as a person would type it again: every digit, no grouping. */
export function plain(amount: bigint, decimals: number): string {
  return show(amount, decimals, decimals).replaceAll(",", "");
}
