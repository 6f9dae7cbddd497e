/**
 * A text as a QR code (ISO/IEC 18004), for a phone's camera: bytes, the lowest level of correction, which is for
 * screens, and the smallest size that fits.
 *
 *     text -> bits -> blocks, each with its correction -> woven -> laid out in the square -> masked
 */

/** By size, from 1 on: words of correction in each block, and how many blocks there are. */
const CORRECTION = [7, 10, 15, 20, 26, 18, 20, 24, 30, 18, 20, 24, 26, 30, 22, 24] as const;
const BLOCKS = [1, 1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 4, 4, 6, 6] as const;
const LONG_COUNT_FROM = 10;
const LOWEST_LEVEL = 1;

/** The square, row by row; true is dark. Throws RangeError for a text that is too long for a code of this kind. */
export function qrCode(text: string): boolean[][] {
  const bytes = new TextEncoder().encode(text);
  const size = CORRECTION.findIndex((_, at) => bitsOf(bytes, at + 1) <= dataWords(at + 1) * 8) + 1;
  if (size === 0) throw new RangeError(`${bytes.length} bytes are too many for a QR code`);
  const words = woven(packed(bytes, size), size);
  const plans = Array.from({ length: 8 }, (_, mask) => drawn(words, size, mask));
  return plans.reduce((best, each) => (penalty(each) < penalty(best) ? each : best));
}

// --- from the text to words -------------------------------------------------------------------------------

function bitsOf(bytes: Uint8Array, size: number): number {
  return 4 + (size < LONG_COUNT_FROM ? 8 : 16) + bytes.length * 8;
}

/** Modules of a size that are neither patterns nor information, in words of eight. */
function allWords(size: number): number {
  let modules = (16 * size + 128) * size + 64;
  if (size >= 2) {
    const marks = Math.floor(size / 7) + 2;
    modules -= (25 * marks - 10) * marks - 55;
    if (size >= 7) modules -= 36;
  }
  return Math.floor(modules / 8);
}

function dataWords(size: number): number {
  return allWords(size) - (CORRECTION[size - 1] ?? 0) * (BLOCKS[size - 1] ?? 0);
}

function packed(bytes: Uint8Array, size: number): number[] {
  const room = dataWords(size) * 8;
  let bits = `0100${bytes.length.toString(2).padStart(size < LONG_COUNT_FROM ? 8 : 16, "0")}`;
  for (const byte of bytes) bits += byte.toString(2).padStart(8, "0");
  bits += "0".repeat(Math.min(4, room - bits.length));
  bits += "0".repeat(-bits.length & 7);
  const words = (bits.match(/.{8}/g) ?? []).map((each) => Number.parseInt(each, 2));
  for (let filler = 0xec; words.length < dataWords(size); filler ^= 0xec ^ 0x11) words.push(filler);
  return words;
}

function woven(data: readonly number[], size: number): number[] {
  const count = BLOCKS[size - 1] ?? 1;
  const correction = CORRECTION[size - 1] ?? 0;
  const short = Math.floor(data.length / count);
  const divisor = divisorOf(correction);
  const blocks: { data: number[]; rest: number[] }[] = [];
  let at = 0;
  for (let block = 0; block < count; block++) {
    // The last ones are a word longer where it does not come out even.
    const length = short + (block < count - (data.length % count) ? 0 : 1);
    const part = data.slice(at, at + length);
    at += length;
    blocks.push({ data: part, rest: remainder(part, divisor) });
  }
  const found: number[] = [];
  for (let place = 0; place <= short; place++) {
    for (const block of blocks) if (place < block.data.length) found.push(block.data[place] ?? 0);
  }
  for (let place = 0; place < correction; place++) {
    for (const block of blocks) found.push(block.rest[place] ?? 0);
  }
  return found;
}

/** A product in the field of 256, modulo x^8 + x^4 + x^3 + x^2 + 1. */
function times(one: number, other: number): number {
  let product = 0;
  for (let bit = 7; bit >= 0; bit--) {
    product = (product << 1) ^ ((product >>> 7) * 0x11d);
    product ^= ((other >>> bit) & 1) * one;
  }
  return product;
}

function divisorOf(degree: number): number[] {
  const found = [...Array<number>(degree - 1).fill(0), 1];
  let root = 1;
  for (let round = 0; round < degree; round++) {
    for (let at = 0; at < degree; at++) found[at] = times(found[at] ?? 0, root) ^ (found[at + 1] ?? 0);
    root = times(root, 2);
  }
  return found;
}

function remainder(data: readonly number[], divisor: readonly number[]): number[] {
  const rest = divisor.map(() => 0);
  for (const word of data) {
    const factor = word ^ (rest.shift() ?? 0);
    rest.push(0);
    divisor.forEach((each, at) => {
      rest[at] = (rest[at] ?? 0) ^ times(each, factor);
    });
  }
  return rest;
}

// --- from words to the square -----------------------------------------------------------------------------

type Square = (boolean | undefined)[][];

function drawn(words: readonly number[], size: number, mask: number): boolean[][] {
  const width = size * 4 + 17;
  const square: Square = Array.from({ length: width }, () => Array<boolean | undefined>(width));
  const set = (x: number, y: number, dark: boolean) => {
    const row = square[y];
    if (row !== undefined && x >= 0 && x < width) row[x] = dark;
  };
  drawPatterns(set, size, width);
  drawInformation(set, size, width, mask);
  fill(square, width, words, mask);
  return square.map((row) => Array.from(row, (each) => each === true));
}

type Put = (x: number, y: number, dark: boolean) => void;

function drawPatterns(set: Put, size: number, width: number): void {
  for (let at = 0; at < width; at++) {
    set(6, at, at % 2 === 0);
    set(at, 6, at % 2 === 0);
  }
  for (const [x, y] of [
    [3, 3],
    [width - 4, 3],
    [3, width - 4],
  ] as const) {
    around(4, (dx, dy, ring) => set(x + dx, y + dy, ring !== 2 && ring !== 4));
  }
  const marks = marksOf(size, width);
  const [first, last] = [marks[0], marks.at(-1)];
  for (const x of marks) {
    for (const y of marks) {
      const isCorner = (x === first && (y === first || y === last)) || (x === last && y === first);
      if (!isCorner) around(2, (dx, dy, ring) => set(x + dx, y + dy, ring !== 1));
    }
  }
}

function around(reach: number, put: (dx: number, dy: number, ring: number) => void): void {
  for (let dy = -reach; dy <= reach; dy++) {
    for (let dx = -reach; dx <= reach; dx++) put(dx, dy, Math.max(Math.abs(dx), Math.abs(dy)));
  }
}

/** Where the small marks have their middles, in both directions. */
function marksOf(size: number, width: number): number[] {
  if (size === 1) return [];
  const count = Math.floor(size / 7) + 2;
  const step = Math.ceil((width - 13) / (count * 2 - 2)) * 2;
  return [6, ...Array.from({ length: count - 1 }, (_, at) => width - 7 - (count - 2 - at) * step)];
}

/** Level and mask, twice; and of larger codes the size, twice; each with its own correction. */
function drawInformation(set: Put, size: number, width: number, mask: number): void {
  const format = ((LOWEST_LEVEL << 3) | mask) << 10;
  const told = (format | divided(format, 0x537, 10)) ^ 0x5412;
  const bit = (at: number) => ((told >>> at) & 1) === 1;
  for (let at = 0; at < 8; at++) {
    set(8, at < 6 ? at : at + 1, bit(at));
    set(width - 1 - at, 8, bit(at));
  }
  for (let at = 8; at < 15; at++) {
    set(at === 8 ? 7 : 14 - at, 8, bit(at));
    set(8, width - 15 + at, bit(at));
  }
  set(8, width - 8, true);
  if (size < 7) return;
  const version = (size << 12) | divided(size << 12, 0x1f25, 12);
  for (let at = 0; at < 18; at++) {
    const dark = ((version >>> at) & 1) === 1;
    const [far, near] = [width - 11 + (at % 3), Math.floor(at / 3)];
    set(far, near, dark);
    set(near, far, dark);
  }
}

/** The remainder of a polynomial over bits. */
function divided(value: number, divisor: number, degree: number): number {
  let rest = value;
  for (let at = 31 - Math.clz32(rest); at >= degree; at = 31 - Math.clz32(rest)) {
    rest ^= divisor << (at - degree);
  }
  return rest;
}

/** Words in columns of two, up and down from the right, around what is there; then the mask over them. */
function fill(square: Square, width: number, words: readonly number[], mask: number): void {
  let at = 0;
  for (let right = width - 1; right >= 1; right -= 2) {
    if (right === 6) right = 5;
    for (let step = 0; step < width; step++) {
      const isUp = ((right + 1) & 2) === 0;
      const y = isUp ? width - 1 - step : step;
      for (const x of [right, right - 1]) {
        const row = square[y];
        if (row === undefined || row[x] !== undefined) continue;
        const dark = (((words[at >>> 3] ?? 0) >>> (7 - (at & 7))) & 1) === 1;
        row[x] = dark !== isMasked(mask, x, y);
        at++;
      }
    }
  }
}

function isMasked(mask: number, x: number, y: number): boolean {
  const product = x * y;
  const sums = [
    (x + y) % 2,
    y % 2,
    x % 3,
    (x + y) % 3,
    (Math.floor(x / 3) + Math.floor(y / 2)) % 2,
    (product % 2) + (product % 3),
    ((product % 2) + (product % 3)) % 2,
    (((x + y) % 2) + (product % 3)) % 2,
  ];
  return sums[mask] === 0;
}

/** How hard a square is to read: long runs, full fields, and more of one colour than of the other. */
function penalty(square: readonly (readonly boolean[])[]): number {
  const width = square.length;
  const dark = (x: number, y: number) => square[y]?.[x] === true;
  let found = 0;
  for (let line = 0; line < width; line++) {
    for (const at of [(place: number) => dark(place, line), (place: number) => dark(line, place)]) {
      const text = Array.from({ length: width }, (_, place) => (at(place) ? "1" : "0")).join("");
      for (const [run] of text.matchAll(/0{5,}|1{5,}/g)) found += run.length - 2;
      for (const _ of text.matchAll(/(?=00001011101|10111010000)/g)) found += 40;
    }
  }
  let count = 0;
  for (let y = 0; y < width; y++) {
    for (let x = 0; x < width; x++) {
      if (dark(x, y)) count++;
      const same = [dark(x + 1, y), dark(x, y + 1), dark(x + 1, y + 1)].every((each) => each === dark(x, y));
      if (same && x + 1 < width && y + 1 < width) found += 3;
    }
  }
  return found + Math.floor(Math.abs(count * 20 - width * width * 10) / (width * width)) * 10;
}
