import { expect, test } from "vitest";
import vectors from "../../tests/core/vectors/allowance.json";
import { allowance, rightIn, type Stated } from "../src/core/allowance";

const COLUMNS = [
  "epoch",
  "final_timestamp",
  "latest_timestamp",
  "final_epoch",
  "final_current",
  "final_next",
  "latest_epoch",
  "latest_current",
  "latest_next",
  "right_final",
  "right_latest",
  "credit",
];

test("the daily right is what the service's own rule answers, to the nano-dollar", () => {
  expect(vectors.columns).toEqual(COLUMNS);
  expect(vectors.cases).toHaveLength(vectors.count);
  expect(vectors.count).toBeGreaterThan(100);
  for (const line of vectors.cases) {
    const told = line.map(BigInt);
    const at = (name: string) => told[COLUMNS.indexOf(name)] ?? -1n;
    const stated = (of: "final" | "latest", block: bigint): Stated => ({
      block,
      logIndex: 0,
      epoch: Number(at(`${of}_epoch`)),
      current: at(`${of}_current`),
      next: at(`${of}_next`),
    });
    const [final, latest] = [stated("final", 1n), stated("latest", 2n)];
    const epoch = Number(at("epoch"));
    expect([rightIn(final, epoch), rightIn(latest, epoch)]).toEqual([at("right_final"), at("right_latest")]);
    const credit = allowance(
      [final, latest],
      { block: 1n, timestamp: Number(at("final_timestamp")) },
      { block: 2n, timestamp: Number(at("latest_timestamp")) },
      epoch,
    );
    expect([line, credit]).toEqual([line, at("credit")]);
  }
});
