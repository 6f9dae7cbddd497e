import "../style/act.css";
import type { Sent, SentState } from "../chain/ledger";
import { texts } from "../texts/en";
import { Chip, type Tone, TransactionText } from "./basics";

const TONES: Record<SentState, Tone> = {
  asking: "warn",
  pending: "warn",
  confirmed: "plain",
  final: "good",
  reverted: "bad",
  rejected: "plain",
  replaced: "warn",
  dropped: "bad",
};
const STEPS = [texts.sent.stepSent, texts.sent.stepBlock, texts.sent.stepFinal];
const REACHED: Partial<Record<SentState, number>> = { asking: 0, pending: 1, confirmed: 2, final: 3 };

/** What became of a transaction, in one word or few. */
export function SentChip({ entry }: { entry: Sent }) {
  return <Chip tone={TONES[entry.state]}>{texts.sent[entry.state]}</Chip>;
}

/** Sent, in a block, final: how far it has come. Nothing where it went another way. */
export function Progress({ entry }: { entry: Sent }) {
  const reached = REACHED[entry.state];
  if (reached === undefined) return null;
  return (
    <ol className="progress" aria-label={texts.sent.progress}>
      {STEPS.map((name, place) => (
        <li
          key={name}
          data-done={place < reached}
          aria-current={place === reached ? "step" : undefined}
          data-now={place === reached}
        >
          {name}
          {place < reached && <span className="hidden-visually"> ({texts.act.stepDone})</span>}
        </li>
      ))}
    </ol>
  );
}

/** Where it can be seen, and what is to be known of it. */
export function SentFacts({ entry }: { entry: Sent }) {
  return (
    <div className="small quiet row">
      {entry.hash !== null && <TransactionText hash={entry.hash} />}
      {entry.blockNumber !== null && <span>{texts.sent.block(String(entry.blockNumber))}</span>}
      {entry.note !== null && <span>{entry.note}</span>}
    </div>
  );
}
