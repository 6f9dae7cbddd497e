import { useState } from "react";
import { Link } from "wouter";
import { useNow } from "../../chain/reading";
import { VVV_EXIT_SECONDS } from "../../core/tickets";
import { PRO_STAKE } from "../../core/tiers";
import { TOKEN_DECIMALS, tokens } from "../../core/units";
import { texts } from "../../texts/en";
import { Act } from "../../ui/act";
import { AmountField, usableAmount } from "../../ui/amount";
import type { Holdings } from "./holdings";
import { changesOf, exitPlan } from "./plans";

const t = texts.stake;

/** Request an exit: only of what is not locked behind DIEM. */
export function ExitForm({ holdings }: { holdings: Holdings | undefined }) {
  const [text, setText] = useState("");
  const now = useNow();
  const amount = usableAmount(text, TOKEN_DECIMALS, holdings?.unlocked);
  const risks = [...t.exitRisks];
  if (holdings !== undefined && amount !== null) {
    const staked = holdings.unlocked + holdings.locked;
    if (staked >= PRO_STAKE && staked - amount < PRO_STAKE) risks.push(t.exitEndsPro(tokens(PRO_STAKE)));
  }
  return (
    <div className="stack">
      <AmountField
        label={t.exitAmount}
        unit="VVV"
        decimals={TOKEN_DECIMALS}
        text={text}
        onText={setText}
        available={holdings?.unlocked}
        {...(holdings === undefined ? {} : { hint: t.exitAvailable(tokens(holdings.unlocked)) })}
      />
      {holdings !== undefined && holdings.locked > 0n && (
        <p className="small aside">
          {t.lockedHint(tokens(holdings.locked))} <Link href="/mint">{t.burnLink}</Link>
        </p>
      )}
      <Act
        label={t.exit}
        plan={amount === null ? null : exitPlan(amount)}
        changes={
          holdings === undefined || amount === null
            ? []
            : changesOf(holdings, { unlocked: -amount, cooling: amount })
        }
        waits={amount === null ? [] : [{ name: t.claimFrom, at: now + VVV_EXIT_SECONDS }]}
        risks={amount === null ? [] : risks}
        onSent={() => setText("")}
      />
    </div>
  );
}
