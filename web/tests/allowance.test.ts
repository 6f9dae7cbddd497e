import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  allowance,
  breakBetween,
  creditOf,
  foldStated,
  judge,
  NEVER,
  rightIn,
  type Slot,
  SMALLEST_RIGHT,
  type Stated,
} from "../src/core/allowance";
import { SECONDS_PER_EPOCH } from "../src/core/epochs";
import { nextSpan } from "../src/core/spans";

const DIEM = 10n ** 18n;
const USD = 10n ** 9n;
const midnight = (epoch: number) => epoch * SECONDS_PER_EPOCH;
const state = (block: bigint, epoch: number, current: bigint, next: bigint): Stated => ({
  block,
  logIndex: 0,
  epoch,
  current: current * DIEM,
  next: next * DIEM,
});

describe("the right of a day", () => {
  test("is today's in its day, tomorrow's ever after, and unknown before", () => {
    const slot: Slot = { epoch: 5, current: 3n, next: 1n };
    expect([4, 5, 6, 9].map((epoch) => rightIn(slot, epoch))).toEqual([0n, 3n, 1n, 1n]);
    expect(rightIn(NEVER, 9)).toBe(0n);
  });

  test("gives no credit below a tenth of a DIEM, and is cut to nano-dollars", () => {
    expect(creditOf(SMALLEST_RIGHT - 1n)).toBe(0n);
    expect(creditOf(SMALLEST_RIGHT)).toBe(USD / 10n);
    expect(creditOf(DIEM + 10n ** 9n - 1n)).toBe(USD);
  });
});

describe("what the contract stated", () => {
  /** InferenceStake's own moves of one account: stake, exit, its cancelling on a later day, a right that moves. */
  const moves = fc.array(
    fc.record({
      kind: fc.constantFrom("stake", "leave", "back", "day"),
      amount: fc.bigInt({ min: 1n, max: 5n }),
    }),
    { maxLength: 30 },
  );
  const played = (chosen: { kind: string; amount: bigint }[]): Stated[] => {
    let [epoch, slot] = [5, NEVER];
    const stated: Stated[] = [];
    for (const { kind, amount } of chosen) {
      if (kind === "day") epoch++;
      else {
        const current = rightIn(slot, epoch);
        const less = amount < slot.next ? amount : slot.next;
        slot = {
          epoch,
          current: kind === "stake" ? current + amount : current,
          next: kind === "leave" ? slot.next - less : slot.next + amount,
        };
        stated.push({ ...slot, block: BigInt(stated.length + 1), logIndex: 0 });
      }
    }
    return stated;
  };

  test("follows by its rules, whatever is done", () => {
    fc.assert(
      fc.property(moves, (chosen) => {
        const stated = played(chosen);
        const { breaks, slot } = foldStated(stated);
        expect(breaks).toEqual([]);
        const last = stated.at(-1);
        expect(slot).toEqual(
          last === undefined ? NEVER : { epoch: last.epoch, current: last.current, next: last.next },
        );
      }),
    );
  });

  test("shows where a statement is missing, goes back in time or takes today away", () => {
    const [first, second] = [state(1n, 5, 3n, 3n), state(2n, 5, 8n, 8n)];
    expect(foldStated([first, second, state(3n, 6, 9n, 9n)]).breaks).toEqual([]);
    expect(foldStated([second, first]).breaks).toHaveLength(1);
    expect(breakBetween(first, state(2n, 5, 2n, 2n))).toBe("today");
    expect(breakBetween(first, state(2n, 5, 4n, 2n))).toBe("today");
    expect(breakBetween(first, state(2n, 4, 9n, 9n))).toBe("order");
    // Between them an exit of 2 was left out, and a stake of 3 follows.
    expect(breakBetween(first, state(3n, 6, 4n, 4n))).toBe(null);
    expect(breakBetween(first, state(3n, 6, 4n, 5n))).toBe("today");
  });
});

describe("what may be granted", () => {
  const stated = [state(1n, 4, 5n, 5n), state(8n, 4, 5n, 2n)];
  const at = (block: bigint, timestamp: number) => ({ block, timestamp });

  test("is the final right once midnight is final", () => {
    expect(allowance(stated, at(8n, midnight(5)), at(9n, midnight(5) + 1), 5)).toBe(2n * USD);
  });

  test("is the smaller of final and newest before", () => {
    expect(allowance(stated, at(7n, midnight(5) - 9), at(8n, midnight(5) - 1), 5)).toBe(2n * USD);
    expect(allowance(stated, at(7n, midnight(5) - 9), at(7n, midnight(5) - 9), 5)).toBe(5n * USD);
  });

  test("is nothing where nobody saw the day end", () => {
    expect(allowance(stated, at(8n, midnight(5) - 4_000), at(8n, midnight(5) - 3_601), 5)).toBe(0n);
  });
});

describe("the verdict", () => {
  const stated = [state(1n, 5, 3n, 3n), state(9n, 5, 4n, 4n)];
  const head = { block: 10n, timestamp: midnight(5) + 100 };
  const viewed = { current: 4n * DIEM, next: 4n * DIEM };
  const told = (now: bigint, next: bigint, final = 10n) => ({
    now: now * USD,
    next: next * USD,
    epoch: 5,
    final: { block: final, timestamp: midnight(5) + 50 },
    latest: head,
  });

  test.each([
    ["agree", stated, viewed, told(4n, 4n)],
    ["waiting", stated, viewed, told(3n, 4n, 8n)],
    ["service", stated, viewed, told(4n, 4n, 8n)],
    ["service", stated, viewed, told(4n, 5n)],
    ["service", stated, viewed, told(5n, 4n)],
    ["silent", stated, viewed, null],
    ["node", stated.slice(0, 1), viewed, told(4n, 4n)],
    ["node", stated, { ...viewed, next: 0n }, told(4n, 4n)],
    ["broken", [...stated].reverse(), viewed, told(4n, 4n)],
    ["ahead", stated, viewed, { ...told(4n, 4n), latest: { block: 11n, timestamp: midnight(5) + 101 } }],
    ["day", stated, viewed, { ...told(0n, 4n), epoch: 6 }],
  ] as const)("is %s", (verdict, logs, view, service) => {
    expect(judge(logs, head, view, service)).toBe(verdict);
  });
});

test("a node's range halves to one block and doubles up to a million", () => {
  expect([nextSpan(9n, false), nextSpan(1n, false), nextSpan(4n, true), nextSpan(10n ** 9n, true)]).toEqual([
    4n,
    1n,
    8n,
    1_000_000n,
  ]);
});
