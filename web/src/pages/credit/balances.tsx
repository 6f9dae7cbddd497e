import type { ReactNode } from "react";
import { type Credit, useCredit } from "../../api/credit";
import { useNow } from "../../chain/reading";
import { day, epochAt, moment } from "../../core/epochs";
import { dollars } from "../../core/units";
import { texts } from "../../texts/en";
import { Notice, Tile } from "../../ui/basics";

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
      {credit !== undefined && credit.bundledUntil !== null && (
        <Tile
          name={words.bundledTile}
          value={shown(credit.bundled)}
          note={words.bundledNote(moment(credit.bundledUntil))}
        />
      )}
      <Tile name={words.prepaidTile} value={shown(credit?.prepaid)} note={words.prepaidNote} />
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
