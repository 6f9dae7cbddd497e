import { useMutation } from "@tanstack/react-query";
import { useId, useRef, useState } from "react";
import { type Address, isAddress } from "viem";
import { useConnection, usePublicClient } from "wagmi";
import { type Progress, type Scan, scanAllowance } from "../../chain/scanning";
import { judge, type Told, type Verdict } from "../../core/allowance";
import { settings } from "../../settings";
import { texts } from "../../texts/en";
import { Notice, Panel, type Tone } from "../../ui/basics";
import { ConnectButton } from "../../ui/wallet";
import { AllowanceLog, AllowanceTable } from "./allowance_table";
import { toldOf } from "./asking";
import { whyNot } from "./parts";

const words = texts.verify.allowance;
const TONES: Record<Verdict, Tone> = {
  agree: "good",
  waiting: "plain",
  day: "plain",
  ahead: "plain",
  silent: "warn",
  service: "bad",
  node: "bad",
  broken: "bad",
};

/** Today's allowance of any wallet: computed from the logs, by the contract's own view, by the service. */
export function AllowanceCheck() {
  const { address: own } = useConnection();
  const client = usePublicClient({ chainId: settings.chain.id });
  const [typed, setTyped] = useState<string | null>(null);
  const [progress, setProgress] = useState<Progress | null>(null);
  const stopping = useRef<AbortController | null>(null);
  const id = useId();
  const text = (typed ?? own ?? "").trim();
  const isWrong = text !== "" && !isAddress(text, { strict: false });

  const computing = useMutation({
    mutationFn: async (account: Address) => {
      if (client === undefined) throw new Error(words.needsNode);
      stopping.current = new AbortController();
      setProgress(null);
      // First the service: then the newest block is at least as new as what it knows.
      const told = await toldOf(client, account);
      const scan = await scanAllowance(client, account, setProgress, stopping.current.signal);
      return { scan, told, verdict: judge(scan.stated, scan.head, scan.viewed, told) };
    },
  });

  if (settings.chain.rpcUrl === null && own === undefined) {
    return (
      <Panel title={words.title}>
        <p className="lead">{words.lead}</p>
        <p>{words.needsNode}</p>
        <ConnectButton />
      </Panel>
    );
  }
  return (
    <Panel title={words.title}>
      <div className="stack">
        <p className="lead">{words.lead}</p>
        <form
          className="ask"
          onSubmit={(event) => {
            event.preventDefault();
            if (isAddress(text, { strict: false })) computing.mutate(text.toLowerCase() as Address);
          }}
        >
          <div className="field">
            <label htmlFor={id}>{words.address}</label>
            <input
              id={id}
              className="mono"
              autoComplete="off"
              spellCheck={false}
              placeholder="0x…"
              value={typed ?? own ?? ""}
              onChange={(event) => setTyped(event.target.value)}
              aria-invalid={isWrong}
              aria-describedby={`${id}-hint`}
            />
          </div>
          {computing.isPending ? (
            <button type="button" onClick={() => stopping.current?.abort()}>
              {texts.verify.stop}
            </button>
          ) : (
            <button type="submit" className="primary" disabled={text === "" || isWrong}>
              {words.compute}
            </button>
          )}
        </form>
        <p id={`${id}-hint`} className="small quiet">
          {isWrong ? (
            <span role="alert">{words.notAnAddress}</span>
          ) : (
            <>
              {words.hint}{" "}
              {settings.chain.rpcUrl === null
                ? words.throughWallet
                : words.throughNode(settings.chain.rpcUrl)}
            </>
          )}
        </p>
        {computing.isPending && <Reading progress={progress} />}
        {computing.isError && <Notice tone="bad">{whyNot(computing.error)}</Notice>}
        {computing.isSuccess && <Found {...computing.data} />}
      </div>
    </Panel>
  );
}

function Reading({ progress }: { progress: Progress | null }) {
  const id = useId();
  if (progress === null) return <p id={id}>{texts.verify.computing}</p>;
  const { from, reached, to, requests } = progress;
  const share = to === from ? 1n : ((reached - from) * 1_000n) / (to - from);
  return (
    <div>
      <progress max={1000} value={Number(share)} aria-labelledby={id} />
      <p id={id} className="small quiet number">
        {words.progress(String(reached), String(to), requests)}
      </p>
    </div>
  );
}

function Found({ scan, told, verdict }: { scan: Scan; told: Told | null; verdict: Verdict }) {
  return (
    <>
      <Notice tone={TONES[verdict]}>{words.verdicts[verdict]}</Notice>
      <AllowanceTable scan={scan} told={told} />
      {told !== null && verdict !== "agree" && (
        <p className="small quiet">{words.meaning(String(told.final.block), String(told.latest.block))}</p>
      )}
      <AllowanceLog scan={scan} />
    </>
  );
}
