import { type InputHTMLAttributes, useId } from "react";
import {
  endOfLastDay,
  type LimitPeriod,
  LONGEST_DESCRIPTION,
  lastDay,
  type ModelPrivacy,
  parseLimit,
} from "../../core/keys";
import { texts } from "../../texts/en";

/** What is typed of a key, as it is typed. */
export type Draft = {
  description: string;
  period: LimitPeriod;
  diem: string;
  usd: string;
  lastDay: string;
  privacy: ModelPrivacy;
};

/** A field with its label, and what is wrong with it or how it is meant. */
function Field({
  label,
  hint,
  problem,
  ...rest
}: { label: string; hint: string; problem: string | null } & InputHTMLAttributes<HTMLInputElement>) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        autoComplete="off"
        spellCheck={false}
        aria-invalid={problem !== null}
        aria-describedby={`${id}-hint`}
        {...rest}
      />
      <span
        id={`${id}-hint`}
        className={problem === null ? "hint" : "wrong"}
        role={problem === null ? undefined : "alert"}
      >
        {problem ?? hint}
      </span>
    </div>
  );
}

type Typed = { text: string; onText: (text: string) => void };

export function NameField({ text, onText }: Typed) {
  const words = texts.keys.form;
  const length = [...text.trim()].length;
  const problem = length > LONGEST_DESCRIPTION ? words.descriptionLong(length) : null;
  return (
    <Field
      label={words.description}
      hint={words.descriptionHint}
      problem={problem}
      value={text}
      onChange={(event) => onText(event.target.value)}
    />
  );
}

/** A limit in dollars; empty for none. */
export function LimitField({ label, hint, text, onText }: Typed & { label: string; hint: string }) {
  const parsed = parseLimit(text);
  let problem: string | null = null;
  if (!parsed.ok) {
    const words = parsed.reason === "tooLarge" ? texts.keys.form.tooLarge : texts.amounts[parsed.reason];
    problem = typeof words === "string" ? words : words(parsed.detail ?? "");
  }
  return (
    <Field
      label={label}
      hint={hint}
      problem={problem}
      inputMode="decimal"
      placeholder="$"
      value={text}
      onChange={(event) => onText(event.target.value)}
    />
  );
}

/** The last day on which a key works; `before` is when it ends as things stand. */
export function DateField({ text, onText, now, before }: Typed & { now: number; before: number | null }) {
  const words = texts.keys.form;
  const ends = endOfLastDay(text);
  let problem: string | null = null;
  if (text !== "" && text !== lastDay(before)) {
    if (ends === null) problem = words.expiryWrong;
    else if (ends <= now) problem = words.expiryPast;
  }
  return (
    <Field
      label={words.expiry}
      hint={words.expiryHint}
      problem={problem}
      type="date"
      max="9999-12-30"
      value={text}
      onChange={(event) => onText(event.target.value)}
    />
  );
}

/** One of a few, named in words. */
export function Choice<Value extends string>({
  label,
  value,
  of,
  onChoice,
}: {
  label: string;
  value: Value;
  of: Record<Value, string>;
  onChoice: (value: Value) => void;
}) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <select id={id} value={value} onChange={(event) => onChoice(event.target.value as Value)}>
        {(Object.entries(of) as [Value, string][]).map(([each, told]) => (
          <option key={each} value={each}>
            {told}
          </option>
        ))}
      </select>
    </div>
  );
}
