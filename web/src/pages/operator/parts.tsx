import type { ReactNode } from "react";
import { explain } from "../../chain/errors";
import { moment, stretch } from "../../core/epochs";
import { exactTokens, usdc } from "../../core/units";
import { settings } from "../../settings";
import { texts } from "../../texts/en";
import { Chip, CopyButton, Notice, Panel, type Tone, Waiting } from "../../ui/basics";

const words = texts.operator;
const WHOLE = /^-?[0-9]{1,78}$/;

/** One figure of a list, with a word about it where there is one to say. */
export type State = { name: string; value: ReactNode; chip?: { tone: Tone; word: string } };

export function States({ states }: { states: readonly State[] }) {
  return (
    <dl className="states">
      {states.map(({ name, value, chip }) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            {value}
            {chip !== undefined && <Chip tone={chip.tone}>{chip.word}</Chip>}
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** What can be done about it: lines for the command line, to copy. Nothing of it is done here. */
export function Commands({ commands }: { commands: readonly { what: string; line: string }[] }) {
  return (
    <details>
      <summary>{words.commands}</summary>
      <ul className="commands">
        {commands.map(({ what, line: general }) => {
          const line = general.replace("NETWORK", settings.chain.name);
          return (
            <li key={line}>
              <span className="what">{what}</span>
              <code>{line}</code>
              <CopyButton text={line} />
            </li>
          );
        })}
      </ul>
    </details>
  );
}

/** A table that may be wider than a phone: it scrolls by itself, and by the keyboard too. */
export function Wide({ name, children }: { name: string; children: ReactNode }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section className="scroll" tabIndex={0} aria-label={name}>
      {children}
    </section>
  );
}

type Asked<T> = { data: T | undefined; error: unknown };

/** A part of the view: its content once it is known; a refusal in words, beside what was known before. */
export function Part<T>({
  title,
  asked,
  children,
}: {
  title: string;
  asked: Asked<T>;
  children: (data: T) => ReactNode;
}) {
  return (
    <Panel title={title}>
      <div className="stack">
        {asked.error !== null && <Notice tone="bad">{explain(asked.error)}</Notice>}
        {asked.data === undefined ? asked.error === null && <Waiting width={40} /> : children(asked.data)}
      </div>
    </Panel>
  );
}

/** That figures are old, since the chain's node did not answer. */
export function Stale({ read }: { read: { is_stale: boolean; problem: string | null; time: number } }) {
  if (!read.is_stale) return null;
  return (
    <Notice tone="warn">
      {texts.service.stale(moment(read.time))} {read.problem}
    </Notice>
  );
}

/** A time, or that there was none. */
export function momentOr(time: number | null, otherwise: string = words.never): string {
  return time === null ? otherwise : moment(time);
}

/** A setting's value by its unit; what is no whole number stays as it is. */
export function inUnit(value: string, unit: string): string {
  if (!WHOLE.test(value)) return value;
  const amount = BigInt(value);
  if (unit === "USDC units") return `${usdc(amount)} USDC`;
  if (unit === "seconds") return stretch(Number(amount));
  const token = /^(VVV|DIEM) wei(.*)$/.exec(unit);
  if (token !== null) return `${exactTokens(amount)} ${token[1]}${token[2]}`;
  return `${value} ${unit}`;
}
