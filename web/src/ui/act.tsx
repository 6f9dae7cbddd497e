import "../style/act.css";
import { type ReactNode, useEffect, useRef } from "react";
import { useConnection } from "wagmi";
import { type Handing, type Phase, type Trial, useAct, useTrial, type WhyApprove } from "../chain/acting";
import { dataOf, type Plan } from "../chain/calls";
import { chain } from "../chain/config";
import { explain } from "../chain/errors";
import { show } from "../core/units";
import { texts } from "../texts/en";
import { Notice, Waiting } from "./basics";
import { type Change, Changes, Risks, type Wait, Waits } from "./preview";
import { Receipt } from "./receipt";
import { ConnectButton } from "./wallet";

export { type Change, Changes, type Wait } from "./preview";

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
 *
 * Once it was sent, what was sent and how far it is stands here in its place, until another plan comes or the reader
 * is done with it.
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
  const { isConnected, chainId } = useConnection();
  const isElsewhere = isConnected && chainId !== chain.id;
  const why = blocked ?? (isElsewhere && plan !== null ? texts.wallet.wrongChain(chain.name) : undefined);
  const trial = useTrial(why === undefined ? plan : null);
  const { act, phase, handing, error, sent, clear } = useAct();
  const busy = phase !== "idle";
  const refused = plan !== null && !busy && trial.error !== null ? explain(trial.error) : null;
  const cannot = plan === null || why !== undefined || refused !== null;
  // Until it was tried the preview still grows, and the button moves away from under the finger.
  const isUntried = !cannot && !busy && trial.data === undefined;
  useNewPlan(plan, sent === null ? null : clear);

  if (sent !== null) return <Receipt id={sent} onClose={clear} />;
  return (
    <div className="act">
      {changes.length > 0 && <Changes changes={changes} />}
      {waits.length > 0 && <Waits waits={waits} />}
      {plan !== null && why === undefined && refused === null && <Cost trial={trial.data} />}
      {risks.length > 0 && <Risks risks={risks} />}
      {children}
      {plan !== null && trial.data !== undefined && (
        <Steps handing={(busy ? handing : null) ?? trial.data.handing} why={trial.data.why} phase={phase} />
      )}
      {why !== undefined && <Notice tone="warn">{why}</Notice>}
      {why === undefined && refused !== null && (
        <Notice tone="bad">
          {texts.act.failed}: {refused}
        </Notice>
      )}
      {error !== null && error !== refused && <Notice tone="bad">{error}</Notice>}
      {isConnected ? (
        <button
          type="button"
          className={`${tone} wide`}
          disabled={cannot && !busy}
          // Not `disabled` while it works or is tried: a button that is loses the focus.
          aria-disabled={busy || isUntried}
          aria-busy={busy}
          onClick={async () => {
            if (plan === null || busy || cannot || isUntried) return;
            clear();
            if (await act(plan)) onSent?.();
          }}
        >
          <span aria-live="polite">{WORDS[phase] ?? label}</span>
        </button>
      ) : (
        <ConnectButton />
      )}
    </div>
  );
}

/** What it costs at the most; its place is kept until it is known. */
function Cost({ trial }: { trial: Trial | undefined }) {
  return (
    <div className="cost">
      <p className="row apart">
        <span className="quiet">{texts.act.cost}</span>
        <span className="number">
          {trial === undefined ? (
            <Waiting width={14} />
          ) : trial.cost === null ? (
            texts.act.costLater
          ) : (
            `${show(trial.cost, 18, 8)} ${chain.nativeCurrency.symbol}`
          )}
        </span>
      </p>
      {trial?.isShort && <Notice tone="warn">{texts.act.costShort}</Notice>}
    </div>
  );
}

/** What the wallet will be asked for, one after the other, where it is more than one thing. */
function Steps({ handing, why, phase }: { handing: Handing; why: WhyApprove; phase: Phase }) {
  if (handing !== "permit" && handing !== "approve") return null;
  const approves = handing === "approve";
  const at = phase === "asking" ? 1 : phase === "idle" || phase === "checking" ? -1 : 0;
  const steps = [approves ? texts.act.stepApprove : texts.act.stepPermit, texts.act.stepSend];
  return (
    <div className="act-steps">
      {approves && (
        <p className="small" role="status">
          {why === "contract" ? texts.act.approveContract : texts.act.approveUnable}
        </p>
      )}
      <ol aria-label={texts.act.steps}>
        {steps.map((step, place) => (
          <li
            key={step}
            aria-current={place === at ? "step" : undefined}
            data-done={place < at}
            data-now={place === at}
          >
            {step}
            {place < at && <span className="hidden-visually"> ({texts.act.stepDone})</span>}
          </li>
        ))}
      </ol>
    </div>
  );
}

/** Calls back when another plan than the one that was sent is there: the form is in use again. */
function useNewPlan(plan: Plan | null, onNew: (() => void) | null): void {
  const key = plan === null ? null : `${plan.call.address}${dataOf(plan.call)}`;
  const before = useRef(key);
  useEffect(() => {
    const isNew = key !== null && key !== before.current;
    before.current = key;
    if (isNew) onNew?.();
  }, [key, onNew]);
}
