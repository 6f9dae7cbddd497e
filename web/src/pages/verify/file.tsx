import { useMutation } from "@tanstack/react-query";
import { useEffect, useId, useRef, useState } from "react";
import { type Address, isAddressEqual, sha256 } from "viem";
import { useConnection, usePublicClient } from "wagmi";
import type { Opened } from "../../core/account_proof";
import { type Counted, countRows, type EpochFile, readEpochFile } from "../../core/epoch_file";
import { day } from "../../core/epochs";
import { settings } from "../../settings";
import { texts } from "../../texts/en";
import { Notice } from "../../ui/basics";
import { type Commitment, commitmentOf, epochFile, fileAddress, isOurs } from "./asking";
import { type Check, Checks, Hashes, whyNot } from "./parts";

const words = texts.verify.day;

type Checked = { file: EpochFile; counted: Counted; digest: `0x${string}`; commitment: Commitment | null };

/** A day's public file against the chain: its bytes, its lines, its totals. */
export function FileCheck({ epoch, opened }: { epoch: number | null; opened: Opened | null }) {
  const client = usePublicClient({ chainId: settings.chain.id });
  const [done, setDone] = useState<{ lines: number; all: number } | null>(null);
  const stopping = useRef<AbortController | null>(null);
  const id = useId();
  useEffect(() => () => stopping.current?.abort(), []);
  const checking = useMutation({
    mutationFn: async (asked: number): Promise<Checked> => {
      if (client === undefined) throw new Error(texts.verify.allowance.needsNode);
      stopping.current = new AbortController();
      setDone(null);
      const { signal } = stopping.current;
      const bytes = await epochFile(asked, signal);
      const file = readEpochFile(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
      const counted = await countRows(file, (lines) => setDone({ lines, all: file.rows.length }), signal);
      const commitment = await commitmentOf(client, BigInt(asked));
      return { file, counted, digest: sha256(bytes), commitment };
    },
  });
  return (
    <section className="stack" aria-labelledby={id}>
      <h3 id={id}>{words.fileTitle}</h3>
      <p className="lead small">{words.fileLead}</p>
      <div className="row">
        {checking.isPending ? (
          <button type="button" onClick={() => stopping.current?.abort()}>
            {texts.verify.stop}
          </button>
        ) : (
          <button
            type="button"
            disabled={epoch === null}
            onClick={() => epoch !== null && checking.mutate(epoch)}
          >
            {words.checkFile}
          </button>
        )}
        {epoch !== null && (
          <a href={fileAddress(epoch)} download={`epoch-${epoch}.json`}>
            {words.downloadFile}
          </a>
        )}
      </div>
      {checking.isPending && (
        <p className="small quiet number">
          {done === null ? words.reading : words.adding(String(done.lines), String(done.all))}
        </p>
      )}
      {checking.isError && <Notice tone="bad">{whyNot(checking.error)}</Notice>}
      {checking.isSuccess && epoch !== null && <Found {...checking.data} epoch={epoch} opened={opened} />}
    </section>
  );
}

function Found({ epoch, opened, ...checked }: Checked & { epoch: number; opened: Opened | null }) {
  const { address } = useConnection();
  const { file, digest, commitment } = checked;
  const checks = checksOf(checked, epoch, address, opened);
  const fails = checks.some((check) => check.holds === false);
  return (
    <div className="stack">
      {fails ? (
        <Notice tone="bad">{words.fileRefused}</Notice>
      ) : commitment === null ? (
        <Notice tone="warn">{words.unpublished(day(epoch))}</Notice>
      ) : (
        <Notice tone="good">
          {words.fileHolds(String(file.rows.length), commitment.granted, commitment.spent)}
        </Notice>
      )}
      <Checks checks={checks} />
      <p className="small quiet">{words.spentIsWord}</p>
      <details>
        <summary>{texts.verify.how}</summary>
        <Hashes
          lines={[
            { name: words.digest, value: digest },
            { name: words.chainDigest, value: commitment?.fileHash ?? words.noRoot },
            { name: words.fileChecks.root, value: checked.counted.root },
            { name: words.rootStep, value: commitment?.root ?? words.noRoot },
          ]}
        />
      </details>
    </div>
  );
}

function checksOf(
  { file, counted, digest, commitment }: Checked,
  epoch: number,
  owner: Address | undefined,
  opened: Opened | null,
): Check[] {
  const { head } = file;
  const names = words.fileChecks;
  const onChain = (holds: (found: Commitment) => boolean) => (commitment === null ? null : holds(commitment));
  const mine = owner && file.rows.find((row) => isAddressEqual(row.account, owner));
  const isOfProof =
    opened !== null && opened.proof.epoch === BigInt(epoch) && mine?.account === opened.proof.account;
  return [
    { name: words.checks.place, holds: isOurs(head.chainId, head.contract) && head.epoch === BigInt(epoch) },
    { name: names.digest, holds: onChain((found) => found.fileHash === digest) },
    {
      name: names.root,
      holds: counted.root === head.root && (onChain((found) => found.root === counted.root) ?? true),
    },
    {
      name: names.sums,
      holds:
        counted.accounts === head.accounts && counted.diem === head.diem && counted.proRata === head.proRata,
    },
    {
      name: names.totals,
      holds: onChain(
        (found) =>
          found.granted === head.diem + head.proRata &&
          found.spent === head.spent &&
          found.accounts === head.accounts,
      ),
    },
    { name: names.order, holds: counted.inOrder },
    ...(owner === undefined
      ? []
      : [
          {
            name: names.mine,
            holds: mine === undefined ? null : true,
            ...(mine === undefined ? { note: words.notInIt } : {}),
          },
        ]),
    ...(isOfProof ? [{ name: names.same, holds: mine?.spending === opened.spending }] : []),
  ];
}
