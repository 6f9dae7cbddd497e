/** What deserves attention, from figures alone: each with the facts its words need. Times are Unix seconds. */

import { SECONDS_PER_EPOCH } from "./epochs";
import { basisPoints } from "./units";

const CREDIT_LOW_POINTS = 8_000n;
const DELEGATION_SECONDS = 3 * SECONDS_PER_EPOCH;
const KEY_SECONDS = 7 * SECONDS_PER_EPOCH;

export type Station = "vvv" | "diem";

export type Facts = {
  now: number;
  /** Today's DIEM credit in nano-dollars; null where it is not known. */
  credit: { granted: bigint; left: bigint } | null;
  tickets: readonly { station: Station; amount: bigint; claimableAt: number }[];
  delegations: readonly { id: number; isGiven: boolean; amount: bigint; untilEpoch: number }[];
  keys: readonly { id: string; description: string; expiresAt: number | null }[];
  /** Null where entries are open. */
  pausedUntil: number | null;
  /** Wei of the chain's coin, and what an act of many steps costs at the present price of gas. */
  coin: { balance: bigint; needed: bigint } | null;
};

export type Warning =
  | { kind: "paused"; until: number }
  | { kind: "coinLow"; balance: bigint; needed: bigint }
  | { kind: "creditLow"; granted: bigint; left: bigint }
  | { kind: "ticketsReady"; station: Station; count: number; amount: bigint }
  | { kind: "delegationEnds"; id: number; isGiven: boolean; amount: bigint; at: number }
  | { kind: "keyExpires"; id: string; description: string; at: number };

/** All that deserves attention now, what keeps one from acting first. */
export function warningsOf(facts: Facts): Warning[] {
  return [
    ...paused(facts),
    ...coin(facts),
    ...credit(facts),
    ...tickets(facts),
    ...terms(facts),
    ...keys(facts),
  ];
}

function paused({ pausedUntil, now }: Facts): Warning[] {
  return pausedUntil !== null && now < pausedUntil ? [{ kind: "paused", until: pausedUntil }] : [];
}

function coin({ coin }: Facts): Warning[] {
  return coin !== null && coin.balance < coin.needed ? [{ kind: "coinLow", ...coin }] : [];
}

/** At 80 % used. A day without credit has none that could run out. */
function credit({ credit }: Facts): Warning[] {
  if (credit === null || credit.granted === 0n) return [];
  const used = basisPoints(credit.granted - credit.left, credit.granted);
  return used >= CREDIT_LOW_POINTS ? [{ kind: "creditLow", ...credit }] : [];
}

/** One for each station, whatever the number of its tickets. */
function tickets({ tickets, now }: Facts): Warning[] {
  const stations: Station[] = ["vvv", "diem"];
  return stations.flatMap((station) => {
    const ready = tickets.filter((each) => each.station === station && each.claimableAt <= now);
    const amount = ready.reduce((sum, each) => sum + each.amount, 0n);
    return ready.length === 0
      ? []
      : [{ kind: "ticketsReady" as const, station, count: ready.length, amount }];
  });
}

/** A delegation goes on after its term; but the giver may end it from then on. */
function terms({ delegations, now }: Facts): Warning[] {
  return delegations.flatMap(({ id, isGiven, amount, untilEpoch }) => {
    const at = untilEpoch * SECONDS_PER_EPOCH;
    return at > now && at - now <= DELEGATION_SECONDS
      ? [{ kind: "delegationEnds" as const, id, isGiven, amount, at }]
      : [];
  });
}

/** A key that has expired already says so where keys are. */
function keys({ keys, now }: Facts): Warning[] {
  return keys.flatMap(({ id, description, expiresAt }) =>
    expiresAt !== null && expiresAt > now && expiresAt - now <= KEY_SECONDS
      ? [{ kind: "keyExpires" as const, id, description, at: expiresAt }]
      : [],
  );
}
