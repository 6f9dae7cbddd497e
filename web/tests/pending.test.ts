import { expect, test } from "vitest";
import { type Amounts, PENDING_FIELDS, pendingIn } from "../src/core/pending";

const FINAL = Object.fromEntries(PENDING_FIELDS.map((field) => [field, "5"])) as Amounts;

test("what is pending is each difference to the final block, with its sign, and nothing else", () => {
  expect(pendingIn(FINAL, FINAL)).toEqual([]);
  const latest = { ...FINAL, vvv_unlocked: "1", diem_staked: "1000000000000000000005" };
  expect(pendingIn(latest, FINAL)).toEqual([
    { field: "vvv_unlocked", change: -4n },
    { field: "diem_staked", change: 10n ** 21n },
  ]);
});
