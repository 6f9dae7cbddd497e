import { describe, expect, test } from "vitest";
import { clock, day, endOfEpoch, epochAt, moment, stretch } from "../src/core/epochs";

describe("epochs", () => {
  test("midnight belongs to the day that begins", () => {
    expect(epochAt(86_399)).toBe(0);
    expect(epochAt(86_400)).toBe(1);
    expect(endOfEpoch(0)).toBe(86_400);
  });

  test("times are told in UTC", () => {
    expect(day(20_779)).toBe("2026-11-22");
    expect(moment(20_779 * 86_400 + 51_900)).toBe("2026-11-22 14:25 UTC");
  });

  test.each([
    [-5, "00:00:00", "0 s"],
    [61, "00:01:01", "1 min 1 s"],
    [86_399, "23:59:59", "23 h 59 min"],
    [7 * 86_400, "168:00:00", "7 d"],
  ])("%i seconds are %s on the clock and %s in words", (seconds, onClock, inWords) => {
    expect(clock(seconds)).toBe(onClock);
    expect(stretch(seconds)).toBe(inWords);
  });
});
