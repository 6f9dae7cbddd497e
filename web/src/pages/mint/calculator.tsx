import { useState } from "react";
import { Link } from "wouter";
import { creditOf } from "../../core/allowance";
import { cap } from "../../core/curve";
import type { View } from "../../core/curveview";
import { type Curve, impact, type Quote, quoteAmount, quoteLock, reachFor } from "../../core/minting";
import { basisPoints, dollars, parseAmount, percent, plain, TOKEN_DECIMALS, tokens } from "../../core/units";
import { texts } from "../../texts/en";
import { AmountField } from "../../ui/amount";
import { Notice } from "../../ui/basics";
import { Picture } from "./picture";

const words = texts.mint;
/** Where nobody is connected: something to play with. */
const REACH_OF_NOBODY = 100n * 10n ** 18n;

/** What a person asked for: so much DIEM, or as much as so much VVV mints. The other one follows, to the wei. */
export type Wish = {
  by: "amount" | "lock";
  text: string;
  /** Kept while the handle is held, so that it does not run away under the hand; null where it follows the figures. */
  reach: bigint | null;
};
export const NO_WISH: Wish = { by: "amount", text: "", reach: null };

/** The quote for a wish; null where there is none, which `problemOf` explains. */
export function quoteFor(wish: Wish, curve: Curve): Quote | null {
  const parsed = parseAmount(wish.text, TOKEN_DECIMALS);
  if (!parsed.ok) return null;
  return wish.by === "amount" ? quoteAmount(parsed.value, curve) : quoteLock(parsed.value, curve);
}

/** The curve, the handle, the two amounts, and what they mean. */
export function Calculator({
  curve,
  wish,
  quote,
  onWish,
  unlocked,
  mintable,
}: {
  curve: Curve;
  wish: Wish;
  quote: Quote | null;
  onWish: (wish: Wish) => void;
  /** Of the connected wallet: wei of VVV that can be locked, and the DIEM which that mints. */
  unlocked: bigint | undefined;
  mintable: bigint | undefined;
}) {
  const [view, setView] = useState<View>("near");
  const parsed = parseAmount(wish.text, TOKEN_DECIMALS);
  const asked = wish.by === "amount" && parsed.ok ? parsed.value : (quote?.amount ?? 0n);
  const room = cap(curve.target) - curve.supply;
  const affordable = mintable === undefined || mintable === 0n ? REACH_OF_NOBODY : mintable;
  const near = wish.reach ?? reachFor(asked > affordable ? asked : affordable);
  const reach = view === "near" ? near : reachFor(room);
  const isAboveCap = wish.by === "amount" && parsed.ok && quote === null;
  return (
    <div className="stack">
      <div className="row apart">
        <p className="small quiet">{view === "near" ? words.nearSays : words.wholeSays}</p>
        <fieldset className="segments">
          <legend className="hidden-visually">{words.view}</legend>
          {(["near", "whole"] as const).map((each) => (
            <button key={each} type="button" aria-pressed={view === each} onClick={() => setView(each)}>
              {words.views[each]}
            </button>
          ))}
        </fieldset>
      </div>
      <Picture
        view={view}
        curve={curve}
        reach={reach}
        amount={quote?.amount ?? 0n}
        quote={quote}
        onAmount={(amount) =>
          onWish({
            by: "amount",
            text: amount === 0n ? "" : plain(amount, TOKEN_DECIMALS),
            reach: view === "near" ? near : null,
          })
        }
      />
      <div className="columns top calculator">
        <AmountField
          label={words.amount}
          unit="DIEM"
          decimals={TOKEN_DECIMALS}
          text={wish.by === "amount" ? wish.text : amountText(quote?.amount)}
          onText={(text) => onWish({ by: "amount", text, reach: null })}
          hint={words.amountHint(mintable === undefined ? null : tokens(mintable))}
        />
        <AmountField
          label={words.lock}
          unit="VVV"
          decimals={TOKEN_DECIMALS}
          text={wish.by === "lock" ? wish.text : amountText(quote?.locked)}
          onText={(text) => onWish({ by: "lock", text, reach: null })}
          available={unlocked}
          {...(unlocked === undefined ? { hint: words.lockHint } : {})}
        />
      </div>
      {isAboveCap && <Notice tone="warn">{words.aboveCap(tokens(room))}</Notice>}
      {unlocked === 0n && (
        <Notice tone="warn" act={<Link href="/stake">{texts.nav.stake}</Link>}>
          {words.nothingUnlocked}
        </Notice>
      )}
      <Meaning quote={quote} unlocked={unlocked} />
    </div>
  );
}

/** What the mint means, in four figures; their places are kept while there are none. */
function Meaning({ quote, unlocked }: { quote: Quote | null; unlocked: bigint | undefined }) {
  const share =
    quote === null || !unlocked || quote.locked > unlocked
      ? null
      : percent(basisPoints(quote.locked, unlocked));
  return (
    <dl className="tiles flat even">
      <Figure
        name={words.average}
        value={quote && `${tokens(quote.average, 2)} VVV`}
        note={words.averageNote}
      />
      <Figure
        name={words.impact}
        value={quote && moved(quote)}
        note={quote && words.impactNote(tokens(quote.rateBefore, 2), tokens(quote.rateAfter, 2))}
      />
      <Figure
        name={words.daily}
        value={quote && words.aDay(dollars(creditOf(quote.amount)))}
        note={words.dailyNote}
      />
      <Figure name={words.share} value={share} note={words.shareNote} />
    </dl>
  );
}

function Figure({ name, value, note }: { name: string; value: string | null; note: string | null }) {
  return (
    <div className="tile">
      <dt>{name}</dt>
      <dd>{value ?? words.noFigure}</dd>
      <dd className="note">{note ?? " "}</dd>
    </div>
  );
}

function moved(quote: Quote): string {
  const points = impact(quote);
  if (points === 0n && quote.rateAfter > quote.rateBefore) return words.hardly;
  return `+${percent(points)}`;
}

function amountText(amount: bigint | undefined): string {
  return amount === undefined ? "" : plain(amount, TOKEN_DECIMALS);
}
