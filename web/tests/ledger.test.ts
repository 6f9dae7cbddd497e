import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Sent } from "../src/chain/ledger";

const entry = (id: string): Sent => ({ id, hash: null, state: "asking", blockNumber: null }) as Sent;

/** A browser whose storage is full, or takes nothing from the page. */
function full(kept: string | null = null) {
  return {
    getItem: () => kept,
    setItem: () => {
      throw new DOMException("no room", "QuotaExceededError");
    },
  };
}

async function ledgerIn(storage: object) {
  vi.stubGlobal("window", { addEventListener: () => undefined });
  vi.stubGlobal("localStorage", storage);
  return import("../src/chain/ledger");
}

beforeEach(() => vi.resetModules());
afterEach(() => vi.unstubAllGlobals());

describe("what was sent", () => {
  test("is known to the tab where the browser keeps nothing", async () => {
    const { addSent, changeSent, sentNow } = await ledgerIn(full());
    addSent(entry("one"));
    changeSent("one", { state: "pending", hash: "0x01" });
    addSent(entry("two"));
    expect(sentNow().map(({ id, state, hash }) => [id, state, hash])).toEqual([
      ["two", "asking", null],
      ["one", "pending", "0x01"],
    ]);
  });

  test("is not lost with what was kept before the browser was full", async () => {
    const { addSent, changeSent, sentNow } = await ledgerIn(full(JSON.stringify([entry("before")])));
    addSent(entry("one"));
    changeSent("before", { state: "rejected" });
    expect(sentNow().map(({ id, state }) => [id, state])).toEqual([
      ["one", "asking"],
      ["before", "rejected"],
    ]);
  });

  test("by another tab is kept by this one", async () => {
    let kept = JSON.stringify([entry("ours")]);
    const storage = {
      getItem: () => kept,
      setItem: (_: string, text: string) => {
        kept = text;
      },
    };
    const { changeSent, sentNow } = await ledgerIn(storage);
    kept = JSON.stringify([entry("theirs"), entry("ours")]);
    changeSent("ours", { state: "rejected" });
    expect(sentNow().map(({ id, state }) => [id, state])).toEqual([
      ["theirs", "asking"],
      ["ours", "rejected"],
    ]);
  });
});
