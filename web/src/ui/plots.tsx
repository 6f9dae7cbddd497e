/**
 * Plots as SVG, without a library: values are bigint, and only their place on the screen (tenths of a pixel) is
 * computed from them, by whole-number division. They are drawn to the width that there is, so that letters keep
 * their size on a phone.
 */

import { useWidth } from "./width";

/** Until the element is measured. */
const FIRST_WIDTH = 640;
const HEIGHT = 240;
/** Pixels that a label below needs. */
const LABEL_ROOM = 64;
const LEFT = 56;
const RIGHT = 12;
const TOP = 12;
const BOTTOM = 28;

export type Tick = { at: bigint; label: string };

/** A place between two screen coordinates, in tenths of a pixel. */
function place(value: bigint, low: bigint, high: bigint, from: number, to: number): number {
  const span = high - low;
  if (span <= 0n) return from;
  const tenths = ((value - low) * BigInt(Math.round((to - from) * 10))) / span;
  return from + Number(tenths) / 10;
}

export type Bar = { label: string; values: readonly bigint[]; told: string };

/** Bars by day or by name; several values stand on each other. */
export function BarPlot({
  title,
  bars,
  beside,
}: {
  title: string;
  bars: readonly Bar[];
  beside: readonly Tick[];
}) {
  const most = bars.reduce((best, bar) => {
    const sum = bar.values.reduce((total, value) => total + value, 0n);
    return sum > best ? sum : best;
  }, beside.at(-1)?.at ?? 1n);
  const [element, whole] = useWidth<HTMLDivElement>(FIRST_WIDTH);
  // While it is not laid out, its width is next to nothing; what is drawn then is not seen, but is drawn.
  const room = Math.max(1, (whole - LEFT - RIGHT) / Math.max(1, bars.length));
  const width = Math.min(42, room * 0.66);
  const y = (value: bigint) => place(value, 0n, most, HEIGHT - BOTTOM, TOP);
  const every = Math.max(1, Math.ceil(LABEL_ROOM / Math.max(1, room)));
  return (
    <div ref={element}>
      <svg className="plot" viewBox={`0 0 ${whole} ${HEIGHT}`} role="img" aria-label={title}>
        <title>{title}</title>
        <Axes
          whole={whole}
          below={bars.flatMap((bar, index) =>
            index % every === 0 ? [{ at: LEFT + room * (index + 0.5), label: bar.label }] : [],
          )}
          beside={beside.map((tick) => ({ at: y(tick.at), label: tick.label }))}
        />
        {bars.map((bar, index) => {
          let reached = 0n;
          return (
            <g key={bar.label}>
              <title>{bar.told}</title>
              {bar.values.map((value, series) => {
                const from = y(reached);
                reached += value;
                const height = Math.max(value > 0n ? 1 : 0, from - y(reached));
                return (
                  <rect
                    key={series}
                    className={`series-${series + 1}`}
                    x={LEFT + room * (index + 0.5) - width / 2}
                    y={from - height}
                    width={width}
                    height={height}
                    rx="2"
                  />
                );
              })}
            </g>
          );
        })}
      </svg>
    </div>
  );
}

function Axes({
  whole,
  below,
  beside,
}: {
  whole: number;
  below: { at: number; label: string }[];
  beside: { at: number; label: string }[];
}) {
  return (
    <>
      {beside.map((tick) => (
        <g key={tick.label}>
          <line className="grid" x1={LEFT} x2={whole - RIGHT} y1={tick.at} y2={tick.at} />
          <text x={LEFT - 8} y={tick.at + 4} textAnchor="end">
            {tick.label}
          </text>
        </g>
      ))}
      <line className="axis" x1={LEFT} x2={whole - RIGHT} y1={HEIGHT - BOTTOM} y2={HEIGHT - BOTTOM} />
      {below.map((tick) => (
        <text key={tick.label} x={tick.at} y={HEIGHT - 8} textAnchor="middle">
          {tick.label}
        </text>
      ))}
    </>
  );
}

/** Round ticks from zero to at least `most`: 1, 2 or 5 times a power of ten apart, at most `parts` of them. */
export function ticksUpTo(most: bigint, label: (value: bigint) => string, parts = 4): Tick[] {
  const wanted = most <= 0n ? 1n : (most + BigInt(parts) - 1n) / BigInt(parts);
  const power = 10n ** BigInt(wanted.toString().length - 1);
  const step = [1n, 2n, 5n, 10n].map((factor) => factor * power).find((each) => each >= wanted) ?? wanted;
  const count = Number((most + step - 1n) / step) || 1;
  return Array.from({ length: count + 1 }, (_, index) => ({
    at: step * BigInt(index),
    label: label(step * BigInt(index)),
  }));
}
