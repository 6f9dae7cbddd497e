import type { Address, Hex } from "viem";
import { leafOf, type Step, spendingOf, stepsFrom } from "./commitment";
import { type Exact, parseExact } from "./exact_json";
import { address, count, hash, list, type Members, members, NotOfThisForm } from "./forms";

/**
 * An account's own proof of a day: what it was granted and spent, and why the published root says so.
 *
 *     (account, epoch, granted, spent, salt) -> leaf -> up the proof -> root == the one on the chain
 *
 * The same rule as entitlement/core/account_proof.py. Whoever sees a proof knows what was spent that day.
 */

export const FORMAT = "entitlement-proof-1";
const LONGEST_PROOF = 64;
const NAMES = [
  ...["format", "chain_id", "contract", "epoch", "account", "diem", "pro_rata", "granted", "spent"],
  ...["salt", "spending", "leaf", "proof", "root", "file_hash", "block", "transaction"],
];

/** Everything that opens one leaf. Credit in nano-dollars. */
export type AccountProof = {
  chainId: bigint;
  /** EpochRoots, as the proof names it. */
  contract: Address;
  epoch: bigint;
  account: Address;
  diem: bigint;
  proRata: bigint;
  spent: bigint;
  salt: Hex;
  proof: Hex[];
  root: Hex;
  /** SHA-256 of the day's public file. */
  fileHash: Hex;
};

/** What follows from a proof, computed; the figures that it states itself are beside it. */
export type Opened = {
  proof: AccountProof;
  granted: bigint;
  spending: Hex;
  leaf: Hex;
  steps: Step[];
  /** Where the steps end. */
  reached: Hex;
  /** What the proof states of itself, which has to be what was computed. */
  stated: { granted: Exact | undefined; spending: Exact | undefined; leaf: Exact | undefined };
  /** Names that are missing or too many. */
  strangeNames: string[];
};

/** What a proof says and what follows from it. Throws NotOfThisForm or SyntaxError for any other text. */
export function openProof(text: string): Opened {
  const read = members(parseExact(text), "the document");
  const proof = proofIn(read);
  const granted = proof.diem + proof.proRata;
  const spending = spendingOf(proof.spent, proof.salt);
  const leaf = leafOf(proof.epoch, proof.account, granted, spending);
  const steps = stepsFrom(leaf, proof.proof);
  return {
    proof,
    granted,
    spending,
    leaf,
    steps,
    reached: steps.at(-1)?.parent ?? leaf,
    stated: { granted: read.granted, spending: read.spending, leaf: read.leaf },
    strangeNames: [
      ...NAMES.filter((name) => !(name in read)),
      ...Object.keys(read).filter((name) => !NAMES.includes(name)),
    ],
  };
}

/** Whether a proof agrees with itself: what it states follows from the rest, and it leads to its own root. */
export function holdsTogether(opened: Opened): boolean {
  return (
    opened.strangeNames.length === 0 &&
    opened.stated.granted === opened.granted &&
    opened.stated.spending === opened.spending &&
    opened.stated.leaf === opened.leaf &&
    opened.reached === opened.proof.root &&
    opened.proof.spent <= opened.granted
  );
}

function proofIn(read: Members): AccountProof {
  if (read.format !== FORMAT) throw new NotOfThisForm(`format is ${String(read.format).slice(0, 40)}`);
  const nodes = list(read.proof, "proof");
  if (nodes.length > LONGEST_PROOF) throw new NotOfThisForm(`proof has ${nodes.length} steps`);
  return {
    chainId: count(read.chain_id, "chain_id"),
    contract: address(read.contract, "contract"),
    epoch: count(read.epoch, "epoch"),
    account: address(read.account, "account"),
    diem: count(read.diem, "diem"),
    proRata: count(read.pro_rata, "pro_rata"),
    spent: count(read.spent, "spent"),
    salt: hash(read.salt, "salt"),
    proof: nodes.map((node) => hash(node, "a step of the proof")),
    root: hash(read.root, "root"),
    fileHash: hash(read.file_hash, "file_hash"),
  };
}
