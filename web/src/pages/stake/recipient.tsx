import { useId, useState } from "react";
import { type Address, getAddress, isAddress, isAddressEqual } from "viem";
import { useBytecode, useConnection } from "wagmi";
import { settings } from "../../settings";
import { texts } from "../../texts/en";
import { Notice } from "../../ui/basics";

const t = texts.stake;
const HEX_ADDRESS = /^0x[0-9a-f]{40}$/i;

type Recipient = {
  text: string;
  setText: (text: string) => void;
  isSure: boolean;
  setSure: (isSure: boolean) => void;
  isOpen: boolean;
  setOpen: (isOpen: boolean) => void;
  /** To whom the stake will belong; null while what was typed is no address. */
  owner: Address | null;
  isOwn: boolean;
  problem: string | null;
  /** Why nothing can be sent yet. */
  blocked: string | undefined;
  clear: () => void;
};

/** For whom a stake is: oneself, unless another address was typed and confirmed. */
export function useRecipient(): Recipient {
  const { address } = useConnection();
  const [text, setText] = useState("");
  const [isSure, setSure] = useState(false);
  const [isOpen, setOpen] = useState(false);
  const typed = text.trim();
  const problem = typed === "" ? null : problemOf(typed);
  const other = typed === "" || problem !== null ? null : getAddress(typed);
  const isOwn = typed === "" || (other !== null && address !== undefined && isAddressEqual(other, address));
  return {
    text,
    // A confirmation is of the address that was there.
    setText: (next) => {
      setText(next);
      setSure(false);
    },
    isSure,
    setSure,
    isOpen,
    setOpen,
    owner: isOwn ? (address ?? null) : other,
    isOwn,
    problem,
    blocked: isOwn ? undefined : (problem ?? (isSure ? undefined : t.confirmOther)),
    clear: () => {
      setText("");
      setSure(false);
      setOpen(false);
    },
  };
}

/** Another's address, with everything that tells a mistake before it costs something. */
export function RecipientField({ state }: { state: Recipient }) {
  const id = useId();
  const other = state.isOwn ? undefined : (state.owner ?? undefined);
  const { data: code } = useBytecode({
    ...(other === undefined ? {} : { address: other }),
    chainId: settings.chain.id,
    query: { enabled: other !== undefined },
  });
  return (
    <details
      className="other"
      open={state.isOpen}
      onToggle={(event) => {
        state.setOpen(event.currentTarget.open);
        // What cannot be seen must not decide where the money goes.
        if (!event.currentTarget.open && state.text !== "") state.clear();
      }}
    >
      <summary>{t.forAnother}</summary>
      <div className="stack">
        <div className="field">
          <label htmlFor={id}>{t.otherAddress}</label>
          <input
            id={id}
            className="mono"
            autoComplete="off"
            autoCapitalize="off"
            spellCheck={false}
            placeholder="0x…"
            value={state.text}
            onChange={(event) => state.setText(event.target.value)}
            aria-invalid={state.problem !== null}
            aria-describedby={`${id}-hint`}
          />
          <span id={`${id}-hint`} className={state.problem === null ? "hint" : "wrong"}>
            {state.problem ?? (state.isOwn && state.text !== "" ? t.otherIsYou : t.otherHint)}
          </span>
        </div>
        {other !== undefined && (
          <>
            <Notice tone="warn">{t.otherWarning}</Notice>
            {code !== undefined && code !== null && <Notice tone="warn">{t.otherIsContract}</Notice>}
            <label className="check">
              <input
                type="checkbox"
                checked={state.isSure}
                onChange={(event) => state.setSure(event.target.checked)}
              />
              <span>{t.otherSure}</span>
            </label>
          </>
        )}
      </div>
    </details>
  );
}

/** What is wrong with an address; capitals are its checksum, and one in small letters has none. */
function problemOf(text: string): string | null {
  if (!HEX_ADDRESS.test(text)) return t.noAddress;
  return isAddress(text) ? null : t.wrongChecksum;
}
