import { epochAt, SECONDS_PER_EPOCH } from "./epochs";
import { dailyCredit } from "./units";

/**
 * The allowance: what the chain gives an account in a day. The same rule as entitlement/core/allowance.py.
 *
 * InferenceStake states a slot (epoch, current, next) by each AllowanceChanged; until it speaks again, `next`
 * holds from the following day on:
 *
 *     slot (5, current 3, next 1)     epoch  4   5   6   7 ...
 *                                     right  ?   3   1   1
 */

/** 0.1 DIEM: less than this gives no credit. */
export const SMALLEST_RIGHT = 10n ** 17n;
/** How long before midnight the newest known block may lie, seconds; beyond that nothing is granted. */
const BLIND_SECONDS_MAX = 3_600;

/** A daily right as the contract stated it, wei of DIEM. */
export type Slot = { epoch: number; current: bigint; next: bigint };

/** One AllowanceChanged of an account. */
export type Stated = Slot & { block: bigint; logIndex: number };

export const NEVER: Slot = { epoch: 0, current: 0n, next: 0n };

/** The right in a day; of a day before the slot's own, zero: the slot no longer says what was. */
export function rightIn(slot: Slot, epoch: number): bigint {
  if (slot.epoch === epoch) return slot.current;
  return slot.epoch < epoch ? slot.next : 0n;
}

/** The daily credit of a right, nano-dollars. */
export function creditOf(right: bigint): bigint {
  return right >= SMALLEST_RIGHT ? dailyCredit(right) : 0n;
}

/**
 * Why one statement cannot follow the other by the contract's rules; null where it can.
 *
 * A stake raises today's right and tomorrow's alike, and so does an exit that is taken back on a later day. All else
 * (an exit, one taken back on its own day, a right that is given or comes back) moves tomorrow's alone. No right falls
 * within its day.
 */
export function breakBetween(before: Slot, after: Slot): "order" | "today" | null {
  if (after.epoch < before.epoch) return "order";
  const today = after.current - rightIn(before, after.epoch);
  const tomorrow = after.next - before.next;
  return today === 0n || (today > 0n && today === tomorrow) ? null : "today";
}

/** Statements in chain order folded: the slot that holds after them, and each that cannot follow the one before. */
export function foldStated(stated: readonly Stated[]): { slot: Slot; breaks: Stated[] } {
  let slot: Slot = NEVER;
  const breaks: Stated[] = [];
  for (const each of stated) {
    if (breakBetween(slot, each) !== null) breaks.push(each);
    slot = { epoch: each.epoch, current: each.current, next: each.next };
  }
  return { slot, breaks };
}

/** The slot after a block. */
export function slotAt(stated: readonly Stated[], block: bigint): Slot {
  return foldStated(stated.filter((each) => each.block <= block)).slot;
}

/** A moment of the chain: a block, and when it was made (Unix seconds). */
export type Moment = { block: bigint; timestamp: number };

/**
 * What the service may grant of a day by a final and a newest block, nano-dollars: until the final block has passed
 * midnight the smaller of both, so that an exit in the day's last minutes is not paid for.
 */
export function allowance(stated: readonly Stated[], final: Moment, latest: Moment, epoch: number): bigint {
  const midnight = epoch * SECONDS_PER_EPOCH;
  if (latest.timestamp < midnight - BLIND_SECONDS_MAX) return 0n;
  const right = rightIn(slotAt(stated, final.block), epoch);
  if (final.timestamp >= midnight) return creditOf(right);
  const newest = rightIn(slotAt(stated, latest.block), epoch);
  return creditOf(newest < right ? newest : right);
}

/** What the contract's own view says at a block, wei of DIEM. */
export type Viewed = { current: bigint; next: bigint };

/** What the service says, and the blocks it says it by; credit in nano-dollars. */
export type Told = { now: bigint; next: bigint; epoch: number; final: Moment; latest: Moment };

export type Verdict =
  /** All three agree. */
  | "agree"
  /** The service counts what is final, and follows the rule exactly; something newer waits. */
  | "waiting"
  /** The service knows blocks that this node does not have yet. */
  | "ahead"
  /** The service is in another day than the newest block. */
  | "day"
  /** The service did not answer: chain and computation agree. */
  | "silent"
  /** The service's figure does not follow from the chain. */
  | "service"
  /** The logs do not give what the contract says: the node left some out, or invented. */
  | "node"
  /** The logs contradict each other. */
  | "broken";

/** Hold all three against each other, at the newest block that was read. */
export function judge(stated: readonly Stated[], head: Moment, viewed: Viewed, told: Told | null): Verdict {
  const { slot, breaks } = foldStated(stated);
  if (breaks.length > 0) return "broken";
  const epoch = epochAt(head.timestamp);
  const current = rightIn(slot, epoch);
  if (current !== viewed.current || slot.next !== viewed.next) return "node";
  if (told === null) return "silent";
  if (told.latest.block > head.block) return "ahead";
  const expected = {
    now: allowance(stated, told.final, told.latest, told.epoch),
    next: creditOf(rightIn(slotAt(stated, told.latest.block), told.epoch + 1)),
  };
  if (told.now !== expected.now || told.next !== expected.next) return "service";
  if (told.epoch !== epoch) return "day";
  return told.now === creditOf(current) && told.next === creditOf(slot.next) ? "agree" : "waiting";
}
