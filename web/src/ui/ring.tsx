import { texts } from "../texts/en";

const RADIUS = 70;
const ROUND = 2 * Math.PI * RADIUS;

/** A share of a whole as a ring, in ten-thousandths, with words inside. */
export function Ring({
  points,
  value,
  name,
  note,
}: {
  /** 0 to 10,000. Undefined while it is not known. */
  points: bigint | undefined;
  value: string | undefined;
  name: string;
  note: string;
}) {
  const share = points === undefined ? 0 : Number(points) / 10_000;
  const told = `${name}: ${value ?? texts.loading}. ${note}`;
  return (
    <svg className="ring" viewBox="0 0 180 180" role="img" aria-label={told}>
      <title>{told}</title>
      <circle className="track" cx="90" cy="90" r={RADIUS} />
      <circle
        className={`arc ${share < 0.2 ? "low" : ""}`}
        cx="90"
        cy="90"
        r={RADIUS}
        strokeDasharray={ROUND}
        strokeDashoffset={ROUND * (1 - Math.min(1, Math.max(0, share)))}
        transform="rotate(-90 90 90)"
      />
      <text x="90" y="86" className="value">
        {value ?? "…"}
      </text>
      <text x="90" y="108" className="note">
        {note}
      </text>
    </svg>
  );
}
