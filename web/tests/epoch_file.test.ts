import type { Hex } from "viem";
import { describe, expect, test } from "vitest";
import vectors from "../../tests/core/vectors/tree.json";
import { countRows, readEpochFile } from "../src/core/epoch_file";
import { parseExact } from "../src/core/exact_json";
import { NotOfThisForm } from "../src/core/forms";

const tree = vectors.trees[2] as (typeof vectors.trees)[number];
const rows = [...tree.rows].sort((one, other) => (one.account < other.account ? -1 : 1));
const head = {
  accounts: rows.length,
  chain_id: 31_337,
  contracts: { EpochRoots: `0x${"1".repeat(40)}` },
  diem: rows.reduce((sum, row) => sum + Number(row.granted), 0),
  epoch: tree.epoch,
  format: "entitlement-epoch-1",
  pro_rata: 0,
  root: tree.root,
  spent: 1,
};
const file = (lines: string[], told: object = head) =>
  `${JSON.stringify(told).slice(0, -1)},"rows":[${lines.map((line, place) => `${place ? "," : ""}\n${line}`).join("")}\n]}\n`;
const lines = rows.map((row) => `["${row.account}",${row.granted},0,"${row.spending}"]`);
const counted = (text: string) =>
  countRows(readEpochFile(text), () => undefined, new AbortController().signal);

describe("a day's public file", () => {
  test("gives by its rows the root and the sums that its head states", async () => {
    const read = readEpochFile(file(lines));
    const found = await counted(file(lines));
    expect(found).toEqual({
      accounts: read.head.accounts,
      diem: read.head.diem,
      proRata: read.head.proRata,
      root: read.head.root,
      inOrder: true,
    });
  });

  test("whose row was changed gives another root, and one in another order is seen", async () => {
    const forged = lines.map((line, place) => (place === 1 ? line.replace(",0,", ",1,") : line));
    expect((await counted(file(forged))).root).not.toBe(tree.root);
    expect(await counted(file([...lines].reverse()))).toMatchObject({ inOrder: false, root: tree.root });
    expect(await counted(file([...lines, lines[0] as string]))).toMatchObject({ inOrder: false });
  });

  test("of nobody has no rows", async () => {
    const nobody = { ...head, accounts: 0, diem: 0, root: `0x${"0".repeat(64)}` as Hex };
    expect(await counted(file([], nobody))).toMatchObject({ accounts: 0n, root: nobody.root });
  });

  test("stops where whoever waits does not wait any more", async () => {
    const stopped = AbortSignal.abort();
    await expect(countRows(readEpochFile(file(lines)), () => undefined, stopped)).rejects.toThrow();
  });

  test.each([
    ["{}", NotOfThisForm],
    [file(lines).trimEnd(), NotOfThisForm],
    [file(lines).replace(",0,", ",-1,"), NotOfThisForm],
    [file(lines).replace(",0,", ",1e3,"), NotOfThisForm],
    [file(lines).replace("],\n", "]\n"), NotOfThisForm],
    [file(lines, { ...head, format: "x" }), NotOfThisForm],
    [file(lines, { ...head, contracts: [] }), NotOfThisForm],
    [file(lines).replace('"accounts":', "accounts:"), SyntaxError],
  ])("of another form is refused", (text, kind) => {
    expect(() => readEpochFile(text)).toThrow(kind);
  });
});

describe("exact JSON", () => {
  test("keeps whole numbers, strings that look like numbers, and odd names apart", () => {
    const text = '{"a":9007199254740993,"n1":"n1","__proto__":["s","\\"2",-3,null,true],"":{}}';
    const read = parseExact(text);
    expect(Object.entries(read as object)).toEqual([
      ["a", 9_007_199_254_740_993n],
      ["n1", "n1"],
      ["__proto__", ["s", '"2', -3n, null, true]],
      ["", {}],
    ]);
  });

  test.each(["1.5", "1e3", "01", "-", "1 2", '{"a":1,}', `${"9".repeat(101)}`, "1-2", "{1:2}", "nul", '"'])(
    "refuses %s",
    (text) => {
      expect(() => parseExact(text)).toThrow(SyntaxError);
    },
  );
});
