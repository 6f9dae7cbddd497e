import "../style/pairing.css";
import { lazy, Suspense, useEffect, useState } from "react";
import type { Connector } from "wagmi";
import { codeOf } from "../chain/chosen";
import { texts } from "../texts/en";
import { CopyButton, Notice, Waiting } from "./basics";

// Few people need it: it is loaded with the first code.
const QrCode = lazy(() => import("./qr"));
const words = texts.connecting;
/** What has not answered by then may never: the person is told what to do. */
const SLOW_SECONDS = 10;

/** A wallet was chosen and has not answered: what to do in it, and the way back. */
export function Connecting({ connector, onCancel }: { connector: Connector; onCancel: () => void }) {
  const code = useCode(connector);
  const isSlow = useAfter(SLOW_SECONDS) && code === null;
  const name = connector.name.slice(0, 40);
  return (
    <div className="stack" aria-live="polite">
      <p>{words.at(name)}</p>
      {code === null ? <Notice>{texts.wallet.connecting}</Notice> : <Pairing code={code} />}
      {isSlow && <Notice tone="warn">{words.slow(name)}</Notice>}
      <div>
        <button type="button" onClick={onCancel}>
          {words.cancel}
        </button>
      </div>
    </div>
  );
}

function Pairing({ code }: { code: string }) {
  return (
    <>
      <p>{words.scan}</p>
      <Suspense fallback={<Waiting width={24} />}>
        <QrCode text={code} />
      </Suspense>
      <div className="row">
        <CopyButton text={code} label={words.copy} />
        <a href={code}>{words.here}</a>
      </div>
    </>
  );
}

/** The newest code that the connector has for another device; null while there is none. */
function useCode(connector: Connector): string | null {
  const [code, setCode] = useState<string | null>(null);
  useEffect(() => {
    const listen = (message: { type: string; data?: unknown }) => {
      const found = codeOf(message);
      if (found !== null) setCode(found);
    };
    connector.emitter.on("message", listen);
    return () => connector.emitter.off("message", listen);
  }, [connector]);
  return code;
}

function useAfter(seconds: number): boolean {
  const [isAfter, setAfter] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setAfter(true), seconds * 1_000);
    return () => clearTimeout(timer);
  }, [seconds]);
  return isAfter;
}
