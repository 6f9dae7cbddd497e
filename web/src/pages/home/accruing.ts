import { useEffect, useRef, useState } from "react";
import { useHead, useOwnOnChain, useSystem } from "../../chain/reading";
import { type Accrual, earnedIn, rewardsAfter } from "../../core/rewards";

const DAY_SECONDS = 86_400n;

/**
 * Rewards that grow each second from the newest block's figure on.
 *
 * The time that passes is counted from when the block was seen here, by this browser's steady clock: never longer
 * than what has passed on the chain, however wrong the reader's clock is. Without a node it stands still.
 */
export function useAccruing(): { now: bigint; aDay: bigint } | undefined {
  const { data: account } = useOwnOnChain();
  const { data: system } = useSystem();
  const { isError: isNodeAway } = useHead();
  const seen = useRef<{ accrual: Accrual; since: number } | null>(null);
  const [, tick] = useState(0);

  useEffect(() => {
    if (isNodeAway) return;
    const timer = setInterval(() => tick((count) => count + 1), 1_000);
    return () => clearInterval(timer);
  }, [isNodeAway]);

  if (account === undefined) {
    seen.current = null;
    return undefined;
  }
  // Both are asked for at the same block; for a moment only one of them has come.
  if (system !== undefined && system.timestamp === account.timestamp) {
    const accrual: Accrual = {
      at: account.timestamp,
      pending: account.stake.pendingRewards,
      unlocked: account.stake.unlocked,
      locked: account.stake.locked,
      total: system.vvv.staked,
      rate: system.vvv.emissionRate,
      settledAt: system.vvv.lastRewardTimestamp,
    };
    if (!isSame(seen.current?.accrual, accrual)) seen.current = { accrual, since: performance.now() };
  }
  if (seen.current === null) return { now: account.stake.pendingRewards, aDay: 0n };
  const { accrual, since } = seen.current;
  const elapsed = BigInt(Math.floor((performance.now() - since) / 1_000));
  return { now: rewardsAfter(accrual, elapsed), aDay: earnedIn(accrual, DAY_SECONDS) };
}

function isSame(one: Accrual | undefined, other: Accrual): boolean {
  return (
    one !== undefined && (Object.keys(other) as (keyof Accrual)[]).every((key) => one[key] === other[key])
  );
}
