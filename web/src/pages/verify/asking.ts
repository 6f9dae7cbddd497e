import { useQuery } from "@tanstack/react-query";
import type { Address, Client, Hex } from "viem";
import { readContract } from "viem/actions";
import { answered, api, mayRetry, ServiceError } from "../../api/client";
import { contracts } from "../../chain/contracts";
import { momentOf } from "../../chain/scanning";
import type { Told } from "../../core/allowance";
import { parseExact } from "../../core/exact_json";
import { count, members } from "../../core/forms";
import { settings } from "../../settings";

/** What the chain has of a day; credit in nano-dollars. */
export type Commitment = {
  root: Hex;
  granted: bigint;
  spent: bigint;
  accounts: bigint;
  fileHash: Hex;
  publishedAt: bigint;
};

/** What EpochRoots has of a day; null where nothing was published. Only the day is told to the node. */
export async function commitmentOf(client: Client, epoch: bigint): Promise<Commitment | null> {
  const found = await readContract(client, {
    ...contracts.EpochRoots,
    functionName: "commitmentOf",
    args: [epoch],
  });
  return found.publishedAt === 0n ? null : found;
}

/** Whether something names this page's chain and its EpochRoots. */
export function isOurs(chainId: bigint, contract: Address): boolean {
  const ours = settings.addresses.EpochRoots.toLowerCase();
  return chainId === BigInt(settings.chain.id) && contract.toLowerCase() === ours;
}

/** The days that the service has committed to, newest first. */
export function useDays() {
  return useQuery({
    queryKey: ["days"],
    queryFn: () => answered(api.GET("/v1/public/proofs")),
    refetchInterval: 30_000,
    retry: mayRetry,
  });
}

/** A wallet's own proof of a day, as text: its figures are read exactly. */
export function ownProof(epoch: number): Promise<string> {
  const query = { epoch };
  return textOf(api.GET("/v1/wallet/proofs", { params: { query }, parseAs: "text" }));
}

/** The receipt of a hold, as text. */
export function ownReceipt(hold: string): Promise<string> {
  const path = { hold_id: hold };
  return textOf(api.GET("/v1/wallet/receipts/{hold_id}", { params: { path }, parseAs: "text" }));
}

/** The address of a day's public file. */
export function fileAddress(epoch: number): string {
  return `/v1/public/proofs/${epoch}`;
}

/** A day's public file, byte by byte; without the short limit of other questions, as it may be large. */
export async function epochFile(epoch: number, signal: AbortSignal): Promise<Uint8Array> {
  const answer = await fetch(fileAddress(epoch), { signal });
  if (!answer.ok) {
    const detail = `${answer.status} ${answer.statusText}`;
    throw new ServiceError({ status: answer.status, code: "unknown", detail, figures: {} });
  }
  return new Uint8Array(await answer.arrayBuffer());
}

/** What the service says of a wallet's right, with the blocks it says it by; null where it is silent. */
export async function toldOf(client: Client, account: Address): Promise<Told | null> {
  let text: string;
  try {
    const path = { address: account };
    text = await textOf(api.GET("/v1/public/wallets/{address}", { params: { path }, parseAs: "text" }));
  } catch (error) {
    if (error instanceof ServiceError && (error.problem.status === 0 || error.problem.status >= 500))
      return null;
    throw error;
  }
  const read = members(parseExact(text), "the service's answer");
  const [final, latest] = await Promise.all([
    momentOf(client, count(read.final_block, "final_block")),
    momentOf(client, count(read.latest_block, "latest_block")).catch(() => null),
  ]);
  return {
    now: count(read.allowance_now, "allowance_now"),
    next: count(read.allowance_next, "allowance_next"),
    epoch: Number(count(read.epoch, "epoch")),
    final,
    // A block that this node does not have yet is newer than all it has.
    latest: latest ?? { block: count(read.latest_block, "latest_block"), timestamp: final.timestamp },
  };
}

async function textOf(asked: Promise<{ data?: unknown; error?: unknown; response: Response }>) {
  return String(await answered(asked));
}
