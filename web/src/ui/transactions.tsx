import "../style/transactions.css";
import { useEffect, useRef, useState } from "react";
import { useConnection } from "wagmi";
import { beingAsked } from "../chain/keeper";
import { forgetSent, isOpen, type Sent, useSent } from "../chain/ledger";
import { settings } from "../settings";
import { texts } from "../texts/en";
import { Chip, Dialog } from "./basics";
import { useShownInPlace } from "./in-place";
import { Progress, SentChip, SentFacts } from "./progress";

/** What did well is told for so long; what did not stands until it is read. */
const TOLD_SECONDS = 8;
/** From then on one that is in no block may be let go: it may never be in one. */
const STOPPABLE_SECONDS = 120;

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
    <ul className="plain sent">
      {entries.map((entry) => (
        <li key={entry.id} data-state={entry.state}>
          <div className="row apart">
            <strong>{entry.summary}</strong>
            <SentChip entry={entry} />
          </div>
          {isOpen(entry) && <Progress entry={entry} />}
          <div className="row apart">
            <SentFacts entry={entry} />
            {isStoppable(entry) && (
              <button
                type="button"
                className="tiny"
                title={texts.sent.stopHint}
                onClick={() => forgetSent(entry.id)}
              >
                {texts.sent.stopped}
              </button>
            )}
          </div>
        </li>
      ))}
    </ul>
  );
}

/**
 * What is on its way, over the lower edge of the page so that nothing moves; and for a moment what became of it. What
 * stands in its own place on the page is not told again.
 */
export function OpenTransactions() {
  const own = useOwnSent();
  const here = useShownInPlace();
  const { wasOpen, hide } = useWasOpen(own, here);
  const told = own.filter(
    (entry) => !here.has(entry.id) && !beingAsked.has(entry.id) && (isOpen(entry) || wasOpen.has(entry.id)),
  );
  return (
    <div className="toasts" aria-live="polite">
      {told.map((entry) => (
        <div className="toast" key={entry.id} data-state={entry.state}>
          <div className="row apart">
            <strong>{entry.summary}</strong>
            <SentChip entry={entry} />
          </div>
          <Progress entry={entry} />
          <div className="row apart">
            <SentFacts entry={entry} />
            {!isOpen(entry) && (
              <button type="button" className="tiny" onClick={() => hide(entry.id)}>
                {texts.sent.hide}
              </button>
            )}
          </div>
        </div>
      ))}
    </div>
  );
}

/** Those that came to their end while this page was open, until they are hidden; what is final goes by itself. */
function useWasOpen(own: readonly Sent[], here: ReadonlySet<string>) {
  const open = useRef(new Set<string>());
  const [wasOpen, setWasOpen] = useState<ReadonlySet<string>>(new Set());
  const hide = (id: string) => setWasOpen((before) => new Set([...before].filter((each) => each !== id)));
  useEffect(() => {
    for (const entry of own) {
      const { id, state } = entry;
      if (isOpen(entry)) open.current.add(id);
      else if (open.current.delete(id) && !here.has(id) && state !== "rejected") {
        setWasOpen((before) => new Set([...before, id]));
        if (state === "final") setTimeout(() => hide(id), TOLD_SECONDS * 1_000);
      }
    }
  });
  return { wasOpen, hide };
}

function isStoppable(entry: Sent): boolean {
  const age = Math.floor(Date.now() / 1_000) - entry.begunAt;
  return (entry.state === "asking" || entry.state === "pending") && age > STOPPABLE_SECONDS;
}
