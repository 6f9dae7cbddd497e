import { useMemo } from "react";
import { cap, rate } from "../../core/curve";
import { across, frameOf, linesOf, pathOf, supplyTicks, upAt, type View } from "../../core/curveview";
import { amountAt, type Curve, type Quote, stepOf } from "../../core/minting";
import { show, tokens } from "../../core/units";
import { texts } from "../../texts/en";
import { useWidth } from "../../ui/width";

const HEIGHT = 270;
const LEFT = 58;
const RIGHT = 16;
const TOP = 30;
const BOTTOM = 30;
/** Of the handle that the browser draws, and we do not show: its middle goes from half of it to half before the end. */
const THUMB = 28;
const words = texts.mint;

/**
 * The curve with a handle to drag along it. The handle is the browser's own slider, laid over the picture unseen:
 * so fingers, mouse, keyboard and screen readers have what they know, and the picture draws where it stands.
 */
export function Picture({
  view,
  curve,
  reach,
  amount,
  quote,
  onAmount,
}: {
  view: View;
  curve: Curve;
  /** The amount at the end of the handle's way. */
  reach: bigint;
  amount: bigint;
  quote: Quote | null;
  onAmount: (amount: bigint) => void;
}) {
  const [element, width] = useWidth<HTMLDivElement>(640);
  const { supply, target } = curve;
  const room = cap(target) - supply;
  const frame = useMemo(
    () => frameOf(view, { supply, target }, reach < room ? reach : room),
    [view, supply, target, reach, room],
  );
  const points = useMemo(() => pathOf(frame), [frame]);

  const inside = width - LEFT - RIGHT;
  const x = (millionths: number) => LEFT + (inside * millionths) / 1e6;
  const y = (millionths: number) => HEIGHT - BOTTOM - ((HEIGHT - BOTTOM - TOP) * millionths) / 1e6;
  const end = supply + amount > cap(target) ? cap(target) : supply + amount;
  const shown = end > frame.high ? frame.high : end;
  const most = stepOf(room < reach ? room : reach, reach);
  const from = x(across(supply, frame));
  const to = x(across(supply + amountAt(most, reach, room), frame));
  const told =
    quote === null
      ? words.handleNone
      : words.handleAt(tokens(amount), tokens(quote.locked, 2), tokens(quote.rateAfter, 2));
  const base = HEIGHT - BOTTOM;
  return (
    <div className="curve" ref={element}>
      <input
        type="range"
        aria-label={words.handle}
        aria-valuetext={told}
        min={0}
        max={most}
        step={1}
        value={Math.min(most, stepOf(amount, reach))}
        onChange={(event) => onAmount(amountAt(Number(event.target.value), reach, room))}
        style={{ left: from - THUMB / 2, width: Math.max(THUMB, to - from + THUMB) }}
      />
      <svg className="plot" viewBox={`0 0 ${width} ${HEIGHT}`} height={HEIGHT} aria-hidden="true">
        {linesOf(frame).map((line) => (
          <g key={String(line.value)}>
            <line className="grid" x1={LEFT} x2={width - RIGHT} y1={y(line.at)} y2={y(line.at)} />
            <text x={LEFT - 8} y={y(line.at) + 4} textAnchor="end">
              {tokens(line.value, 2)}
            </text>
          </g>
        ))}
        <line className="axis" x1={LEFT} x2={width - RIGHT} y1={base} y2={base} />
        {ticksFor(frame, width).map((tick) => (
          <text key={String(tick)} x={x(across(tick, frame))} y={HEIGHT - 9} textAnchor="middle">
            {tokens(tick, 2)}
          </text>
        ))}
        <path className="area minted" d={area(points, frame.low, supply)} />
        {amount > 0n && <path className="area locks" d={area(points, supply, shown)} />}
        <path className="line" d={path(points.map((point) => [x(point.x), y(point.y)]))} />
        {upright(target, words.targetAt(tokens(target, 0)))}
        {upright(cap(target), words.capAt(tokens(cap(target), 0)))}
        <circle className="present" cx={from} cy={y(upAt(supply, frame))} r="5" />
        <g className="handle">
          <line
            x1={x(across(shown, frame))}
            x2={x(across(shown, frame))}
            y1={y(upAt(shown, frame))}
            y2={base}
          />
          <circle className="halo" cx={x(across(shown, frame))} cy={y(upAt(shown, frame))} r="17" />
          <circle className="knob" cx={x(across(shown, frame))} cy={y(upAt(shown, frame))} r="9" />
          <text
            x={clamp(x(across(shown, frame)), LEFT + 40, width - RIGHT - 40)}
            y={y(upAt(shown, frame)) - 18}
            textAnchor="middle"
          >
            {words.rateOf(show(quote?.rateAfter ?? rate(supply, target), 18, 1, 1))}
          </text>
        </g>
      </svg>
    </div>
  );

  /** The area below the curve between two supplies, both cut to what is in the picture. */
  function area(all: readonly { x: number; y: number }[], low: bigint, high: bigint): string {
    const [first, last] = [across(low, frame), across(high, frame)];
    if (last <= first) return "";
    const between = all.filter((point) => point.x > first && point.x < last);
    return `${path([
      [x(first), base],
      [x(first), y(upAt(low, frame))],
      ...between.map((point): [number, number] => [x(point.x), y(point.y)]),
      [x(last), y(upAt(high, frame))],
      [x(last), base],
    ])}Z`;
  }

  /** A supply that matters, where it is in the picture. */
  function upright(at: bigint, name: string) {
    if (at <= frame.low || at > frame.high) return null;
    const place = x(across(at, frame));
    return (
      <g className="upright">
        <line x1={place} x2={place} y1={TOP - 10} y2={base} />
        <text x={place - 5} y={TOP - 14} textAnchor={place > width - 60 ? "end" : "middle"}>
          {name}
        </text>
      </g>
    );
  }
}

function ticksFor(frame: Parameters<typeof supplyTicks>[0], width: number): bigint[] {
  const all = supplyTicks(frame);
  return width < 420 ? all.filter((_, index) => index % 2 === 0) : all;
}

function path(places: readonly (readonly [number, number])[]): string {
  return places
    .map(([left, top], index) => `${index === 0 ? "M" : "L"}${left.toFixed(2)} ${top.toFixed(2)}`)
    .join("");
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
