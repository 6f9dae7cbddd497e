import { useEffect, useRef } from "react";
import { type SentState, useSent } from "../chain/ledger";
import { texts } from "../texts/en";
import { useShownHere } from "./in-place";
import { Progress, SentChip, SentFacts } from "./progress";

const SAYS: Partial<Record<SentState, string>> = {
  asking: texts.sent.saysAsking,
  pending: texts.sent.saysPending,
  confirmed: texts.sent.saysConfirmed,
  final: texts.sent.saysFinal,
};

/**
 * What was just sent, in the place where it was made, followed until it is final. It takes the focus that the button
 * had, since that has gone; not from anywhere else.
 */
export function Receipt({ id, onClose }: { id: string; onClose: () => void }) {
  const entry = useSent().find((each) => each.id === id);
  const element = useRef<HTMLElement>(null);
  useShownHere(id);
  useEffect(() => {
    const at = document.activeElement;
    if (at === null || at === document.body) element.current?.focus({ preventScroll: false });
  }, []);
  if (entry === undefined) return null;
  return (
    <section
      className="receipt"
      ref={element}
      tabIndex={-1}
      data-state={entry.state}
      aria-label={entry.summary}
    >
      <div className="row apart">
        <strong>{entry.summary}</strong>
        <span role="status">
          <SentChip entry={entry} />
        </span>
      </div>
      <Progress entry={entry} />
      {SAYS[entry.state] !== undefined && <p className="small">{SAYS[entry.state]}</p>}
      <div className="row apart">
        <SentFacts entry={entry} />
        <button type="button" className="tiny" onClick={onClose}>
          {texts.sent.done}
        </button>
      </div>
    </section>
  );
}
