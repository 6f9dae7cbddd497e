import { useState } from "react";
import type { Address } from "viem";
import { moment } from "../../core/epochs";
import { tokens, usdc } from "../../core/units";
import type { EventOut, WalletOut } from "../../generated/api";
import { texts } from "../../texts/en";
import { Chip, Panel, TransactionText, Waiting } from "../../ui/basics";

const words = texts.home;
const SHOWN_FIRST = 8;
/** In the reader's own time; the title has it in UTC. */
const WHEN = new Intl.DateTimeFormat(texts.language, { dateStyle: "medium", timeStyle: "short" });

/** What happened to the wallet on the chain, in plain words, newest first. */
export function History({ followed, address }: { followed: WalletOut | undefined; address: Address }) {
  const [isAll, setAll] = useState(false);
  const events = followed === undefined ? [] : worthTelling(followed.recent);
  const shown = isAll ? events : events.slice(0, SHOWN_FIRST);
  return (
    <Panel title={words.historyTitle}>
      {followed === undefined && <Waiting width={24} />}
      {followed !== undefined && events.length === 0 && <p className="quiet">{words.historyNone}</p>}
      {events.length > 0 && (
        <ul className="plain history" aria-label={words.historyCaption}>
          {shown.map((event) => (
            <Row key={`${event.block}-${event.log_index}`} event={event} address={address} />
          ))}
        </ul>
      )}
      {events.length > SHOWN_FIRST && (
        <button type="button" className="tiny" onClick={() => setAll(!isAll)} aria-expanded={isAll}>
          {isAll ? words.historyFewer : words.historyAll(events.length)}
        </button>
      )}
    </Panel>
  );
}

function Row({ event, address }: { event: EventOut; address: Address }) {
  return (
    <li>
      <strong>{wordsFor(event, address)}</strong>
      <span className="when number">
        {event.time === null ? (
          words.historyOlder(String(event.block))
        ) : (
          <time dateTime={new Date(event.time * 1_000).toISOString()} title={moment(event.time)}>
            {WHEN.format(event.time * 1_000)}
          </time>
        )}
      </span>
      <TransactionText hash={event.transaction_hash} />
      <Chip tone={event.is_final ? "good" : "warn"}>
        {event.is_final ? words.historyFinal : words.historyNotFinal}
      </Chip>
    </li>
  );
}

/** The daily right changes with nearly every act: it is told only where no other event of its transaction is. */
function worthTelling(events: readonly EventOut[]): EventOut[] {
  const others = new Set(
    events.filter((each) => each.kind !== "AllowanceChanged").map((each) => each.transaction_hash),
  );
  return events.filter((each) => each.kind !== "AllowanceChanged" || !others.has(each.transaction_hash));
}

type Words = Record<string, (amount: string, other: string) => string>;

function wordsFor(event: EventOut, address: Address): string {
  const isGiver = event.giver?.toLowerCase() === address.toLowerCase();
  const other = (isGiver ? event.receiver : event.giver) ?? "";
  const kind = event.kind.startsWith("Delegat")
    ? `${event.kind}${isGiver ? "Given" : "Received"}`
    : event.kind;
  const made = (words.events as Words)[kind];
  if (made === undefined) return words.eventUnknown(event.kind);
  const amount = BigInt(event.amount ?? 0);
  const text = event.token === "USDC" ? usdc(amount) : tokens(amount);
  return made(text, `${other.slice(0, 6)}…${other.slice(-4)}`);
}
