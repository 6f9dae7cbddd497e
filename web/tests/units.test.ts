import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { dollars, parseAmount, plain, show, tokens } from "../src/core/units";

describe("amounts", () => {
  test.each([
    [0n, "0"],
    [1n, "<0.0001"],
    [10n ** 14n, "0.0001"],
    [1_234_567n * 10n ** 18n + 5n * 10n ** 17n, "1,234,567.5"],
    [2n ** 256n - 1n, "115,792,089,237,316,195,423,570,985,008,687,907,853,269,984,665,640,564,039,457.584"],
  ])("%s wei are shown as %s", (wei, text) => expect(tokens(wei)).toBe(text));

  test.each([
    [1_000_000_000n, "$1.00"],
    [1_999_999_999n, "$1.99"],
    [123_000n, "$0.000123"],
    [-2_500_000_000n, "-$2.50"],
  ])("%s nano-dollars are shown as %s", (nano, text) => expect(dollars(nano)).toBe(text));

  test("whatever is shown whole is read back to the unit", () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 1n, max: 2n ** 256n - 1n }),
        fc.constantFrom(6, 9, 18),
        (amount, decimals) => {
          expect(parseAmount(plain(amount, decimals), decimals)).toEqual({ ok: true, value: amount });
          expect(parseAmount(show(amount, decimals, decimals), decimals)).toEqual({
            ok: true,
            value: amount,
          });
        },
      ),
    );
  });

  test("what is shown is never more than there is", () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 10n ** 40n }),
        fc.integer({ min: 0, max: 18 }),
        (amount, shown) => {
          const read = parseAmount(show(amount, 18, shown), 18);
          expect(read.ok ? read.value : 0n).toBeLessThanOrEqual(amount);
        },
      ),
    );
  });

  test.each(["1e400", "0x10", "-1", "+1", "1..2", ".", "NaN", "Infinity", "1,00", "١", "1 2", "<img>", "１"])(
    "%s is not an amount",
    (text) => expect(parseAmount(text, 18)).toEqual({ ok: false, reason: "notANumber" }),
  );

  test.each(["0,500", "0 500", "00,500", "12345,678", "1.234,567", "0.123 456", "1,000 000"])(
    "%s is not taken for another amount than was meant",
    (text) => expect(parseAmount(text, 18)).toEqual({ ok: false, reason: "notANumber" }),
  );

  test.each(["1,234,567.5", "1 234 567.5", "1_234_567.5", "1234567.5", " 01234567.50 "])(
    "%s is one million and some",
    (text) => expect(parseAmount(text, 18)).toEqual({ ok: true, value: 12_345_675n * 10n ** 17n }),
  );

  test("an amount finer than the token, larger than a word, or nothing is refused with its reason", () => {
    expect(parseAmount("0.0000001", 6)).toMatchObject({ reason: "tooManyDecimals" });
    expect(parseAmount("9".repeat(80), 18)).toMatchObject({ reason: "tooLarge" });
    expect(parseAmount("9".repeat(500), 18)).toMatchObject({ reason: "tooLarge" });
    expect(parseAmount("0.00", 18)).toMatchObject({ reason: "zero" });
    expect(parseAmount(" ", 18)).toMatchObject({ reason: "empty" });
  });
});
