/**
 * Answers of the service as the page uses them: amounts as bigint, and nothing believed that has another form than
 * was agreed. Whatever does not is an error of the question, as a refusal is, and no page breaks by it.
 */

import type { ApiKey } from "../core/keys";
import type { Analytics, Explanation, HoldTold, Refusal, Sums, UsageRecord } from "../core/usage";
import type { AnalyticsOut, ExplanationsOut, KeyOut, UsageOut } from "../generated/api";
import { texts } from "../texts/en";
import { ServiceError } from "./client";

/** What `read` makes of an answer. Throws ServiceError (`malformed`) where it cannot be read. */
export function understood<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    const detail = texts.service.malformed;
    throw new ServiceError({ status: 0, code: "malformed", detail, figures: { reason: String(error) } });
  }
}

/** Nano-dollars. Throws TypeError unless it is an integer that JSON carries exactly. */
export function amount(value: unknown): bigint {
  return BigInt(whole(value));
}

/** A count or a Unix time. Throws TypeError unless it is an integer that JSON carries exactly. */
export function whole(value: unknown): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value)) throw new TypeError("not an integer");
  return value;
}

/** An amount as decimal text. Throws TypeError unless it is one. */
export function wholeText(value: unknown): bigint {
  if (typeof value !== "string" || !/^[0-9]{1,78}$/.test(value)) throw new TypeError("not decimal text");
  return BigInt(value);
}

/** A text. Throws TypeError unless it is one. */
export function words(value: unknown): string {
  if (typeof value !== "string") throw new TypeError("not a text");
  return value;
}

/** Null, or what `read` makes of it. */
export function optional<T>(value: unknown, read: (value: unknown) => T): T | null {
  return value === null || value === undefined ? null : read(value);
}

export function keyOf(told: KeyOut): ApiKey {
  return {
    id: words(told.id),
    description: words(told.description),
    kind: told.type,
    lastSix: words(told.last_six),
    limits: {
      diem: optional(told.limits.diem, amount),
      usd: optional(told.limits.usd, amount),
      period: told.limits.period ?? "epoch",
    },
    privacy: told.model_privacy,
    createdAt: whole(told.created_at),
    expiresAt: optional(told.expires_at, whole),
    suspendedAt: optional(told.suspended_at, whole),
    pausedAt: optional(told.paused_at, whole),
    rotatedAt: optional(told.rotated_at, whole),
    lastUsedAt: optional(told.last_used_at, whole),
    spent: { diem: amount(told.spent.diem), usd: amount(told.spent.usd) },
  };
}

function sumsOf(told: AnalyticsOut["by_day"][number]): Sums {
  return {
    name: optional(told.name, words),
    epoch: optional(told.epoch, whole),
    diem: amount(told.diem),
    usd: amount(told.usd),
    requests: whole(told.requests),
    inputTokens: whole(told.input_tokens),
    outputTokens: whole(told.output_tokens),
    images: whole(told.images),
  };
}

export function analyticsOf(told: AnalyticsOut): Analytics {
  return {
    first: whole(told.first_epoch),
    last: whole(told.last_epoch),
    byDay: told.by_day.map(sumsOf),
    byModel: told.by_model.map(sumsOf),
    byKey: told.by_key.map(sumsOf),
  };
}

export function recordOf(told: UsageOut): UsageRecord {
  return {
    requestId: words(told.request_id),
    holdId: words(told.hold_id),
    number: whole(told.number),
    keyId: words(told.key_id),
    model: optional(told.model, words),
    at: whole(told.at),
    inputTokens: optional(told.input_tokens, whole),
    outputTokens: optional(told.output_tokens, whole),
    images: optional(told.images, whole),
    latencyMs: optional(told.latency_ms, whole),
    status: optional(told.status, whole),
    diem: amount(told.diem),
    usd: amount(told.usd),
    shortfall: amount(told.shortfall),
  };
}

export function explanationsOf(told: ExplanationsOut): Explanation[] {
  return told.found.map((each) => ({
    hold: each.hold === null ? null : holdOf(each.hold),
    journal: each.journal.map((line) => ({
      kind: words(line.kind),
      at: whole(line.at),
      from: words(line.source),
      to: words(line.target),
      amount: amount(line.amount),
    })),
    usage: each.usage.map(recordOf),
  }));
}

function holdOf(told: NonNullable<ExplanationsOut["found"][number]["hold"]>): HoldTold {
  return {
    id: words(told.hold_id),
    keyId: words(told.key_id),
    kind: words(told.kind),
    state: words(told.state),
    amount: amount(told.amount),
    captured: amount(told.captured),
    shortfall: amount(told.shortfall),
    model: optional(told.model, words),
    createdAt: whole(told.created_at),
    expiresAt: whole(told.expires_at),
    funding: told.funded_by.map((part) => ({ source: words(part.source), amount: amount(part.amount) })),
    refusal: told.refusal === null ? null : refusalOf(told.refusal),
  };
}

function refusalOf(told: Record<string, unknown>): Refusal {
  const figures = () => ({
    wanted: amount(told.wanted),
    available: amount(told.available),
    resetsAt: optional(told.resets_at, whole),
  });
  const name = words(told.error);
  if (name === "InsufficientCredit") return { why: "account", ...figures() };
  if (name !== "KeyLimitReached") return { why: "other", name };
  return { why: "keyLimit", limit: words(told.limit), period: words(told.period), ...figures() };
}
