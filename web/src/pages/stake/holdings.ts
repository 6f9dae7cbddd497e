import { useOwnOnChain, useSystem } from "../../chain/reading";
import { yearlyReward } from "../../core/yearly";

/** What the connected wallet has of VVV and what all have staked, of one block each. Amounts in wei. */
export type Holdings = {
  wallet: bigint;
  unlocked: bigint;
  locked: bigint;
  cooling: bigint;
  pending: bigint;
  emission: bigint;
  total: bigint;
};

/** Undefined while it is not known. */
export function useHoldings(): Holdings | undefined {
  const { data: account } = useOwnOnChain();
  const { data: system } = useSystem();
  if (account === undefined || system === undefined) return undefined;
  return {
    wallet: account.vvv.balance,
    unlocked: account.stake.unlocked,
    locked: account.stake.locked,
    cooling: account.stake.cooling,
    pending: account.stake.pendingRewards,
    emission: system.vvv.emissionRate,
    total: system.vvv.staked,
  };
}

/** Wei of VVV a year as things stand, if the unlocked stake were `moved` wei more or less. */
export function yearOf(holdings: Holdings, moved = 0n): bigint {
  return yearlyReward(holdings.unlocked + moved, holdings.locked, holdings.emission, holdings.total + moved);
}
