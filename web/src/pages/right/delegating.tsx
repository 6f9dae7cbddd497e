import { useId, useState } from "react";
import { type Address, getAddress, isAddress, isAddressEqual } from "viem";
import { useConnection } from "wagmi";
import { callOf } from "../../chain/calls";
import { contracts } from "../../chain/contracts";
import { useNow } from "../../chain/reading";
import { SMALLEST_RIGHT } from "../../core/allowance";
import { day, endOfEpoch, epochAt } from "../../core/epochs";
import { afterMove, epochOfDay, termBounds } from "../../core/right";
import { TOKEN_DECIMALS, tokens } from "../../core/units";
import { texts } from "../../texts/en";
import { Act, type Change } from "../../ui/act";
import { AmountField, usableAmount } from "../../ui/amount";
import { Panel } from "../../ui/basics";
import { type Account, daily, dailyChanges, useRightOf } from "./own";

const words = texts.right;
/** Terms to choose by one press, in days from today. */
const TERMS = [7, 30, 90, 365] as const;

/** Give the daily right of some DIEM to another account, for a term. */
export function Delegating({ account }: { account: Account | undefined }) {
  const { address: own } = useConnection();
  const now = useNow();
  const today = epochAt(now);
  const [receiver, setReceiver] = useState("");
  const [text, setText] = useState("");
  const [until, setUntil] = useState("");
  const to = addressOf(receiver, own);
  const { data: theirs } = useRightOf(to.ok ? to.address : null);
  const free = account && account.right.staked - account.right.delegated;
  const amount = usableAmount(text, TOKEN_DECIMALS, free);
  const term = termOf(until, today);
  const given = amount ?? 0n;
  const isReady = amount !== null && to.ok && term.ok;
  const theirName = to.ok ? words.theirTomorrow(short(to.address)) : words.theirTomorrow(null);
  const their: Change[] =
    theirs === undefined
      ? []
      : [{ name: theirName, now: daily(theirs.next), after: daily(theirs.next + given) }];
  return (
    <Panel title={words.giveTitle}>
      <p className="quiet">{words.giveSays}</p>
      <div className="columns top">
        <div className="stack">
          <ReceiverField text={receiver} onText={setReceiver} problem={to.ok ? null : to.problem} />
          <AmountField
            label={words.giveAmount}
            unit="DIEM"
            decimals={TOKEN_DECIMALS}
            text={text}
            onText={setText}
            available={free}
          />
          <TermField
            text={until}
            onText={setUntil}
            today={today}
            problem={term.ok || until === "" ? null : term.problem}
          />
        </div>
        <Act
          label={amount === null ? words.give : words.giveAct(tokens(amount))}
          plan={
            isReady
              ? {
                  summary: words.giveTo(tokens(amount), short(to.address)),
                  call: callOf(contracts.InferenceStake, "delegate", [
                    to.address,
                    amount,
                    BigInt(term.epoch),
                  ]),
                }
              : null
          }
          changes={
            account === undefined
              ? []
              : [...dailyChanges(account.right, afterMove(account.right, -given)), ...their]
          }
          waits={[
            { name: words.takesEffect, at: endOfEpoch(today) },
            ...(term.ok ? [{ name: words.endableFrom, at: endOfEpoch(term.epoch) }] : []),
          ]}
          risks={[
            ...(amount !== null && theirs !== undefined && theirs.next + amount < SMALLEST_RIGHT
              ? [words.riskSmallTheirs]
              : []),
            term.ok ? words.riskTermAt(day(term.epoch)) : words.riskTerm,
            words.riskLockedIn,
            words.riskReceiver,
            words.riskOn,
          ]}
          onSent={() => {
            setText("");
            setReceiver("");
            setUntil("");
          }}
        />
      </div>
    </Panel>
  );
}

type Receiver = { ok: true; address: Address } | { ok: false; problem: string | null };

/** The address that was typed, checked to the last letter; or what is wrong with it. */
function addressOf(text: string, own: Address | undefined): Receiver {
  const trimmed = text.trim();
  if (trimmed === "") return { ok: false, problem: null };
  if (!isAddress(trimmed, { strict: false })) return { ok: false, problem: words.notAnAddress };
  if (!isAddress(trimmed)) return { ok: false, problem: words.wrongChecksum };
  const address = getAddress(trimmed);
  if (own !== undefined && isAddressEqual(address, own)) return { ok: false, problem: words.ownAddress };
  return { ok: true, address };
}

type Term = { ok: true; epoch: number } | { ok: false; problem: string };

function termOf(text: string, today: number): Term {
  const epoch = epochOfDay(text);
  const { first, last } = termBounds(today);
  if (epoch === null || epoch < first || epoch > last) {
    return { ok: false, problem: words.termOutside(day(first), day(last)) };
  }
  return { ok: true, epoch };
}

function ReceiverField({
  text,
  onText,
  problem,
}: {
  text: string;
  onText: (text: string) => void;
  problem: string | null;
}) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{words.receiver}</label>
      <input
        id={id}
        className="mono"
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
        placeholder="0x…"
        maxLength={64}
        value={text}
        onChange={(event) => onText(event.target.value)}
        aria-invalid={problem !== null}
        aria-describedby={`${id}-hint`}
      />
      <span
        id={`${id}-hint`}
        className={problem === null ? "hint" : "wrong"}
        role={problem === null ? undefined : "alert"}
      >
        {problem ?? words.receiverHint}
      </span>
    </div>
  );
}

function TermField({
  text,
  onText,
  today,
  problem,
}: {
  text: string;
  onText: (text: string) => void;
  today: number;
  problem: string | null;
}) {
  const id = useId();
  const { first, last } = termBounds(today);
  return (
    <div className="field">
      <label htmlFor={id}>{words.term}</label>
      <input
        id={id}
        type="date"
        min={day(first)}
        max={day(last)}
        value={text}
        onChange={(event) => onText(event.target.value)}
        aria-invalid={problem !== null}
        aria-describedby={`${id}-hint`}
      />
      <div className="row">
        {TERMS.map((days) => (
          <button key={days} type="button" className="tiny" onClick={() => onText(day(today + days))}>
            {words.days(days)}
          </button>
        ))}
      </div>
      <span
        id={`${id}-hint`}
        className={problem === null ? "hint" : "wrong"}
        role={problem === null ? undefined : "alert"}
      >
        {problem ?? words.termHint}
      </span>
    </div>
  );
}

function short(address: Address): string {
  return `${address.slice(0, 6)}…${address.slice(-4)}`;
}
