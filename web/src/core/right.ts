/**
 * What an act does to the daily right, as InferenceStake keeps it. Amounts are wei of DIEM, times Unix seconds.
 */
import { epochAt, SECONDS_PER_EPOCH } from "./epochs";

/** From the request of an exit until its ticket is due: InferenceStake's cooldown. */
export const EXIT_SECONDS = 86_400;
/** The furthest last day of a delegation, counted from today: InferenceStake's TERM_MAXIMUM. */
export const TERM_DAYS_MAX = 366;

/** What an account may spend today and tomorrow. */
export type Right = { current: bigint; next: bigint };

/** A stake counts today and tomorrow. */
export function afterStake(right: Right, amount: bigint): Right {
  return { current: right.current + amount, next: right.next + amount };
}

/** The request of an exit, or a delegation given or ended, moves tomorrow only. */
export function afterMove(right: Right, amount: bigint): Right {
  return { current: right.current, next: right.next + amount };
}

/**
 * A ticket that is taken back. On the day of its request today's right was never lost; on a later one nobody has
 * today's dollar of this DIEM, and it counts at once.
 */
export function afterCancel(right: Right, amount: bigint, claimableAt: number, now: number): Right {
  const isSameDay = epochAt(claimableAt - EXIT_SECONDS) === epochAt(now);
  return isSameDay ? afterMove(right, amount) : afterStake(right, amount);
}

/** The last day of a delegation that is at least promised must lie between these epochs, both allowed. */
export function termBounds(today: number): { first: number; last: number } {
  return { first: today + 1, last: today + TERM_DAYS_MAX };
}

/** The epoch of a day as a date field has it, `2026-12-24`; null for anything that is no such day. */
export function epochOfDay(text: string): number | null {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return null;
  const milliseconds = Date.parse(`${text}T00:00:00Z`);
  if (Number.isNaN(milliseconds)) return null;
  // The 30th of February is read as the 2nd of March: only what reads back the same is a day.
  if (new Date(milliseconds).toISOString().slice(0, 10) !== text) return null;
  return Math.floor(milliseconds / 1_000 / SECONDS_PER_EPOCH);
}
