import { type ReactNode, useEffect, useId, useRef, useState } from "react";
import { explorerLink } from "../settings";
import { texts } from "../texts/en";

/** A part of the page with a heading of its own. */
export function Panel({
  title,
  children,
  aside,
}: {
  title?: string;
  children: ReactNode;
  aside?: ReactNode;
}) {
  const id = useId();
  return (
    <section className="panel" aria-labelledby={title === undefined ? undefined : id}>
      {title !== undefined && (
        <div className="row apart">
          <h2 id={id}>{title}</h2>
          {aside}
        </div>
      )}
      {children}
    </section>
  );
}

/** The heading of a page: what it is for, in one sentence. */
export function PageHeading({ title, children }: { title: string; children?: ReactNode }) {
  useEffect(() => {
    document.title = `${title} · ${texts.brand}`;
  }, [title]);
  return (
    <header className="page-heading">
      <h1>{title}</h1>
      {children !== undefined && <p>{children}</p>}
    </header>
  );
}

/** One figure with its name. While it is not known its place is kept, so that nothing moves when it comes. */
export function Tile({ name, value, note }: { name: string; value: string | undefined; note?: ReactNode }) {
  return (
    <div className="tile">
      <div className="name">{name}</div>
      <div className="value">{value ?? <Waiting />}</div>
      {note !== undefined && <div className="note">{note}</div>}
    </div>
  );
}

/** The place of a figure that is on its way. */
export function Waiting({ width = 6 }: { width?: number }) {
  return (
    <span className="skeleton">
      <span aria-hidden="true">{"0".repeat(width)}</span>
      <span className="hidden-visually">{texts.loading}</span>
    </span>
  );
}

export type Tone = "plain" | "good" | "warn" | "bad";

/** Something to know. What is wrong is said at once to who listens (`alert`), the rest when there is a pause. */
export function Notice({
  tone = "plain",
  children,
  act,
}: {
  tone?: Tone;
  children: ReactNode;
  act?: ReactNode;
}) {
  return (
    <div className={`notice ${tone}`} role={tone === "bad" ? "alert" : "status"}>
      <div className="row">
        <p>{children}</p>
        {act}
      </div>
    </div>
  );
}

/** A small word about a state. */
export function Chip({ tone = "plain", children }: { tone?: Tone; children: ReactNode }) {
  return <span className={`chip ${tone}`}>{children}</span>;
}

/** Copies a text; says so for a moment. */
export function CopyButton({ text, label = texts.copy }: { text: string; label?: string }) {
  const [done, setDone] = useState(false);
  useEffect(() => {
    if (!done) return;
    const timer = setTimeout(() => setDone(false), 2_000);
    return () => clearTimeout(timer);
  }, [done]);
  return (
    <button
      type="button"
      className="tiny"
      onClick={() => navigator.clipboard.writeText(text).then(() => setDone(true))}
    >
      <span aria-live="polite">{done ? texts.copied : label}</span>
    </button>
  );
}

/** An address, shortened to be read and whole to be copied; with the explorer where the chain has one. */
export function AddressText({ address }: { address: string }) {
  const link = explorerLink("address", address);
  const short = `${address.slice(0, 6)}…${address.slice(-4)}`;
  return (
    <span className="mono nowrap" title={address}>
      {link === null ? short : <a href={link}>{short}</a>}
    </span>
  );
}

/** A transaction's hash, with the explorer where the chain has one. */
export function TransactionText({ hash }: { hash: string }) {
  const link = explorerLink("tx", hash);
  const short = `${hash.slice(0, 10)}…`;
  return (
    <span className="mono nowrap" title={hash}>
      {link === null ? short : <a href={link}>{short}</a>}
    </span>
  );
}

/** A dialog over the page: the browser's own, which keeps the focus inside and ends with Escape. */
export function Dialog({
  title,
  open,
  onClose,
  children,
}: {
  title: string;
  open: boolean;
  onClose: () => void;
  children: ReactNode;
}) {
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    if (open) element.current?.showModal();
    else element.current?.close();
  }, [open]);
  return (
    <dialog ref={element} aria-labelledby={id} onClose={onClose}>
      {open && (
        <div className="stack">
          <div className="row apart">
            <h2 id={id}>{title}</h2>
            <button type="button" className="plain" onClick={onClose}>
              {texts.close}
            </button>
          </div>
          {children}
        </div>
      )}
    </dialog>
  );
}
