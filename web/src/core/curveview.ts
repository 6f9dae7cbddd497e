/**
 * Where the mint curve lies in a picture. Two views: near the present supply, with the VVV for one DIEM on a plain
 * scale from zero, so that the area under the line is the VVV that a mint locks; and the whole curve up to the cap,
 * where each line of the scale is ten times the one below.
 *
 * Places are whole millionths of the width or height, from whole numbers; only a screen needs them.
 */
import { cap, rate } from "./curve";
import type { Curve } from "./minting";

export type View = "near" | "whole";
export type Frame = { view: View; low: bigint; high: bigint; top: bigint; target: bigint };
export type Line = { at: number; value: bigint };

const MILLION = 1_000_000n;
const WEI = 10n ** 18n;
const SAMPLES = 96;
/** Of the reach, what is shown before the present supply and after its end. */
const BEFORE_PARTS = 4n;
const AFTER_PARTS = 20n;
/** ln(r / 90) in millionths for the lines of the whole curve. */
const TENFOLD: readonly [bigint, bigint][] = [100n, 1_000n, 10_000n, 100_000n].map((each) => [
  each * WEI,
  BigInt(Math.round(Math.log(Number(each) / 90) * 1e6)),
]);

/** What the picture shows: supplies from `low` to `high`, rates from zero to `top`. */
export function frameOf(view: View, { supply, target }: Curve, reach: bigint): Frame {
  const most = cap(target);
  if (view === "whole") return { view, low: 0n, high: most, top: rate(most, target), target };
  const before = reach / BEFORE_PARTS;
  const after = supply + reach + reach / AFTER_PARTS;
  const high = after > most ? most : after;
  return {
    view,
    low: before > supply ? 0n : supply - before,
    high,
    top: stepsUpTo(rate(high, target)).top,
    target,
  };
}

/** The place of a supply from the left. */
export function across(supply: bigint, { low, high }: Frame): number {
  return high <= low ? 0 : Number(((supply - low) * MILLION) / (high - low));
}

/** The place of the curve at a supply from below. */
export function upAt(supply: bigint, frame: Frame): number {
  if (frame.view === "near") return Number((rate(supply, frame.target) * MILLION) / frame.top);
  // ln(rate / 90) = 2 (S/T)^3, so that on a scale of tens the curve is a cubic, without a logarithm.
  return Number((cubed(supply, frame.target) * MILLION) / cubed(frame.high, frame.target));
}

/** The curve from left to right as places. */
export function pathOf(frame: Frame): { x: number; y: number }[] {
  return Array.from({ length: SAMPLES + 1 }, (_, index) => {
    const supply = frame.low + ((frame.high - frame.low) * BigInt(index)) / BigInt(SAMPLES);
    return { x: across(supply, frame), y: upAt(supply, frame) };
  });
}

/** The lines of the scale: VVV for one DIEM. */
export function linesOf(frame: Frame): Line[] {
  if (frame.view === "near") {
    const { step } = stepsUpTo(frame.top);
    return Array.from({ length: Number(frame.top / step) + 1 }, (_, index) => {
      const value = step * BigInt(index);
      return { at: Number((value * MILLION) / frame.top), value };
    });
  }
  const whole = 2n * cubed(frame.high, frame.target);
  return TENFOLD.map(([value, power]) => ({ at: Number((power * MILLION) / whole), value })).filter(
    (line) => line.at <= Number(MILLION),
  );
}

/** The labels of the supply: round numbers, at most about five. */
export function supplyTicks({ low, high }: Frame): bigint[] {
  const { step } = stepsUpTo(high - low);
  const ticks: bigint[] = [];
  for (let at = ((low + step - 1n) / step) * step; at <= high; at += step) ticks.push(at);
  return ticks;
}

/** (S/T)^3 in millionths. */
function cubed(supply: bigint, target: bigint): bigint {
  return (supply ** 3n * MILLION) / target ** 3n;
}

/** Steps of 1, 2 or 5 times a power of ten, four of them or fewer up to `top`, the first that reaches `most`. */
function stepsUpTo(most: bigint): { step: bigint; top: bigint } {
  const wanted = (most + 3n) / 4n;
  const power = 10n ** BigInt(wanted.toString().length - 1);
  const step = [1n, 2n, 5n, 10n].map((factor) => factor * power).find((each) => each >= wanted) ?? power;
  return { step, top: ((most + step - 1n) / step) * step };
}
