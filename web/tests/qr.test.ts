import decodeQR from "qr/decode.js";
import { describe, expect, test } from "vitest";
import { drawn } from "../src/ui/qr";

const SCALE = 4;

/** The path as a camera would see it. */
function pictureOf({ width, path }: { width: number; path: string }) {
  const side = width * SCALE;
  const data = new Uint8Array(side * side * 4).fill(255);
  for (const [, x, y] of path.matchAll(/M(\d+) (\d+)h1v1h-1z/g)) {
    for (let dy = 0; dy < SCALE; dy++) {
      const from = ((Number(y) * SCALE + dy) * side + Number(x) * SCALE) * 4;
      for (let at = from; at < from + SCALE * 4; at++) if (at % 4 !== 3) data[at] = 0;
    }
  }
  return { width: side, height: side, data };
}

describe("a QR code", () => {
  test.each([4, 100, 260, 450])("of %i bytes is read back as it was", (length) => {
    const text = "wc:".padEnd(length, "0123456789abcdef");
    expect(decodeQR(pictureOf(drawn(text)))).toBe(text);
  });

  test("has a border that a camera needs", () => {
    const { path } = drawn("wc:1");
    const first = Math.min(...[...path.matchAll(/M(\d+) /g)].map(([, x]) => Number(x)));
    expect(first).toBe(4);
  });
});
