/** API keys: in which state one is, what it has used of its limits, and what a person may ask of one. */

import { SECONDS_PER_EPOCH } from "./epochs";
import { basisPoints, CREDIT_DECIMALS, type Parsed, parseAmount } from "./units";

export type LimitPeriod = "epoch" | "month" | "lifetime";
export type ModelPrivacy = "ALL" | "PRIVATE_TEXT" | "PRIVATE_ONLY";
export type KeyKind = "INFERENCE" | "ADMIN";
export type KeyState = "active" | "paused" | "suspended" | "expired" | "expiring";

/** What a key may spend in each period, in nano-dollars; null for no limit of its own. */
export type KeyLimits = { diem: bigint | null; usd: bigint | null; period: LimitPeriod };

/** A key as it stands. Times are Unix seconds, `spent` is of the limits' running period. */
export type ApiKey = {
  id: string;
  description: string;
  kind: KeyKind;
  lastSix: string;
  limits: KeyLimits;
  privacy: ModelPrivacy;
  createdAt: number;
  expiresAt: number | null;
  suspendedAt: number | null;
  pausedAt: number | null;
  rotatedAt: number | null;
  lastUsedAt: number | null;
  spent: { diem: bigint; usd: bigint };
};

/** What is asked of a key that is made or changed. */
export type KeyWish = Pick<ApiKey, "description" | "limits" | "privacy" | "expiresAt">;

/** The longest description that the service keeps. */
export const LONGEST_DESCRIPTION = 64;
/** The largest amount that the service takes, in nano-dollars: what JSON's numbers carry exactly. */
export const LARGEST_LIMIT = 2n ** 53n - 1n;
const EXPIRING_SECONDS = 7 * SECONDS_PER_EPOCH;

/** In which state a key is; whatever refuses it comes before what only warns. */
export function stateOf(key: ApiKey, now: number): KeyState {
  if (key.suspendedAt !== null) return "suspended";
  if (key.expiresAt !== null && now >= key.expiresAt) return "expired";
  if (key.pausedAt !== null) return "paused";
  return key.expiresAt !== null && key.expiresAt - now <= EXPIRING_SECONDS ? "expiring" : "active";
}

/** How much of a limit is used, 0 to 10,000. A limit of nothing is used up. */
export function usedPoints(spent: bigint, limit: bigint): bigint {
  if (limit <= 0n || spent >= limit) return 10_000n;
  return basisPoints(spent, limit);
}

export type ParsedLimit = { ok: true; value: bigint | null } | Extract<Parsed, { ok: false }>;

/** A limit in dollars as a person types it: nothing for no limit, and zero is a limit too. */
export function parseLimit(text: string): ParsedLimit {
  const parsed = parseAmount(text, CREDIT_DECIMALS);
  if (parsed.ok) return parsed.value > LARGEST_LIMIT ? { ok: false, reason: "tooLarge" } : parsed;
  if (parsed.reason === "empty") return { ok: true, value: null };
  if (parsed.reason === "zero") return { ok: true, value: 0n };
  return parsed;
}

/** The moment at which a key ends whose last day (UTC) is `2026-11-22`; null where that is no day. */
export function endOfLastDay(date: string): number | null {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(date);
  if (match === null) return null;
  const start = Date.UTC(Number(match[1]), Number(match[2]) - 1, Number(match[3])) / 1_000;
  return new Date(start * 1_000).toISOString().slice(0, 10) === date ? start + SECONDS_PER_EPOCH : null;
}

/** The last day (UTC) on which a key that ends at `expiresAt` works, as a date field has it. */
export function lastDay(expiresAt: number | null): string {
  return expiresAt === null ? "" : new Date((expiresAt - 1) * 1_000).toISOString().slice(0, 10);
}

/** Only what differs, as the service takes it: what is left out stays as it is. */
export function changesOf(before: KeyWish, after: KeyWish) {
  const limits = {
    ...(before.limits.diem === after.limits.diem ? {} : { diem: wireAmount(after.limits.diem) }),
    ...(before.limits.usd === after.limits.usd ? {} : { usd: wireAmount(after.limits.usd) }),
    ...(before.limits.period === after.limits.period ? {} : { period: after.limits.period }),
  };
  return {
    ...(before.description === after.description ? {} : { description: after.description }),
    ...(Object.keys(limits).length === 0 ? {} : { limits }),
    ...(before.privacy === after.privacy ? {} : { model_privacy: after.privacy }),
    ...(before.expiresAt === after.expiresAt ? {} : { expires_at: after.expiresAt }),
  };
}

/** An amount as JSON carries it: an integer, exactly. Throws RangeError where it could not. */
export function wireAmount(nano: bigint | null): number | null {
  if (nano === null) return null;
  if (nano < 0n || nano > LARGEST_LIMIT) throw new RangeError(`${nano} nano-dollars do not fit into JSON`);
  return Number(nano);
}
