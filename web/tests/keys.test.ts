import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type ApiKey,
  changesOf,
  endOfLastDay,
  LARGEST_LIMIT,
  lastDay,
  parseLimit,
  stateOf,
  usedPoints,
  wireAmount,
} from "../src/core/keys";

const NOW = 1_800_000_000;
const KEY: ApiKey = {
  id: "k",
  description: "a key",
  kind: "INFERENCE",
  lastSix: "abc123",
  limits: { diem: 1_000_000_000n, usd: null, period: "epoch" },
  privacy: "ALL",
  createdAt: NOW - 10,
  expiresAt: null,
  suspendedAt: null,
  pausedAt: null,
  rotatedAt: null,
  lastUsedAt: null,
  spent: { diem: 0n, usd: 0n },
};

describe("a key's state", () => {
  test("what refuses it comes before what only warns", () => {
    expect(stateOf(KEY, NOW)).toBe("active");
    expect(stateOf({ ...KEY, expiresAt: NOW + 3_600 }, NOW)).toBe("expiring");
    expect(stateOf({ ...KEY, expiresAt: NOW + 3_600, pausedAt: NOW }, NOW)).toBe("paused");
    expect(stateOf({ ...KEY, expiresAt: NOW, pausedAt: NOW }, NOW)).toBe("expired");
    expect(stateOf({ ...KEY, expiresAt: NOW, suspendedAt: NOW }, NOW)).toBe("suspended");
  });

  test("a limit is used up at its end, above it, and where it is nothing", () => {
    expect(usedPoints(1n, 3n)).toBe(3_333n);
    expect([usedPoints(3n, 3n), usedPoints(4n, 3n), usedPoints(0n, 0n)]).toEqual([10_000n, 10_000n, 10_000n]);
  });
});

describe("a limit", () => {
  test("nothing is none, zero is one, and cents are exact", () => {
    expect(parseLimit("  ")).toEqual({ ok: true, value: null });
    expect(parseLimit("0")).toEqual({ ok: true, value: 0n });
    expect(parseLimit("12.50")).toEqual({ ok: true, value: 12_500_000_000n });
    expect(parseLimit("0.000000001")).toEqual({ ok: true, value: 1n });
  });

  test.each(["1e3", "-1", "0.0000000001", "9007199.254740992", "1".repeat(40), "$5"])(
    "%s is refused",
    (text) => {
      expect(parseLimit(text).ok).toBe(false);
    },
  );

  test("what is taken goes over the wire exactly", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: LARGEST_LIMIT }), (nano) => {
        expect(BigInt(wireAmount(nano) ?? -1)).toBe(nano);
      }),
    );
    expect(() => wireAmount(LARGEST_LIMIT + 1n)).toThrow(RangeError);
  });
});

describe("a last day", () => {
  test("ends with the day, and is the day again", () => {
    expect(endOfLastDay("2026-11-22")).toBe(Date.UTC(2026, 10, 23) / 1_000);
    expect(lastDay(endOfLastDay("2028-02-29"))).toBe("2028-02-29");
    expect(lastDay(null)).toBe("");
  });

  test.each(["", "2026-02-30", "2026-13-01", "22.11.2026", "20261122"])("%s is none", (text) => {
    expect(endOfLastDay(text)).toBeNull();
  });
});

describe("a change", () => {
  test("only what differs is sent", () => {
    expect(changesOf(KEY, KEY)).toEqual({});
    const limits = { ...KEY.limits, usd: 0n };
    expect(changesOf(KEY, { ...KEY, limits })).toEqual({ limits: { usd: 0 } });
    const unlimited = { ...KEY.limits, diem: null };
    expect(changesOf(KEY, { ...KEY, limits: unlimited, description: "b", expiresAt: NOW })).toEqual({
      limits: { diem: null },
      description: "b",
      expires_at: NOW,
    });
  });
});
