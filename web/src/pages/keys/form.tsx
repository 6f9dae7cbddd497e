import { type FormEvent, type ReactNode, useId, useState } from "react";
import { type MadeKey, useChangeKey, useMakeKey } from "../../api/own";
import { explain } from "../../chain/errors";
import {
  type ApiKey,
  changesOf,
  endOfLastDay,
  type KeyKind,
  type KeyWish,
  LONGEST_DESCRIPTION,
  lastDay,
  parseLimit,
} from "../../core/keys";
import { CREDIT_DECIMALS, plain } from "../../core/units";
import { texts } from "../../texts/en";
import { Notice } from "../../ui/basics";
import { Choice, DateField, type Draft, LimitField, NameField } from "./fields";

const EMPTY: Draft = { description: "", period: "epoch", diem: "", usd: "", lastDay: "", privacy: "ALL" };

/** What is typed, as it is asked for; null while a part of it cannot be. */
function wishOf(draft: Draft, now: number, before: ApiKey | null): KeyWish | null {
  const diem = parseLimit(draft.diem);
  const usd = parseLimit(draft.usd);
  const description = draft.description.trim();
  if (!diem.ok || !usd.ok || description === "" || [...description].length > LONGEST_DESCRIPTION) return null;
  // A day that was not touched stays the very second that it was.
  const isSame = before !== null && draft.lastDay === lastDay(before.expiresAt);
  const expiresAt = isSame ? before.expiresAt : draft.lastDay === "" ? null : endOfLastDay(draft.lastDay);
  if (!isSame && draft.lastDay !== "" && (expiresAt === null || expiresAt <= now)) return null;
  return {
    description,
    limits: { diem: diem.value, usd: usd.value, period: draft.period },
    privacy: draft.privacy,
    expiresAt,
  };
}

/** Make a key; its secret goes to `onMade`, once. */
export function MakeForm({ now, onMade }: { now: number; onMade: (made: MadeKey) => void }) {
  const words = texts.keys.form;
  const [draft, setDraft] = useState(EMPTY);
  const [kind, setKind] = useState<KeyKind>("INFERENCE");
  const make = useMakeKey();
  const wish = wishOf(draft, now, null);
  return (
    <Form
      draft={draft}
      onDraft={setDraft}
      now={now}
      act={words.make}
      isReady={wish !== null}
      isBusy={make.isPending}
      error={make.error}
      onSubmit={() => wish !== null && make.mutate({ wish, kind }, { onSuccess: onMade })}
    >
      <Choice label={words.kind} value={kind} of={words.kinds} onChoice={setKind} />
      {kind === "ADMIN" && <Notice tone="warn">{words.adminRisk}</Notice>}
    </Form>
  );
}

/** Change a key: only what differs is sent. */
export function ChangeForm({ of: key, now, onDone }: { of: ApiKey; now: number; onDone: () => void }) {
  const words = texts.keys.form;
  const [draft, setDraft] = useState<Draft>({
    description: key.description,
    period: key.limits.period,
    diem: key.limits.diem === null ? "" : plain(key.limits.diem, CREDIT_DECIMALS),
    usd: key.limits.usd === null ? "" : plain(key.limits.usd, CREDIT_DECIMALS),
    lastDay: lastDay(key.expiresAt),
    privacy: key.privacy,
  });
  const change = useChangeKey();
  const wish = wishOf(draft, now, key);
  const isChanged = wish !== null && Object.keys(changesOf(key, wish)).length > 0;
  return (
    <Form
      draft={draft}
      onDraft={setDraft}
      now={now}
      before={key}
      act={words.save}
      isReady={isChanged}
      isBusy={change.isPending}
      error={change.error}
      onSubmit={() => wish !== null && change.mutate({ key, wish }, { onSuccess: onDone })}
    >
      {wish !== null && !isChanged && <p className="small quiet">{words.nothing}</p>}
    </Form>
  );
}

function Form({
  draft,
  onDraft,
  now,
  before,
  act,
  isReady,
  isBusy,
  error,
  onSubmit,
  children,
}: {
  draft: Draft;
  onDraft: (draft: Draft) => void;
  now: number;
  before?: ApiKey;
  act: string;
  isReady: boolean;
  isBusy: boolean;
  error: Error | null;
  onSubmit: () => void;
  children: ReactNode;
}) {
  const words = texts.keys.form;
  const legend = useId();
  const set = <Name extends keyof Draft>(name: Name) => {
    return (value: Draft[Name]) => onDraft({ ...draft, [name]: value });
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isReady && !isBusy) onSubmit();
  };
  return (
    <form className="stack" onSubmit={submit} noValidate>
      <NameField text={draft.description} onText={set("description")} />
      <fieldset aria-labelledby={legend}>
        <legend id={legend}>{words.limits}</legend>
        <Choice label={words.period} value={draft.period} of={words.periods} onChoice={set("period")} />
        <div className="pair">
          <LimitField label={words.diem} hint={words.diemHint} text={draft.diem} onText={set("diem")} />
          <LimitField label={words.usd} hint={words.usdHint} text={draft.usd} onText={set("usd")} />
        </div>
      </fieldset>
      <div className="pair">
        <DateField
          text={draft.lastDay}
          onText={set("lastDay")}
          now={now}
          before={before?.expiresAt ?? null}
        />
        <Choice label={words.privacy} value={draft.privacy} of={words.privacies} onChoice={set("privacy")} />
      </div>
      {children}
      {error !== null && <Notice tone="bad">{explain(error)}</Notice>}
      <button type="submit" className="primary wide" disabled={!isReady || isBusy} aria-busy={isBusy}>
        {act}
      </button>
    </form>
  );
}
