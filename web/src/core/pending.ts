/** What of a wallet's position the chain could still take back: the newest block's figures against the final one's. */

/** What a position consists of, as far as a person cares whether it is final. */
export const PENDING_FIELDS = [
  "vvv_unlocked",
  "vvv_locked",
  "vvv_cooling",
  "diem_minted",
  "diem_staked",
  "diem_cooling",
  "diem_given",
  "diem_received",
] as const;

export type PendingField = (typeof PENDING_FIELDS)[number];
/** Wei as decimal text, as the service sends it. */
export type Amounts = Record<PendingField, string>;

/** What differs, and by how much: above zero where there is more at the newest block. */
export function pendingIn(latest: Amounts, final: Amounts): { field: PendingField; change: bigint }[] {
  return PENDING_FIELDS.map((field) => ({
    field,
    change: BigInt(latest[field]) - BigInt(final[field]),
  })).filter(({ change }) => change !== 0n);
}
