import { describe, expect, test } from "vitest";
import { amount, optional, recordOf, understood, whole, words } from "../src/api/understanding";
import { creditFor, endAfter, finalAt, MONTH_SECONDS } from "../src/core/sales";
import { LANGUAGES, snippet } from "../src/core/snippets";
import { everyDay, type HoldTold, joinTables, outcomeOf } from "../src/core/usage";

const HOLD = { state: "open", captured: 0n } as HoldTold;
const told = (hold: HoldTold | null) => ({ hold, journal: [], usage: [] });

describe("usage", () => {
  test("days without requests are days too", () => {
    const sums = {
      name: null,
      epoch: 3,
      diem: 5n,
      usd: 1n,
      requests: 2,
      inputTokens: 1,
      outputTokens: 1,
      images: 4,
    };
    const days = everyDay({ first: 2, last: 4, byDay: [sums], byModel: [], byKey: [] });
    expect(days.map((each) => [each.epoch, each.diem, each.images])).toEqual([
      [2, 0n, 0],
      [3, 5n, 4],
      [4, 0n, 0],
    ]);
  });

  test("pages of a table have one header", () => {
    expect(joinTables(["a,b\r\n1,2\r\n", "a,b\r\n3,4\r\n"])).toBe("a,b\r\n1,2\r\n3,4\r\n");
  });

  test("what became of a request is told by its hold", () => {
    expect(outcomeOf(told(null))).toBe("leased");
    expect(outcomeOf(told(HOLD))).toBe("underWay");
    expect(outcomeOf(told({ ...HOLD, state: "refused" }))).toBe("refused");
    expect(outcomeOf(told({ ...HOLD, state: "released" }))).toBe("returned");
    expect(outcomeOf(told({ ...HOLD, state: "expired" }))).toBe("expired");
    expect(outcomeOf(told({ ...HOLD, state: "expired", captured: 1n }))).toBe("charged");
  });
});

describe("an answer", () => {
  test.each([Number.POSITIVE_INFINITY, 2 ** 53, 1.5, "1", null, undefined, {}])(
    "%s is no amount",
    (value) => {
      expect(() => amount(value)).toThrow(TypeError);
    },
  );

  test("a record has the images that were made, or none where none were told", () => {
    const plain = {
      request_id: "r",
      hold_id: "hold_1",
      number: 1,
      key_id: "key_1",
      model: "painter",
      at: 1,
      epoch: 0,
      input_tokens: 0,
      output_tokens: 0,
      latency_ms: null,
      status: 200,
      price_version: null,
      diem: 40,
      usd: 10,
      shortfall: 0,
    };
    expect(recordOf({ ...plain, images: 2 }).images).toBe(2);
    expect(recordOf({ ...plain, images: null }).images).toBeNull();
    expect(() => recordOf({ ...plain, images: 1.5 })).toThrow(TypeError);
  });

  test("what cannot be read is an error in words, not a crash", () => {
    expect(() => understood(() => whole(undefined))).toThrow(/cannot read/);
    expect(() => understood(() => words(3))).toThrow(/cannot read/);
    expect(optional(null, amount)).toBeNull();
  });
});

describe("what is sold", () => {
  test("months begin where they end now, or at once", () => {
    expect(endAfter(2, 0, 1_000)).toBe(1_000 + 2 * MONTH_SECONDS);
    expect(endAfter(1, 5_000, 1_000)).toBe(5_000 + MONTH_SECONDS);
  });

  test("a unit of USDC is a thousand nano-dollars", () => expect(creditFor(5_000_000n)).toBe(5_000_000_000n));

  test("a block is final when finality has come so far", () => {
    expect(finalAt(100, 60, 50, 2)).toBe(122);
    expect(finalAt(100, null, null, 2)).toBe(102);
  });
});

describe("code for a key", () => {
  test.each(LANGUAGES)("%s has the gateway, the secret and the model", (language) => {
    const code = snippet(language, "https://gateway.example/", "ent_secret", "echo");
    expect(code).toContain("https://gateway.example/api/v1");
    expect(code).toContain("ent_secret");
    expect(code).toMatch(/["/]echo"/);
  });

  test("a model's name cannot leave its quotes", () => {
    const code = snippet("curl", "https://gateway.example", "s", `'; rm -rf ~ #"`);
    expect(code).toContain(`'\\''; rm -rf ~ #\\"`);
    expect(snippet("python", "https://g", "s", '"); import os')).toContain('"\\"); import os"');
  });
});
