import type { Address } from "viem";
import { callOf, type Plan } from "../../chain/calls";
import { contracts } from "../../chain/contracts";
import { PRO_STAKE } from "../../core/tiers";
import { exactTokens, tokens } from "../../core/units";
import { texts } from "../../texts/en";
import type { Change } from "../../ui/act";
import { type Holdings, yearOf } from "./holdings";

const t = texts.stake;

/** Put VVV in for `owner`, to whom it belongs from then on. */
export function stakePlan(amount: bigint, owner: Address, isOwn: boolean): Plan {
  return {
    summary: isOwn ? t.sumStake(exactTokens(amount)) : t.sumStakeFor(exactTokens(amount), owner),
    call: callOf(contracts.StakedVVV, "stake", [owner, amount]),
    spend: {
      token: "VVV",
      spender: contracts.StakedVVV.address,
      amount,
      withPermit: ({ deadline, v, r, s }) =>
        callOf(contracts.StakedVVV, "stakeWithPermit", [owner, amount, deadline, v, r, s]),
    },
  };
}

/** Take VVV out of work; it can be claimed with a ticket when its time has passed. */
export function exitPlan(amount: bigint): Plan {
  return {
    summary: t.sumExit(exactTokens(amount)),
    call: callOf(contracts.StakedVVV, "requestUnstake", [amount]),
  };
}

export function claimRewardsPlan(): Plan {
  return { summary: t.sumClaim, call: callOf(contracts.StakedVVV, "claim", []) };
}

export function compoundPlan(): Plan {
  return { summary: t.sumCompound, call: callOf(contracts.StakedVVV, "compound", []) };
}

/** The figures of a wallet that an act moves, now and after it. Amounts in wei; what is not named stays. */
export function changesOf(
  holdings: Holdings,
  moved: { wallet?: bigint; unlocked?: bigint; cooling?: bigint; rewards?: bigint },
): Change[] {
  const { wallet = 0n, unlocked = 0n, cooling = 0n, rewards = 0n } = moved;
  const line = (name: string, before: bigint, by: bigint): Change[] =>
    by === 0n ? [] : [{ name, now: vvv(before), after: vvv(before + by) }];
  const changes = [
    ...line(t.inWallet, holdings.wallet, wallet),
    ...line(t.unlocked, holdings.unlocked, unlocked),
    ...line(t.cooling, holdings.cooling, cooling),
    ...line(t.rewards, holdings.pending, rewards),
  ];
  if (unlocked === 0n) return changes;
  const staked = holdings.unlocked + holdings.locked;
  const [was, will] = [staked >= PRO_STAKE, staked + unlocked >= PRO_STAKE];
  changes.push({ name: t.yearly, now: vvv(yearOf(holdings)), after: vvv(yearOf(holdings, unlocked)) });
  if (was !== will) changes.push({ name: t.proByStake, now: t.yesNo(was), after: t.yesNo(will) });
  return changes;
}

function vvv(wei: bigint): string {
  return `${tokens(wei)} VVV`;
}
