import { describe, expect, test } from "vitest";
import { type Facts, warningsOf } from "../src/core/warnings";

const DAY = 86_400;
const NOW = 20_779 * DAY + 3_600;
const NOTHING: Facts = {
  now: NOW,
  credit: null,
  tickets: [],
  delegations: [],
  keys: [],
  pausedUntil: null,
  coin: null,
};

function kinds(change: Partial<Facts>): string[] {
  return warningsOf({ ...NOTHING, ...change }).map((each) => each.kind);
}

describe("what deserves attention", () => {
  test("is nothing where nothing is wrong", () => expect(kinds({})).toEqual([]));

  test.each([
    [201n, []],
    [200n, ["creditLow"]],
    [0n, ["creditLow"]],
  ])("of 1,000 with %s left", (left, told) => {
    expect(kinds({ credit: { granted: 1_000n, left } })).toEqual(told);
  });

  test("a day without credit has none that could run out", () => {
    expect(kinds({ credit: { granted: 0n, left: 0n } })).toEqual([]);
  });

  test("exits that can be claimed are told together for each token, and those that cannot are not", () => {
    const tickets = [
      { station: "vvv" as const, amount: 5n, claimableAt: NOW },
      { station: "vvv" as const, amount: 7n, claimableAt: NOW - 1 },
      { station: "vvv" as const, amount: 100n, claimableAt: NOW + 1 },
      { station: "diem" as const, amount: 1n, claimableAt: NOW - DAY },
    ];
    expect(warningsOf({ ...NOTHING, tickets })).toEqual([
      { kind: "ticketsReady", station: "vvv", count: 2, amount: 12n },
      { kind: "ticketsReady", station: "diem", count: 1, amount: 1n },
    ]);
  });

  test.each([
    [20_779, 0],
    [20_780, 1],
    [20_782, 1],
    [20_783, 0],
  ])("a delegation until day %i is told %i times", (untilEpoch, times) => {
    const delegations = [{ id: 1, isGiven: true, amount: 1n, untilEpoch }];
    expect(kinds({ delegations })).toHaveLength(times);
  });

  test.each([
    [null, 0],
    [NOW, 0],
    [NOW + 1, 1],
    [NOW + 7 * DAY, 1],
    [NOW + 7 * DAY + 1, 0],
  ])("a key that expires at %s is told %i times", (expiresAt, times) => {
    expect(kinds({ keys: [{ id: "k", description: "d", expiresAt }] })).toHaveLength(times);
  });

  test("a pause that is over and a coin that is just enough are nothing to tell", () => {
    expect(kinds({ pausedUntil: NOW, coin: { balance: 5n, needed: 5n } })).toEqual([]);
    expect(kinds({ pausedUntil: NOW + 1, coin: { balance: 4n, needed: 5n } })).toEqual(["paused", "coinLow"]);
  });
});
