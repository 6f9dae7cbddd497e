import { useState } from "react";
import { useConnection } from "wagmi";
import { TOKEN_DECIMALS } from "../../core/units";
import { texts } from "../../texts/en";
import { Act } from "../../ui/act";
import { AmountField, usableAmount } from "../../ui/amount";
import type { Holdings } from "./holdings";
import { changesOf, stakePlan } from "./plans";
import { RecipientField, useRecipient } from "./recipient";

const t = texts.stake;

/** Put VVV in: for oneself, or on purpose for another. */
export function StakeForm({ holdings }: { holdings: Holdings | undefined }) {
  const { address } = useConnection();
  const [text, setText] = useState("");
  const recipient = useRecipient();
  const amount = usableAmount(text, TOKEN_DECIMALS, holdings?.wallet);
  const { owner, isOwn } = recipient;
  const isReady = holdings !== undefined && address !== undefined && amount !== null && owner !== null;
  const changes =
    holdings === undefined || amount === null
      ? []
      : changesOf(holdings, { wallet: -amount, unlocked: isOwn ? amount : 0n });
  return (
    <div className="stack">
      <AmountField
        label={t.stakeAmount}
        unit="VVV"
        decimals={TOKEN_DECIMALS}
        text={text}
        onText={setText}
        available={holdings?.wallet}
      />
      <RecipientField state={recipient} />
      <Act
        label={t.stake}
        plan={isReady ? stakePlan(amount, owner, isOwn) : null}
        changes={changes}
        risks={amount === null ? [] : isOwn ? t.stakeRisks : t.stakeForRisks}
        blocked={amount === null ? undefined : recipient.blocked}
        onSent={() => {
          setText("");
          recipient.clear();
        }}
      />
    </div>
  );
}
