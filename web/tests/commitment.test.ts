import type { Address, Hex } from "viem";
import { describe, expect, test } from "vitest";
import vectors from "../../tests/core/vectors/tree.json";
import { type AccountProof, holdsTogether, openProof } from "../src/core/account_proof";
import { leafOf, NO_ROOT, rootFrom, rootOf, spendingOf } from "../src/core/commitment";
import { NotOfThisForm } from "../src/core/forms";

type Row = (typeof vectors.trees)[number]["rows"][number];

const at = (epoch: number, row: Row) => ({
  spending: spendingOf(BigInt(row.spent), row.salt as Hex),
  leaf: leafOf(BigInt(epoch), row.account as Address, BigInt(row.granted), row.spending as Hex),
});

describe("commitments", () => {
  test("give what OpenZeppelin's own library gives, from spending to root", () => {
    expect(vectors.trees.length).toBeGreaterThan(3);
    for (const tree of vectors.trees) {
      const leaves = tree.rows.map((row) => {
        const made = at(tree.epoch, row as Row);
        expect(made).toEqual({ spending: row.spending, leaf: row.leaf });
        expect(rootFrom(made.leaf, row.proof as Hex[])).toBe(tree.root);
        return made.leaf;
      });
      expect(rootOf(leaves)).toBe(tree.root);
      expect(rootOf([...leaves].reverse())).toBe(tree.root);
    }
  });

  test("of nobody are the root that the contract has for nobody", () => {
    expect(rootOf([])).toBe(NO_ROOT);
  });
});

const tree = vectors.trees[1] as (typeof vectors.trees)[number];
const row = tree.rows[1] as Row;
const document = (changed: Record<string, unknown> = {}) =>
  JSON.stringify({
    format: "entitlement-proof-1",
    chain_id: 31_337,
    contract: `0x${"1".repeat(40)}`,
    epoch: tree.epoch,
    account: row.account,
    diem: Number(row.granted) - 1,
    pro_rata: 1,
    granted: Number(row.granted),
    spent: Number(row.spent),
    salt: row.salt,
    spending: row.spending,
    leaf: row.leaf,
    proof: row.proof,
    root: tree.root,
    file_hash: NO_ROOT,
    block: null,
    transaction: null,
    ...changed,
  });

describe("a proof", () => {
  test("that is whole opens its leaf and leads to its root", () => {
    const opened = openProof(document());
    expect(opened).toMatchObject({ leaf: row.leaf, reached: tree.root, granted: BigInt(row.granted) });
    expect(holdsTogether(opened)).toBe(true);
  });

  test.each([
    ["spent", Number(row.spent) - 1],
    ["diem", Number(row.granted)],
    ["granted", Number(row.granted) + 1],
    ["salt", NO_ROOT],
    ["spending", NO_ROOT],
    ["leaf", NO_ROOT],
    ["root", NO_ROOT],
    ["epoch", tree.epoch + 1],
    ["account", `0x${"2".repeat(40)}`],
    ["proof", []],
    ["more", 1],
  ])("that is forged in %s does not hold", (name, value) => {
    expect(holdsTogether(openProof(document({ [name]: value })))).toBe(false);
  });

  test("that says more was spent than granted does not hold, though it leads to its root", () => {
    const [granted, spent, salt] = [5n, 6n, row.salt as Hex];
    const spending = spendingOf(spent, salt);
    const leaf = leafOf(BigInt(tree.epoch), row.account as Address, granted, spending);
    const figures = { diem: 5, pro_rata: 0, granted: 5, spent: 6, spending, leaf, proof: [], root: leaf };
    const opened = openProof(document(figures));
    expect(opened.reached).toBe(opened.proof.root);
    expect(holdsTogether(opened)).toBe(false);
  });

  test.each([
    ["", SyntaxError],
    ["[]", NotOfThisForm],
    [document({ format: "entitlement-proof-2" }), NotOfThisForm],
    [document({ spent: -1 }), NotOfThisForm],
    [document({ spent: true }), NotOfThisForm],
    [document({ spent: "1" }), NotOfThisForm],
    [document({ spent: 1.5 }), SyntaxError],
    [document({ salt: "0x12" }), NotOfThisForm],
    [document({ account: `0x${"A".repeat(40)}` }), NotOfThisForm],
    [document({ proof: Array.from({ length: 65 }, () => NO_ROOT) }), NotOfThisForm],
    [document({ proof: "0x" }), NotOfThisForm],
    [document().replace('"chain_id":31337,', ""), NotOfThisForm],
  ])("of another form is refused: %s", (text, kind) => {
    expect(() => openProof(text)).toThrow(kind);
  });

  test("keeps every digit of an amount that no float could hold", () => {
    const text = document().replace(`"spent":${row.spent}`, '"spent":9007199254740993');
    expect((openProof(text).proof satisfies AccountProof).spent).toBe(9_007_199_254_740_993n);
  });
});
