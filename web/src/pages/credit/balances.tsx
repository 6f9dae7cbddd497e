import type { ReactNode } from "react";
import { useAccount } from "../../api/queries";
import { amount, optional, words as text, understood, whole } from "../../api/understanding";
import { useNow } from "../../chain/reading";
import { day, epochAt, moment } from "../../core/epochs";
import { dollars } from "../../core/units";
import type { AccountOut } from "../../generated/api";
import { texts } from "../../texts/en";
import { Notice, Tile } from "../../ui/basics";

export type Credit = {
  available: bigint;
  held: bigint;
  daily: bigint;
  share: bigint;
  /** Prepaid, and bundled with a membership. */
  paidFor: bigint;
  resetsAt: number;
  tier: string;
  subscribedUntil: number | null;
};

/** The account's credit by where it is from, in nano-dollars. Throws ServiceError. */
export function creditOf(account: AccountOut): Credit {
  return understood(() => {
    const { balance, tier } = account;
    const share = amount(balance.pro_rata);
    return {
      available: amount(balance.available),
      held: amount(balance.held),
      daily: amount(balance.diem),
      share,
      paidFor: amount(balance.usd) - share,
      resetsAt: whole(balance.resets_at),
      tier: text(tier.name),
      subscribedUntil: optional(tier.subscribed_until, whole),
    };
  });
}

/** The credit of who is signed in; undefined while it is not known. */
export function useCredit(): { credit: Credit | undefined; isUnreadable: boolean } {
  const { data } = useAccount();
  if (data === undefined) return { credit: undefined, isUnreadable: false };
  try {
    return { credit: creditOf(data), isUnreadable: false };
  } catch {
    return { credit: undefined, isUnreadable: true };
  }
}

/** What there is to spend, and from where. */
export function Balances() {
  const words = texts.credit;
  const { credit, isUnreadable } = useCredit();
  const now = useNow();
  if (isUnreadable) return <Notice tone="bad">{texts.service.malformed}</Notice>;
  const shown = (nano: bigint | undefined) => (nano === undefined ? undefined : dollars(nano));
  return (
    <section aria-label={words.yours} className="tiles">
      <Tile
        name={words.available}
        value={shown(credit?.available)}
        note={
          credit !== undefined && credit.held > 0n ? `${words.held}: ${dollars(credit.held)}` : words.heldNone
        }
      />
      <Tile
        name={words.daily}
        value={shown(credit?.daily)}
        note={credit === undefined ? " " : words.dailyNote(moment(credit.resetsAt).slice(11))}
      />
      {credit !== undefined && credit.share > 0n && <Tile name={words.share} value={shown(credit.share)} />}
      <Tile name={words.dollar} value={shown(credit?.paidFor)} note={words.dollarNote} />
      <Tile
        name={words.tier}
        value={credit === undefined ? undefined : (words.tierNames[credit.tier] ?? credit.tier)}
        note={credit === undefined ? " " : standing(credit, now)}
      />
    </section>
  );
}

function standing(credit: Credit, now: number): ReactNode {
  const words = texts.credit;
  const until = credit.subscribedUntil;
  if (until !== null && until > now) return words.proUntil(day(epochAt(until)));
  return credit.tier === "pro" ? words.proByStake : words.proNot;
}
