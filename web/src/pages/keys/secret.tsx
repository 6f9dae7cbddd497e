import { useId } from "react";
import type { MadeKey } from "../../api/own";
import { texts } from "../../texts/en";
import { CopyButton, Notice } from "../../ui/basics";
import { Snippets } from "./use";

/** A secret, for the only time. */
export function SecretShown({
  made,
  wasRotated,
  onDone,
}: {
  made: MadeKey;
  wasRotated: boolean;
  onDone: () => void;
}) {
  const words = texts.keys.secret;
  return (
    <div className="stack wide-dialog">
      <Notice tone="warn">
        {words.once} {wasRotated && words.rotatedNote}
      </Notice>
      <SecretBox label={words.label} copy={words.copy} secret={made.secret} />
      <Snippets secret={made.secret} />
      <p className="small quiet">{words.lost}</p>
      <button type="button" className="primary wide" onClick={onDone}>
        {words.done}
      </button>
    </div>
  );
}

/** A secret that can be read, selected and copied. */
export function SecretBox({ label, copy, secret }: { label: string; copy: string; secret: string }) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <div className="secret">
        <input
          id={id}
          className="mono"
          readOnly
          value={secret}
          autoComplete="off"
          spellCheck={false}
          onFocus={(event) => event.target.select()}
        />
        <CopyButton text={secret} label={copy} />
      </div>
    </div>
  );
}
