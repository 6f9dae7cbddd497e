import { useId } from "react";
import { type AmountProblem, type Parsed, parseAmount, plain, show } from "../core/units";
import { texts } from "../texts/en";

/** What is wrong with an amount that was typed, in words; null where it can be used. */
export function amountProblem(
  parsed: Parsed,
  available: bigint | undefined,
  decimals: number,
  unit = "",
): string | null {
  if (parsed.ok) {
    return available !== undefined && parsed.value > available
      ? texts.amounts.moreThan(`${show(available, decimals, 6)} ${unit}`.trim())
      : null;
  }
  const words = texts.amounts[parsed.reason satisfies AmountProblem];
  return typeof words === "string" ? words : words(parsed.detail ?? "");
}

/**
 * A field for an amount of a token. The text stays as it is typed; `parseAmount` reads it, digit by digit.
 * A problem is shown once something was typed.
 */
export function AmountField({
  label,
  unit,
  decimals,
  text,
  onText,
  available,
  hint,
}: {
  label: string;
  unit: string;
  decimals: number;
  text: string;
  onText: (text: string) => void;
  /** What there is of it, in its smallest units; undefined while it is not known. */
  available?: bigint | undefined;
  hint?: string;
}) {
  const id = useId();
  const problem = text === "" ? null : amountProblem(parseAmount(text, decimals), available, decimals, unit);
  const told =
    hint ?? (available === undefined ? "" : texts.act.available(`${show(available, decimals, 6)} ${unit}`));
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <div className="amount">
        <input
          id={id}
          inputMode="decimal"
          autoComplete="off"
          autoCorrect="off"
          spellCheck={false}
          placeholder="0"
          value={text}
          onChange={(event) => onText(event.target.value)}
          aria-invalid={problem !== null}
          aria-describedby={`${id}-hint`}
        />
        <span className="unit">
          {available !== undefined && available > 0n && (
            <button
              type="button"
              className="tiny"
              aria-label={texts.act.allOf(unit)}
              onClick={() => onText(plain(available, decimals))}
            >
              {texts.act.all}
            </button>
          )}
          {unit}
        </span>
      </div>
      <span id={`${id}-hint`} className="under">
        {problem === null ? (
          <span className="hint">{told}</span>
        ) : (
          <span className="wrong" role="alert">
            {problem}
          </span>
        )}
      </span>
    </div>
  );
}

/** The amount that was typed if it can be used, or null. */
export function usableAmount(text: string, decimals: number, available: bigint | undefined): bigint | null {
  const parsed = parseAmount(text, decimals);
  if (!parsed.ok) return null;
  return available === undefined || parsed.value > available ? null : parsed.value;
}
