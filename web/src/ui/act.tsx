import type { ReactNode } from "react";
import { useConnection } from "wagmi";
import { type Phase, useAct, useTrial } from "../chain/acting";
import type { Plan } from "../chain/calls";
import { explain } from "../chain/errors";
import { useNow } from "../chain/reading";
import { localMoment, moment, stretch } from "../core/epochs";
import { show } from "../core/units";
import { texts } from "../texts/en";
import { Notice } from "./basics";

/** One figure that an act changes, as it is and as it will be, in words. */
export type Change = { name: string; now: string; after: string };
/** Something that comes later: its words and the Unix time. */
export type Wait = { name: string; at: number };

const WORDS: Record<Phase, string | null> = {
  idle: null,
  checking: texts.act.checking,
  permit: texts.act.signPermit,
  approve: texts.act.signApproval,
  approving: texts.act.waitApproval,
  asking: texts.act.confirm,
};

/**
 * The preview of an act and the button that carries it out: what changes, what it costs, when, and what can go
 * wrong. It is tried on the chain at every block while it is looked at, so that a refusal is told before signing.
 */
export function Act({
  label,
  plan,
  changes,
  waits = [],
  risks = [],
  blocked,
  tone = "primary",
  onSent,
  children,
}: {
  /** Of the button. */
  label: string;
  /** Null while what was typed is not enough. */
  plan: Plan | null;
  changes: readonly Change[];
  waits?: readonly Wait[];
  risks?: readonly string[];
  /** Why it cannot be done now, whatever the chain says. */
  blocked?: string | undefined;
  tone?: "primary" | "danger";
  onSent?: () => void;
  children?: ReactNode;
}) {
  const { isConnected } = useConnection();
  const trial = useTrial(blocked === undefined ? plan : null);
  const { act, phase, error, clear } = useAct();
  const now = useNow();
  const busy = phase !== "idle";
  const refused = plan !== null && trial.error !== null ? explain(trial.error) : null;
  const hands = plan === null ? undefined : trial.data?.handing;

  return (
    <div className="stack">
      {changes.length > 0 && <Changes changes={changes} />}
      {waits.length > 0 && (
        <ul className="plain small" aria-label={texts.act.waits}>
          {waits.map((wait) => (
            <li key={wait.name}>
              {wait.name}: <strong>{localMoment(wait.at, texts.language)}</strong>{" "}
              <span className="quiet">
                ({moment(wait.at)}, {stretch(wait.at - now)})
              </span>
            </li>
          ))}
        </ul>
      )}
      {risks.length > 0 && (
        <details open>
          <summary>{texts.act.risks}</summary>
          <ul className="risks">
            {risks.map((risk) => (
              <li key={risk}>{risk}</li>
            ))}
          </ul>
        </details>
      )}
      {children}
      {plan !== null && (
        <p className="small quiet number">
          {texts.act.cost}: {trial.data?.cost ? `${show(trial.data.cost, 18, 8)} ETH` : texts.act.costLater}
        </p>
      )}
      {hands === "permit" && <p className="small quiet">{texts.act.permit}</p>}
      {hands === "approve" && <p className="small quiet">{texts.act.approve}</p>}
      {blocked !== undefined && <Notice tone="warn">{blocked}</Notice>}
      {blocked === undefined && refused !== null && !busy && (
        <Notice tone="bad">
          {texts.act.failed}: {refused}
        </Notice>
      )}
      {error !== null && error !== refused && <Notice tone="bad">{error}</Notice>}
      <button
        type="button"
        className={`${tone} wide`}
        disabled={!isConnected || plan === null || blocked !== undefined || refused !== null || busy}
        aria-busy={busy}
        onClick={async () => {
          if (plan === null) return;
          clear();
          if (await act(plan)) onSent?.();
        }}
      >
        <span aria-live="polite">{WORDS[phase] ?? label}</span>
      </button>
    </div>
  );
}

/** What changes, line by line. */
export function Changes({ changes }: { changes: readonly Change[] }) {
  return (
    <div className="scroll">
      <table className="changes">
        <caption>{texts.act.preview}</caption>
        <thead>
          <tr>
            <th scope="col">
              <span className="hidden-visually">{texts.act.preview}</span>
            </th>
            <th scope="col" className="number">
              {texts.act.now}
            </th>
            <th scope="col" className="number">
              {texts.act.after}
            </th>
          </tr>
        </thead>
        <tbody>
          {changes.map((change) => (
            <tr key={change.name}>
              <th scope="row">{change.name}</th>
              <td className="number quiet">{change.now}</td>
              <td className="number after">{change.after}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
