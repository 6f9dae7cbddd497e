import "./forms.css";
import "./keys.css";
import { useState } from "react";
import { type MadeKey, useKeys } from "../api/own";
import { explain } from "../chain/errors";
import { useNow } from "../chain/reading";
import type { ApiKey } from "../core/keys";
import { texts } from "../texts/en";
import { Dialog, Notice, PageHeading, Panel, Waiting } from "../ui/basics";
import { NeedsSession } from "../ui/gates";
import { RevokeKey, RotateKey } from "./keys/confirm";
import { ChangeForm, MakeForm } from "./keys/form";
import { type KeyAct, KeyItem } from "./keys/item";
import { SecretShown } from "./keys/secret";
import { HowToUse } from "./keys/use";
import { WebhookPanel } from "./keys/webhook";

export default function Keys() {
  return (
    <>
      <PageHeading title={texts.nav.keys}>{texts.keys.lead}</PageHeading>
      <NeedsSession>
        <OwnKeys />
        <HowToUse />
        <WebhookPanel />
      </NeedsSession>
    </>
  );
}

type Open =
  | { act: "make" }
  | { act: KeyAct; key: ApiKey }
  | { act: "secret"; made: MadeKey; wasRotated: boolean };

const MANY = 8;

function OwnKeys() {
  const { data: keys, error } = useKeys();
  const now = useNow();
  const [open, setOpen] = useState<Open | null>(null);
  const [sought, setSought] = useState("");
  const close = () => setOpen(null);
  const shown = keys?.filter((key) =>
    `${key.description} ${key.lastSix}`.toLowerCase().includes(sought.trim().toLowerCase()),
  );
  const make = (
    <button type="button" className="primary" onClick={() => setOpen({ act: "make" })}>
      {texts.keys.make}
    </button>
  );
  return (
    <>
      <Panel title={texts.keys.yours} aside={make}>
        {error !== null && <Notice tone="bad">{explain(error)}</Notice>}
        {keys === undefined && error === null && <Waiting width={24} />}
        {keys?.length === 0 && <p className="quiet">{texts.keys.makeFirst}</p>}
        {keys !== undefined && keys.length > MANY && (
          <input
            type="search"
            aria-label={texts.keys.find}
            placeholder={texts.keys.find}
            value={sought}
            onChange={(event) => setSought(event.target.value)}
          />
        )}
        {shown?.length === 0 && sought !== "" && <p className="quiet">{texts.keys.foundNone}</p>}
        <ul className="plain key-list">
          {shown?.map((key) => (
            <KeyItem key={key.id} of={key} now={now} onAct={(act) => setOpen({ act, key })} />
          ))}
        </ul>
      </Panel>
      <KeyDialogs open={open} now={now} onOpen={setOpen} onClose={close} />
    </>
  );
}

/**
 * One dialog for all, whose content changes: what is made in one step is shown in the next, and a dialog that closed
 * between them would say that the person had closed it.
 */
function KeyDialogs({
  open,
  now,
  onOpen,
  onClose,
}: {
  open: Open | null;
  now: number;
  onOpen: (open: Open) => void;
  onClose: () => void;
}) {
  const show = (wasRotated: boolean) => (made: MadeKey) => onOpen({ act: "secret", made, wasRotated });
  return (
    <Dialog title={titleOf(open)} open={open !== null} onClose={onClose}>
      {open?.act === "make" && <MakeForm now={now} onMade={show(false)} />}
      {open?.act === "change" && <ChangeForm of={open.key} now={now} onDone={onClose} />}
      {open?.act === "rotate" && <RotateKey of={open.key} onMade={show(true)} onKeep={onClose} />}
      {open?.act === "revoke" && <RevokeKey of={open.key} onDone={onClose} />}
      {open?.act === "secret" && (
        <SecretShown made={open.made} wasRotated={open.wasRotated} onDone={onClose} />
      )}
    </Dialog>
  );
}

function titleOf(open: Open | null): string {
  const { form, confirm, secret } = texts.keys;
  switch (open?.act) {
    case "make":
      return form.make;
    case "change":
      return form.change;
    case "rotate":
      return confirm.rotate;
    case "revoke":
      return confirm.revoke;
    case "secret":
      return open.wasRotated ? secret.rotated : secret.made;
    default:
      return "";
  }
}
