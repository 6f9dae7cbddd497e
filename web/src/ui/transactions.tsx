import { useState } from "react";
import { useConnection } from "wagmi";
import { forgetSent, isOpen, type Sent, type SentState, useSent } from "../chain/ledger";
import { settings } from "../settings";
import { texts } from "../texts/en";
import { Chip, Dialog, type Tone, TransactionText } from "./basics";

const TONES: Record<SentState, Tone> = {
  asking: "warn",
  pending: "warn",
  confirmed: "plain",
  final: "good",
  reverted: "bad",
  rejected: "plain",
  replaced: "warn",
};

/** What the connected wallet has sent from this browser, newest first. */
export function useOwnSent(): readonly Sent[] {
  const { address } = useConnection();
  return useSent().filter(
    (entry) => entry.chainId === settings.chain.id && entry.account.toLowerCase() === address?.toLowerCase(),
  );
}

/** The button in the bar: how many are open, and the list of all. */
export function TransactionsButton() {
  const own = useOwnSent();
  const [open, setOpen] = useState(false);
  const pending = own.filter(isOpen).length;
  return (
    <>
      <button type="button" onClick={() => setOpen(true)} aria-haspopup="dialog">
        <span className="wide-only">{texts.sent.title}</span>
        <Chip tone={pending > 0 ? "warn" : "plain"}>{pending}</Chip>
      </button>
      <Dialog title={texts.sent.title} open={open} onClose={() => setOpen(false)}>
        <TransactionList entries={own} />
        {own.some((entry) => !isOpen(entry)) && (
          <button
            type="button"
            onClick={() => {
              for (const entry of own) if (!isOpen(entry)) forgetSent(entry.id);
            }}
          >
            {texts.sent.clear}
          </button>
        )}
      </Dialog>
    </>
  );
}

export function TransactionList({ entries }: { entries: readonly Sent[] }) {
  if (entries.length === 0) return <p className="quiet">{texts.sent.none}</p>;
  return (
    <ul className="plain stack">
      {entries.map((entry) => (
        <li key={entry.id} data-state={entry.state}>
          <div className="row apart">
            <strong>{entry.summary}</strong>
            <Chip tone={TONES[entry.state]}>{texts.sent[entry.state]}</Chip>
          </div>
          <div className="small quiet row">
            {entry.hash !== null && <TransactionText hash={entry.hash} />}
            {entry.blockNumber !== null && <span>{texts.sent.block(String(entry.blockNumber))}</span>}
            {entry.note !== null && <span>{entry.note}</span>}
          </div>
        </li>
      ))}
    </ul>
  );
}

/** What is open now, told where the person is looking and to who listens. */
export function OpenTransactions() {
  const open = useOwnSent().filter(isOpen);
  return (
    <div aria-live="polite">
      {open.length > 0 && (
        <section className="panel">
          <TransactionList entries={open} />
        </section>
      )}
    </div>
  );
}
