import { describe, expect, test } from "vitest";
import { openTickets, sumOf } from "../src/core/tickets";

const view = (ticket: bigint, claimableAt: bigint, state = 1) => ({
  ticket,
  amount: 10n * ticket,
  claimableAt,
  state,
});

describe("tickets", () => {
  test("are those that are open, the earliest due first, and of one second by their number", () => {
    const open = openTickets([
      view(9n, 300n),
      view(4n, 200n),
      view(2n, 100n, 2),
      view(3n, 200n),
      view(1n, 1n, 3),
    ]);
    expect(open).toEqual([
      { number: 3n, amount: 30n, due: 200 },
      { number: 4n, amount: 40n, due: 200 },
      { number: 9n, amount: 90n, due: 300 },
    ]);
    expect(sumOf(open)).toBe(160n);
    expect(sumOf([])).toBe(0n);
  });
});
