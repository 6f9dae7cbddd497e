import { type ReactNode, useId, useState } from "react";
import { useConnection } from "wagmi";
import { useSession } from "../../api/session";
import { explain } from "../../chain/errors";
import { NotOfThisForm } from "../../core/forms";
import { texts } from "../../texts/en";
import { SignInButton } from "../../ui/gates";
import { ConnectButton } from "../../ui/wallet";

const words = texts.verify;
/** A day of 100,000 wallets is about 13 MB. */
const LARGEST_FILE = 64 * 1024 * 1024;

/** One thing that was checked; `null` where it cannot be said yet. */
export type Check = { name: string; holds: boolean | null; note?: string };

const MARKS = { holds: "✓", fails: "✗", open: "–" } as const;

/** What was checked, each with a mark and a word: nothing by colour alone. */
export function Checks({ checks }: { checks: readonly Check[] }) {
  return (
    <ul className="checks">
      {checks.map(({ name, holds, note }) => {
        const state = holds === null ? "open" : holds ? "holds" : "fails";
        return (
          <li key={name} className={state}>
            <span className="mark" aria-hidden="true">
              {MARKS[state]}
            </span>
            <span>
              {name}
              <span className="hidden-visually">: {words[state]}</span>
              {note !== undefined && <span className="quiet small"> {note}</span>}
            </span>
          </li>
        );
      })}
    </ul>
  );
}

/** Digests with their names, whole, to be compared by eye or by machine. */
export function Hashes({ lines }: { lines: readonly { name: string; value: ReactNode; key?: string }[] }) {
  return (
    <dl className="hashes">
      {lines.map(({ name, value, key }) => (
        <div key={key ?? name}>
          <dt>{name}</dt>
          <dd className="mono">{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** A file from the reader's disk, dropped or chosen; it is read here and sent nowhere. */
export function FileChoice({ label, onText }: { label: string; onText: (text: string) => void }) {
  const id = useId();
  const [over, setOver] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const take = async (file: File | undefined) => {
    if (file === undefined) return;
    const isTooLarge = file.size > LARGEST_FILE;
    setProblem(isTooLarge ? words.fileTooLarge(String(LARGEST_FILE / 1024 / 1024)) : null);
    if (!isTooLarge) onText(await file.text());
  };
  return (
    <>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: dropping is a short way; the field inside does the same by keyboard */}
      <div
        className={over ? "drop over" : "drop"}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={(event) => {
          event.preventDefault();
          setOver(false);
          take(event.dataTransfer.files[0]);
        }}
      >
        <label htmlFor={id}>{label}</label>: {words.dropFile}
        <input
          id={id}
          type="file"
          accept=".json,application/json"
          onChange={(event) => {
            take(event.target.files?.[0]);
            event.target.value = "";
          }}
        />
      </div>
      {problem !== null && (
        <p className="small" role="alert">
          {problem}
        </p>
      )}
    </>
  );
}

/** Hands a text to the reader as a file, byte by byte as it came. */
export function DownloadButton({ text, name, label }: { text: string; name: string; label: string }) {
  const save = () => {
    const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    const link = document.createElement("a");
    link.href = url;
    link.download = name;
    link.click();
    URL.revokeObjectURL(url);
  };
  return (
    <button type="button" onClick={save}>
      {label}
    </button>
  );
}

/** Why something could not be checked: a form that is not ours, a refusal, a node that is away. */
export function whyNot(error: unknown): string {
  if (error instanceof NotOfThisForm || error instanceof SyntaxError) return words.notRead(error.message);
  if (error instanceof DOMException && error.name === "AbortError") return words.stopped;
  return explain(error);
}

/** What is the owner's own, without a panel of its own: its content, or the button that leads to it. */
export function OwnerOnly({ children }: { children: ReactNode }) {
  const { isConnected } = useConnection();
  const { session } = useSession();
  if (!isConnected) {
    return (
      <div>
        <ConnectButton />
      </div>
    );
  }
  return session === null ? <SignInButton /> : children;
}
