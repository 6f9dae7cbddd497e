/** How many blocks a node is asked about at once: as many as it takes, found out as it answers. */

export const LONGEST_SPAN = 1_000_000n;

/** Twice as many after an answer, half as many after a refusal; at least one. */
export function nextSpan(span: bigint, wasAnswered: boolean): bigint {
  if (!wasAnswered) return span > 1n ? span / 2n : 1n;
  return span * 2n < LONGEST_SPAN ? span * 2n : LONGEST_SPAN;
}
