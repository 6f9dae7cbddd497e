/** What was charged, and why: sums, single requests, and the answer to "why was this charged or refused". */

import { day } from "./epochs";

/** What some requests come to; nano-dollars. `name` is a model's or a key's id, null where it was not told. */
export type Sums = {
  name: string | null;
  epoch: number | null;
  diem: bigint;
  usd: bigint;
  requests: number;
  inputTokens: number;
  outputTokens: number;
  images: number;
};

export type Analytics = { first: number; last: number; byDay: Sums[]; byModel: Sums[]; byKey: Sums[] };

/** A request that was charged: all that is kept of it. */
export type UsageRecord = {
  requestId: string;
  holdId: string;
  number: number;
  keyId: string;
  model: string | null;
  at: number;
  inputTokens: number | null;
  outputTokens: number | null;
  /** How many were made; null where the gateway told none. */
  images: number | null;
  latencyMs: number | null;
  status: number | null;
  diem: bigint;
  usd: bigint;
  shortfall: bigint;
};

/** What is known of one request: how its credit was set aside, and what became of it. */
export type Explanation = {
  hold: HoldTold | null;
  journal: { kind: string; at: number; from: string; to: string; amount: bigint }[];
  usage: UsageRecord[];
};

export type HoldTold = {
  id: string;
  keyId: string;
  kind: string;
  state: string;
  amount: bigint;
  captured: bigint;
  shortfall: bigint;
  model: string | null;
  createdAt: number;
  expiresAt: number;
  funding: { source: string; amount: bigint }[];
  refusal: Refusal | null;
};

/** Why credit was refused, with the figures of that moment. */
export type Refusal =
  | { why: "account"; wanted: bigint; available: bigint; resetsAt: number | null }
  | {
      why: "keyLimit";
      limit: string;
      period: string;
      wanted: bigint;
      available: bigint;
      resetsAt: number | null;
    }
  | { why: "other"; name: string };

export type Outcome = "charged" | "refused" | "returned" | "expired" | "underWay" | "leased";

/** What became of a request, in one word. */
export function outcomeOf({ hold }: Explanation): Outcome {
  if (hold === null) return "leased";
  if (hold.state === "refused") return "refused";
  if (hold.captured > 0n || hold.state === "captured") return "charged";
  if (hold.state === "released") return "returned";
  return hold.state === "expired" ? "expired" : "underWay";
}

/** What both currencies come to. */
export function charged(sums: { diem: bigint; usd: bigint }): bigint {
  return sums.diem + sums.usd;
}

/** Every day from `first` to `last`, oldest first, with zeros where nothing was charged. */
export function everyDay({ first, last, byDay }: Analytics): (Sums & { epoch: number; day: string })[] {
  const found = new Map(byDay.map((sums) => [sums.epoch, sums]));
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => {
    const epoch = first + index;
    const none = { name: null, diem: 0n, usd: 0n, requests: 0, inputTokens: 0, outputTokens: 0, images: 0 };
    return { ...(found.get(epoch) ?? none), epoch, day: day(epoch) };
  });
}

/** Tables of several pages as one: the header is that of the first. */
export function joinTables(pages: readonly string[]): string {
  return pages.map((page, index) => (index === 0 ? page : page.slice(page.indexOf("\n") + 1))).join("");
}
