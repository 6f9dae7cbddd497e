import type { Address, Hex } from "viem";
import { leafOf, rootOf } from "./commitment";
import { parseExact } from "./exact_json";
import { address, count, hash, type Members, members, NotOfThisForm } from "./forms";

/**
 * A day's public file: what everybody was granted, and the commitment to what everybody spent. Its SHA-256 and
 * the root of its rows stand on the chain. It has one form, byte by byte:
 *
 *     {"accounts":2,...,"root":"0x..","spent":5,"rows":[
 *     ["0x00..01",3000000000,0,"0x.."],
 *     ["0x00..02",1000000000,0,"0x.."]
 *     ]}
 *
 * The same rule as entitlement/core/epoch_file.py. Credit in nano-dollars.
 */

export const FORMAT = "entitlement-epoch-1";
const ROWS = ',"rows":[';
const END = "\n]}\n";
const ROW = /^\["(0x[0-9a-f]{40})",(0|[1-9][0-9]{0,18}),(0|[1-9][0-9]{0,18}),"(0x[0-9a-f]{64})"\](,?)$/;
/** So many leaves are made before whoever waits is told how far it is: a few milliseconds each time. */
const ROWS_AT_ONCE = 500;

export type EpochHead = {
  chainId: bigint;
  /** EpochRoots, as the file names it. */
  contract: Address;
  epoch: bigint;
  root: Hex;
  accounts: bigint;
  diem: bigint;
  proRata: bigint;
  spent: bigint;
};

export type Row = { account: Address; diem: bigint; proRata: bigint; spending: Hex };

export type EpochFile = { head: EpochHead; rows: Row[] };

/** What the rows of a file make, to be held against its head and the chain. */
export type Counted = { accounts: bigint; diem: bigint; proRata: bigint; root: Hex; inOrder: boolean };

/** What a file says, which need not be true. Throws NotOfThisForm or SyntaxError for any other form. */
export function readEpochFile(text: string): EpochFile {
  const at = text.indexOf(ROWS);
  if (at < 0 || !text.endsWith(END)) throw new NotOfThisForm("there are no rows where they should be");
  const head = headIn(members(parseExact(`${text.slice(0, at)}}`), "the head"));
  const body = text.slice(at + ROWS.length, -END.length);
  const lines = body === "" ? [] : body.slice(1).split("\n");
  return { head, rows: lines.map((line, place) => rowIn(line, place, lines.length)) };
}

/** Add up the rows and make their tree; gives way to the page from time to time, and stops by the signal. */
export async function countRows(
  file: EpochFile,
  told: (done: number) => void,
  signal: AbortSignal,
): Promise<Counted> {
  const found: Counted = { accounts: 0n, diem: 0n, proRata: 0n, root: "0x", inOrder: true };
  const leaves: Hex[] = [];
  let before = "";
  for (const row of file.rows) {
    if (leaves.length % ROWS_AT_ONCE === 0) {
      told(leaves.length);
      await new Promise((resume) => setTimeout(resume));
      signal.throwIfAborted();
    }
    leaves.push(leafOf(file.head.epoch, row.account, row.diem + row.proRata, row.spending));
    found.accounts += 1n;
    found.diem += row.diem;
    found.proRata += row.proRata;
    found.inOrder &&= row.account > before;
    before = row.account;
  }
  return { ...found, root: rootOf(leaves) };
}

function headIn(read: Members): EpochHead {
  if (read.format !== FORMAT) throw new NotOfThisForm(`format is ${String(read.format).slice(0, 40)}`);
  return {
    chainId: count(read.chain_id, "chain_id"),
    contract: address(members(read.contracts, "contracts").EpochRoots, "EpochRoots"),
    epoch: count(read.epoch, "epoch"),
    root: hash(read.root, "root"),
    accounts: count(read.accounts, "accounts"),
    diem: count(read.diem, "diem"),
    proRata: count(read.pro_rata, "pro_rata"),
    spent: count(read.spent, "spent"),
  };
}

function rowIn(line: string, place: number, rows: number): Row {
  const found = ROW.exec(line);
  const isLast = place === rows - 1;
  if (found === null || (found[5] === "") !== isLast) {
    throw new NotOfThisForm(`row ${place + 1} is ${line.slice(0, 80)}`);
  }
  const [, account, diem, proRata, spending] = found as unknown as [string, Address, string, string, Hex];
  return { account, diem: BigInt(diem), proRata: BigInt(proRata), spending };
}
