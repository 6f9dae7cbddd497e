import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { day, SECONDS_PER_EPOCH } from "../src/core/epochs";
import { afterCancel, afterMove, afterStake, EXIT_SECONDS, epochOfDay, termBounds } from "../src/core/right";

const DIEM = 10n ** 18n;
const right = { current: 5n * DIEM, next: 3n * DIEM };

describe("the daily right", () => {
  test("a stake counts today, an exit and a delegation only tomorrow", () => {
    expect(afterStake(right, DIEM)).toEqual({ current: 6n * DIEM, next: 4n * DIEM });
    expect(afterMove(right, -DIEM)).toEqual({ current: 5n * DIEM, next: 2n * DIEM });
  });

  test.each([
    ["a second after the request", 1, { current: 5n * DIEM, next: 4n * DIEM }],
    ["in the last second of its day", SECONDS_PER_EPOCH - 1_001, { current: 5n * DIEM, next: 4n * DIEM }],
    ["at the next midnight", SECONDS_PER_EPOCH - 1_000, { current: 6n * DIEM, next: 4n * DIEM }],
    ["a week after it was due", 8 * SECONDS_PER_EPOCH, { current: 6n * DIEM, next: 4n * DIEM }],
  ])("a ticket that is taken back %s", (_name, later, expected) => {
    const requestedAt = 20_000 * SECONDS_PER_EPOCH + 1_000;
    expect(afterCancel(right, DIEM, requestedAt + EXIT_SECONDS, requestedAt + later)).toEqual(expected);
  });

  test("a term ends tomorrow at the earliest and after 366 days at the latest", () => {
    expect(termBounds(20_000)).toEqual({ first: 20_001, last: 20_366 });
  });

  test("a day that is shown is read as the same epoch", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 100_000 }), (epoch) => {
        expect(epochOfDay(day(epoch))).toBe(epoch);
      }),
    );
  });

  test.each(["", "2026-02-30", "2026-13-01", "24.12.2026", "2026-1-1", "tomorrow", "2026-12-24T00:00:00Z"])(
    "%s is no day",
    (text) => {
      expect(epochOfDay(text)).toBeNull();
    },
  );
});
