import { useState } from "react";
import { useConnection } from "wagmi";
import { Link } from "wouter";
import { callOf, type Plan } from "../../chain/calls";
import { contracts } from "../../chain/contracts";
import { useNow, useSystem } from "../../chain/reading";
import { SMALLEST_RIGHT } from "../../core/allowance";
import { afterMove, afterStake, EXIT_SECONDS } from "../../core/right";
import { TOKEN_DECIMALS, tokens } from "../../core/units";
import { texts } from "../../texts/en";
import { Act } from "../../ui/act";
import { AmountField, usableAmount } from "../../ui/amount";
import { Notice, Panel } from "../../ui/basics";
import { type Account, dailyChanges } from "./own";

const words = texts.right;

/** DIEM from the wallet into the station: credit today and every day. */
export function Staking({ account }: { account: Account | undefined }) {
  const { address } = useConnection();
  const { data: system } = useSystem();
  const [text, setText] = useState("");
  const held = account?.diem.balance;
  const amount = usableAmount(text, TOKEN_DECIMALS, held);
  const added = amount ?? 0n;
  const after = account && afterStake(account.right, added);
  return (
    <Panel title={words.stakeTitle}>
      <div className="stack">
        <AmountField
          label={words.stakeAmount}
          unit="DIEM"
          decimals={TOKEN_DECIMALS}
          text={text}
          onText={setText}
          available={held}
        />
        {held === 0n && (
          <Notice act={<Link href="/mint">{texts.nav.mint}</Link>}>{words.nothingToStake}</Notice>
        )}
        <Act
          label={amount === null ? words.stake : words.stakeAct(tokens(amount))}
          plan={amount === null || address === undefined ? null : stakePlan(address, amount)}
          blocked={
            system?.pause.isPaused ? texts.refusals.EntriesArePaused([system.pause.pausedUntil]) : undefined
          }
          changes={
            account === undefined || after === undefined
              ? []
              : [
                  {
                    name: words.held,
                    now: tokens(account.diem.balance),
                    after: tokens(account.diem.balance - added),
                  },
                  {
                    name: words.staked,
                    now: tokens(account.right.staked),
                    after: tokens(account.right.staked + added),
                  },
                  ...dailyChanges(account.right, after),
                ]
          }
          risks={[
            ...(after !== undefined && amount !== null && after.next < SMALLEST_RIGHT
              ? [words.riskSmall]
              : []),
            words.riskFinal,
            words.riskDaily,
            words.riskExit,
          ]}
          onSent={() => setText("")}
        />
      </div>
    </Panel>
  );
}

function stakePlan(address: `0x${string}`, amount: bigint): Plan {
  return {
    summary: words.stakeAct(tokens(amount)),
    call: callOf(contracts.InferenceStake, "stake", [address, amount]),
    spend: {
      token: "DIEM",
      spender: contracts.InferenceStake.address,
      amount,
      withPermit: ({ deadline, v, r, s }) =>
        callOf(contracts.InferenceStake, "stakeWithPermit", [address, amount, deadline, v, r, s]),
    },
  };
}

/** DIEM on its way out: today's dollar stays, tomorrow's goes. */
export function Exiting({ account }: { account: Account | undefined }) {
  const now = useNow();
  const [text, setText] = useState("");
  const free = account && account.right.staked - account.right.delegated;
  const amount = usableAmount(text, TOKEN_DECIMALS, free);
  const taken = amount ?? 0n;
  return (
    <Panel title={words.exitTitle}>
      <div className="stack">
        <AmountField
          label={words.exitAmount}
          unit="DIEM"
          decimals={TOKEN_DECIMALS}
          text={text}
          onText={setText}
          available={free}
        />
        {account !== undefined && account.right.delegated > 0n && (
          <Notice>{words.exitGiven(tokens(account.right.delegated))}</Notice>
        )}
        <Act
          label={amount === null ? words.exit : words.exitAct(tokens(amount))}
          plan={
            amount === null
              ? null
              : {
                  summary: words.exitAct(tokens(amount)),
                  call: callOf(contracts.InferenceStake, "requestUnstake", [amount]),
                }
          }
          changes={
            account === undefined
              ? []
              : [
                  {
                    name: words.staked,
                    now: tokens(account.right.staked),
                    after: tokens(account.right.staked - taken),
                  },
                  {
                    name: words.cooling,
                    now: tokens(account.right.cooling),
                    after: tokens(account.right.cooling + taken),
                  },
                  ...dailyChanges(account.right, afterMove(account.right, -taken)),
                ]
          }
          waits={amount === null ? [] : [{ name: words.claimable, at: now + EXIT_SECONDS }]}
          risks={[words.riskToday, words.riskTicket]}
          onSent={() => setText("")}
        />
      </div>
    </Panel>
  );
}
