import { useState } from "react";
import { Link } from "wouter";
import { callOf } from "../../chain/calls";
import { contracts } from "../../chain/contracts";
import { type Curve, perDiem, renewal, unlockFor } from "../../core/minting";
import { TOKEN_DECIMALS, tokens } from "../../core/units";
import { texts } from "../../texts/en";
import { Act } from "../../ui/act";
import { AmountField, usableAmount } from "../../ui/amount";
import { Notice, Panel, Tile } from "../../ui/basics";
import type { Account } from "./minting";

const words = texts.mint;

/** What was locked and minted, and what that means today. */
export function OwnPosition({ account, curve }: { account: Account | undefined; curve: Curve }) {
  const position = account?.position;
  const anew = position === undefined ? undefined : renewal(position, curve);
  return (
    <Panel title={words.position}>
      <div className="tiles flat even">
        <Tile
          name={words.locked}
          value={position && `${tokens(position.locked, 2)} VVV`}
          note={words.lockedNote}
        />
        <Tile
          name={words.minted}
          value={position && `${tokens(position.minted)} DIEM`}
          note={words.mintedNote}
        />
        <Tile
          name={words.ownAverage}
          value={position && `${tokens(perDiem(position.locked, position.minted), 2)} VVV`}
          note={words.ownAverageNote}
        />
        <Tile
          name={words.anew}
          value={anew === undefined ? undefined : anew === null ? words.noFigure : `${tokens(anew, 2)} VVV`}
          note={words.anewNote}
        />
      </div>
    </Panel>
  );
}

/** Burn DIEM and set one's own lock free. */
export function Burning({ account, curve }: { account: Account | undefined; curve: Curve }) {
  const [text, setText] = useState("");
  const minted = account?.position.minted;
  const held = account?.diem.balance;
  const available = minted === undefined || held === undefined ? undefined : minted < held ? minted : held;
  const amount = usableAmount(text, TOKEN_DECIMALS, available);
  return (
    <Panel title={words.burnTitle}>
      <p className="quiet">{words.burnSays}</p>
      <div className="columns top">
        <div className="stack">
          <AmountField
            label={words.burnAmount}
            unit="DIEM"
            decimals={TOKEN_DECIMALS}
            text={text}
            onText={setText}
            available={available}
          />
          {account !== undefined && <Short account={account} />}
        </div>
        <Act
          label={amount === null ? words.burn : words.burnAct(tokens(amount))}
          plan={
            amount === null
              ? null
              : {
                  summary: words.burnAct(tokens(amount)),
                  call: callOf(contracts.DiemMint, "burnDiem", [amount]),
                }
          }
          changes={account === undefined ? [] : changesOf(account, amount ?? 0n)}
          risks={risksOf(account, amount, curve)}
          onSent={() => setText("")}
        />
      </div>
    </Panel>
  );
}

/** Why less can be burned than was minted, and where the rest is. */
function Short({ account }: { account: Account }) {
  const { position, diem, right } = account;
  if (position.minted === 0n) return <Notice>{words.nothingMinted}</Notice>;
  if (diem.balance >= position.minted) return null;
  const inside = right.staked + right.cooling;
  return (
    <Notice tone="warn" act={inside > 0n ? <Link href="/right">{texts.nav.right}</Link> : undefined}>
      {words.shortOf(tokens(position.minted), tokens(diem.balance))}{" "}
      {inside > 0n ? words.exitFirst(tokens(right.staked), tokens(right.cooling)) : words.needTokens}
    </Notice>
  );
}

function changesOf({ position, diem, stake }: Account, amount: bigint) {
  const back = unlockFor(position, amount);
  return [
    { name: words.held, now: tokens(diem.balance), after: tokens(diem.balance - amount) },
    { name: words.minted, now: tokens(position.minted), after: tokens(position.minted - amount) },
    { name: words.locked, now: tokens(position.locked), after: tokens(position.locked - back) },
    { name: words.unlocked, now: tokens(stake.unlocked), after: tokens(stake.unlocked + back) },
  ];
}

function risksOf(account: Account | undefined, amount: bigint | null, curve: Curve): string[] {
  const again = amount === null ? null : renewal({ locked: 0n, minted: amount }, curve);
  const back = account === undefined || amount === null ? null : unlockFor(account.position, amount);
  return [
    words.riskAverage,
    words.riskStays,
    again === null || back === null ? words.riskAgain : words.riskAgainAt(tokens(back), tokens(again)),
  ];
}
