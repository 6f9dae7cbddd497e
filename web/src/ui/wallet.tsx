import { useMutation } from "@tanstack/react-query";
import { useId, useState } from "react";
import { type Connector, useConnect, useConnection, useConnectors, useDisconnect } from "wagmi";
import { useSession } from "../api/session";
import { explain } from "../chain/errors";
import { texts } from "../texts/en";
import { AddressText, CopyButton, Dialog, Notice } from "./basics";
import { Connecting } from "./pairing";

/** Only pictures that are inside the announcement: one from elsewhere would tell others who reads this page. */
const OWN_PICTURE = /^data:image\/(svg\+xml|png|webp|jpeg|gif)[;,]/;

/** Connect a wallet, or see which one is connected. */
export function WalletButton() {
  const { address } = useConnection();
  const { session, signOut, signOutEverywhere } = useSession();
  const everywhere = useMutation({ mutationFn: signOutEverywhere });
  const { mutate: disconnect } = useDisconnect();
  const [open, setOpen] = useState(false);
  const hint = useId();
  if (address === undefined) return <ConnectButton />;
  return (
    <>
      <button type="button" onClick={() => setOpen(true)} aria-haspopup="dialog">
        <span className="hidden-visually">{texts.wallet.yours}: </span>
        <span className="mono">
          {address.slice(0, 6)}…{address.slice(-4)}
        </span>
      </button>
      <Dialog
        title={texts.wallet.yours}
        open={open}
        onClose={() => {
          setOpen(false);
          everywhere.reset();
        }}
      >
        <p className="mono">{address}</p>
        <div className="row">
          <CopyButton text={address} />
          <AddressText address={address} />
        </div>
        <div className="row">
          {session !== null && (
            <>
              <button type="button" onClick={() => signOut()}>
                {texts.session.signOut}
              </button>
              <button
                type="button"
                disabled={everywhere.isPending}
                onClick={() => everywhere.mutate()}
                aria-describedby={hint}
              >
                {texts.session.signOutEverywhere}
              </button>
            </>
          )}
          <button
            type="button"
            onClick={() => {
              setOpen(false);
              disconnect({});
            }}
          >
            {texts.wallet.disconnect}
          </button>
        </div>
        {session !== null && (
          <p id={hint} className="small quiet">
            {texts.session.everywhereHint}
          </p>
        )}
        {everywhere.data !== undefined && (
          <Notice tone="good">{texts.session.endedAll(everywhere.data)}</Notice>
        )}
        {everywhere.error !== null && <Notice tone="bad">{explain(everywhere.error)}</Notice>}
      </Dialog>
    </>
  );
}

export function ConnectButton() {
  const [open, setOpen] = useState(false);
  return (
    <>
      <button type="button" className="primary" onClick={() => setOpen(true)} aria-haspopup="dialog">
        {texts.wallet.connect}
      </button>
      <Dialog title={texts.wallet.choose} open={open} onClose={() => setOpen(false)}>
        <Choice onDone={() => setOpen(false)} />
      </Dialog>
    </>
  );
}

function Choice({ onDone }: { onDone: () => void }) {
  const { mutate: connect, isPending, error, reset } = useConnect();
  const offered = useOffered();
  const [chosen, setChosen] = useState<Connector | null>(null);
  if (isPending && chosen !== null) return <Connecting connector={chosen} onCancel={reset} />;
  return (
    <div className="stack">
      <p className="quiet">{texts.wallet.nothingSent}</p>
      {offered.length === 0 && <Notice tone="warn">{texts.wallet.none}</Notice>}
      {offered.map((connector) => (
        <button
          key={connector.uid}
          type="button"
          className="wide"
          onClick={() => {
            setChosen(connector);
            connect({ connector }, { onSuccess: onDone });
          }}
        >
          {connector.icon !== undefined && OWN_PICTURE.test(connector.icon) && (
            <img src={connector.icon} alt="" width="22" height="22" />
          )}
          {connector.name.slice(0, 40)}
        </button>
      ))}
      {error !== null && <Notice tone="bad">{explain(error)}</Notice>}
    </div>
  );
}

/** The wallets to choose from: those that announced themselves; the unnamed one only where none did. */
function useOffered(): readonly Connector[] {
  const connectors = useConnectors();
  const announced = connectors.some((each) => each.type === "injected" && each.id !== "injected");
  const isThere = typeof window !== "undefined" && "ethereum" in window;
  return connectors.filter((each) => each.id !== "injected" || (!announced && isThere));
}
