import { useMutation } from "@tanstack/react-query";
import { useEffect, useId } from "react";
import { isAddressEqual } from "viem";
import { useConnection, usePublicClient } from "wagmi";
import { useSession } from "../../api/session";
import { holdsTogether, type Opened, openProof } from "../../core/account_proof";
import { day } from "../../core/epochs";
import { dollars } from "../../core/units";
import { settings } from "../../settings";
import { texts } from "../../texts/en";
import { Notice, Tile } from "../../ui/basics";
import { type Commitment, commitmentOf, isOurs, ownProof } from "./asking";
import { type Check, Checks, DownloadButton, FileChoice, Hashes, OwnerOnly, whyNot } from "./parts";

const words = texts.verify.day;

type Checked = { opened: Opened; commitment: Commitment | null; text: string };

/** The owner's proof of a day, fetched or from disk. Its figure leaves the browser in no request. */
export function ProofCheck({
  epoch,
  onOpened,
}: {
  epoch: number | null;
  onOpened: (opened: Opened | null) => void;
}) {
  const client = usePublicClient({ chainId: settings.chain.id });
  const { noteRefusal } = useSession();
  const id = useId();
  const checking = useMutation({
    mutationFn: async (given: string | number): Promise<Checked> => {
      const text = typeof given === "string" ? given : await ownProof(given);
      const opened = openProof(text);
      if (client === undefined) throw new Error(texts.verify.allowance.needsNode);
      return { opened, text, commitment: await commitmentOf(client, opened.proof.epoch) };
    },
    onError: noteRefusal,
    onSettled: (checked) => onOpened(checked?.opened ?? null),
  });
  const { reset } = checking;
  // Another day was picked: what was found of the one before would stand under the wrong date.
  useEffect(() => {
    if (epoch !== null) reset();
  }, [epoch, reset]);
  return (
    <section className="stack" aria-labelledby={id}>
      <h3 id={id}>{words.proofTitle}</h3>
      <p className="lead small">{words.proofLead}</p>
      <OwnerOnly>
        <div>
          <button
            type="button"
            className="primary"
            disabled={epoch === null || checking.isPending}
            onClick={() => epoch !== null && checking.mutate(epoch)}
          >
            {checking.isPending ? texts.verify.computing : words.check}
          </button>
        </div>
      </OwnerOnly>
      <FileChoice label={words.file} onText={(text) => checking.mutate(text)} />
      {checking.isError && <Notice tone="bad">{whyNot(checking.error)}</Notice>}
      {checking.isSuccess && <Found {...checking.data} />}
    </section>
  );
}

function Found({ opened, commitment, text }: Checked) {
  const { address } = useConnection();
  const { proof } = opened;
  const checks = checksOf(opened, commitment, address);
  const fails = checks.some((check) => check.holds === false);
  const when = day(Number(proof.epoch));
  const isMine = address !== undefined && isAddressEqual(address, proof.account);
  return (
    <div className="stack">
      {fails ? (
        <Notice tone="bad">{words.refused}</Notice>
      ) : commitment === null ? (
        <Notice tone="warn">{words.unpublished(when)}</Notice>
      ) : (
        <Notice tone="good">
          {isMine
            ? words.proven(when, opened.granted, proof.spent)
            : words.provenOther(when, proof.account, opened.granted, proof.spent)}
        </Notice>
      )}
      <Checks checks={checks} />
      {!fails && (
        <div className="tiles">
          <Tile
            name={words.granted}
            value={dollars(opened.granted, 9)}
            note={proof.proRata > 0n ? `${dollars(proof.proRata, 9)} ${words.ofShare}` : words.ofDiem}
          />
          <Tile name={words.spent} value={dollars(proof.spent, 9)} />
        </div>
      )}
      <ProofSteps opened={opened} commitment={commitment} />
      <div className="row">
        <DownloadButton text={text} name={`proof-${proof.epoch}.json`} label={words.downloadProof} />
      </div>
      <p className="small quiet">{words.keep}</p>
    </div>
  );
}

function checksOf(opened: Opened, commitment: Commitment | null, owner: `0x${string}` | undefined): Check[] {
  const { proof, reached } = opened;
  const checks = words.checks;
  return [
    { name: checks.together, holds: holdsTogether(opened) },
    { name: checks.path, holds: reached === proof.root },
    { name: checks.place, holds: isOurs(proof.chainId, proof.contract) },
    { name: checks.chain, holds: commitment === null ? null : commitment.root === reached },
    { name: checks.file, holds: commitment === null ? null : commitment.fileHash === proof.fileHash },
    ...(owner === undefined ? [] : [{ name: checks.mine, holds: isAddressEqual(owner, proof.account) }]),
  ];
}

function ProofSteps({ opened, commitment }: { opened: Opened; commitment: Commitment | null }) {
  return (
    <details>
      <summary>{texts.verify.how}</summary>
      <Hashes
        lines={[
          { name: words.spendingStep, value: opened.spending },
          { name: words.leafStep, value: opened.leaf },
          ...opened.steps.map(({ sibling, parent }, place) => ({
            name: words.stepTitle(place + 1),
            value: (
              <>
                <span className="quiet">
                  {words.neighbour} {sibling}
                </span>
                <br />
                {parent}
              </>
            ),
          })),
          { name: words.rootStep, value: commitment?.root ?? words.noRoot },
        ]}
      />
    </details>
  );
}
