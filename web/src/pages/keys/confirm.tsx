import { type FormEvent, type ReactNode, useId, useState } from "react";
import { type MadeKey, useRevokeKey, useRotateKey } from "../../api/own";
import { explain } from "../../chain/errors";
import type { ApiKey } from "../../core/keys";
import { texts } from "../../texts/en";
import { Notice } from "../../ui/basics";

/** Give a key another secret, once its owner has named it. */
export function RotateKey({
  of: key,
  onMade,
  onKeep,
}: {
  of: ApiKey;
  onMade: (made: MadeKey) => void;
  onKeep: () => void;
}) {
  const words = texts.keys.confirm;
  const rotate = useRotateKey();
  return (
    <Confirm
      of={key}
      what={words.rotateWhat}
      risk={words.rotateRisk}
      act={words.rotateAct}
      isBusy={rotate.isPending}
      error={rotate.error}
      onConfirm={() => rotate.mutate(key, { onSuccess: onMade })}
      onKeep={onKeep}
    />
  );
}

/** Revoke a key, once its owner has named it. */
export function RevokeKey({ of: key, onDone }: { of: ApiKey; onDone: () => void }) {
  const words = texts.keys.confirm;
  const revoke = useRevokeKey();
  return (
    <Confirm
      of={key}
      what={words.revokeWhat}
      risk={words.revokeRisk}
      act={words.revokeAct}
      isBusy={revoke.isPending}
      error={revoke.error}
      onConfirm={() => revoke.mutate(key, { onSuccess: onDone })}
      onKeep={onDone}
    />
  );
}

function Confirm({
  of: key,
  what,
  risk,
  act,
  isBusy,
  error,
  onConfirm,
  onKeep,
}: {
  of: ApiKey;
  what: ReactNode;
  risk: string;
  act: string;
  isBusy: boolean;
  error: Error | null;
  onConfirm: () => void;
  onKeep: () => void;
}) {
  const id = useId();
  const [typed, setTyped] = useState("");
  const isNamed = typed.trim().replace(/^…/, "") === key.lastSix;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isNamed && !isBusy) onConfirm();
  };
  return (
    <form className="stack" onSubmit={submit}>
      <p>
        <strong>
          <bdi>{key.description}</bdi>
        </strong>{" "}
        <code>{texts.keys.ends(key.lastSix)}</code>
      </p>
      <p>{what}</p>
      <Notice tone="warn">{risk}</Notice>
      <div className="field">
        <label htmlFor={id}>{texts.keys.confirm.type(key.lastSix)}</label>
        <input
          id={id}
          className="mono"
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
        />
      </div>
      {error !== null && <Notice tone="bad">{explain(error)}</Notice>}
      <div className="row">
        <button type="submit" className="danger" disabled={!isNamed || isBusy} aria-busy={isBusy}>
          {act}
        </button>
        <button type="button" onClick={onKeep}>
          {texts.keys.confirm.keep}
        </button>
      </div>
    </form>
  );
}
