import { keccak256, toHex } from "viem";
import { describe, expect, test } from "vitest";
import { qrCode } from "../src/core/qr";

/** Drawn by the package `qrcode` 1.5.3, at the same level and mask: each row as bits, and whole codes by digest. */
const SMALL =
  "1fd97f 104941 17555d 17525d 175c5d 104041 1fd57f c00 1e549d 11b125 d65f7 63981 ee9a 14ae 1fc4d4 1043c4 174247 175892 17569c 105b59 1fdf20";
const LARGE = [
  [100, 37, "0x8bf2cb40e7fe5169fa4a62927d644d438356797c2430e080df1bedd0cc557545"],
  [200, 53, "0xf188325c59303e06647baa854ce2b9806a1d63e64ef455e76fba7333d593d2ff"],
  [260, 57, "0x24bbc85d6ef6b8bf54753b2541cc6828800040196fb9a381f15af30d7c5171b0"],
  [450, 73, "0xc6119c3d621fafdc3dcefdb640b8696c0616a8df84419317caaedcc0765f7dc7"],
] as const;

const bits = (row: readonly boolean[]) => row.map((dark) => (dark ? "1" : "0")).join("");

describe("a QR code", () => {
  test("is the one that others draw, module for module", () => {
    expect(
      qrCode("wc:1")
        .map((row) => Number.parseInt(bits(row), 2).toString(16))
        .join(" "),
    ).toBe(SMALL);
  });

  test.each(LARGE)("of %i bytes is %i modules wide and as others draw it", (length, width, digest) => {
    const square = qrCode("wc:".padEnd(length, "0123456789abcdef"));
    expect(square).toHaveLength(width);
    expect(keccak256(toHex(square.map(bits).join("")))).toBe(digest);
  });

  test("of what no code of this kind can hold is refused", () => {
    expect(() => qrCode("x".repeat(587))).toThrow("587 bytes are too many for a QR code");
    expect(qrCode("x".repeat(586))).toHaveLength(81);
  });
});
