import { afterEach, describe, expect, test, vi } from "vitest";

const HEADER = "request_id,amount\r\n";

/** The service with so many pages of one request each. */
async function tableOf(pages: number) {
  // A page has an address of its own, which what it asks is relative to.
  class AtHome extends Request {
    constructor(input: string, init?: RequestInit) {
      super(new URL(input, "http://service"), init);
    }
  }
  vi.stubGlobal("Request", AtHome);
  vi.stubGlobal("fetch", async ({ url }: Request) => {
    const page = Number(new URL(url).searchParams.get("cursor") ?? 0);
    const next = page + 1 < pages ? { "Next-Cursor": String(page + 1) } : undefined;
    return new Response(`${HEADER}${page},1\r\n`, { headers: { "Content-Type": "text/csv", ...next } });
  });
  const { usageTable } = await import("../src/api/own");
  return usageTable(20_000, 20_089);
}

afterEach(() => vi.unstubAllGlobals());

describe("the table of all requests", () => {
  test("has every page", async () => {
    expect(await tableOf(3)).toBe(`${HEADER}0,1\r\n1,1\r\n2,1\r\n`);
  });

  test("is none where there are more requests than it holds", async () => {
    await expect(tableOf(1_001)).rejects.toThrow("1,000,000");
  });
});
