import {
  type Address,
  type Client,
  decodeEventLog,
  getAbiItem,
  getAddress,
  type Log,
  toEventSelector,
} from "viem";
import { getBlock, getLogs, readContract } from "viem/actions";
import type { Moment, Stated, Viewed } from "../core/allowance";
import { nextSpan } from "../core/spans";
import { settings } from "../settings";
import { contracts } from "./contracts";

const FIRST_SPAN = 10_000n;
const { address: STAKE, abi } = contracts.InferenceStake;
const CHANGED = getAbiItem({ abi, name: "AllowanceChanged" });

/** A node's answer that cannot be what it was asked for. */
export class StrangeAnswer extends Error {}

export type Scan = { stated: Stated[]; head: Moment; hash: string; viewed: Viewed; requests: number };
export type Progress = { from: bigint; reached: bigint; to: bigint; requests: number };

/**
 * Everything the contract ever stated of an account's daily right, up to the newest block, and what its own view says
 * at that block. Nodes answer for so many blocks at once and no more: each refusal halves the range, each answer
 * doubles the next.
 *
 * Throws StrangeAnswer for logs that were not asked for, and where the newest block was replaced meanwhile.
 */
export async function scanAllowance(
  client: Client,
  account: Address,
  told: (progress: Progress) => void,
  signal: AbortSignal,
): Promise<Scan> {
  const block = await getBlock(client, { blockTag: "latest" });
  // Asked first: after a long search a node may not remember this block's state any more.
  const [current, next] = await readContract(client, {
    ...contracts.InferenceStake,
    functionName: "allowanceOf",
    args: [account],
    blockNumber: block.number,
  });
  const from = BigInt(settings.chain.startBlock);
  const stated: Stated[] = [];
  let requests = 0;
  let span = FIRST_SPAN;
  for (let first = from; first <= block.number; ) {
    signal.throwIfAborted();
    const last = first + span - 1n < block.number ? first + span - 1n : block.number;
    const found = await logsOf(client, account, first, last).catch((error: unknown) => error as Error);
    requests++;
    const isAnswer = Array.isArray(found);
    // One block that is refused is no matter of the range's length.
    if (!isAnswer && (found instanceof StrangeAnswer || last === first)) throw found;
    if (isAnswer) {
      stated.push(...found);
      first = last + 1n;
      told({ from, reached: last, to: block.number, requests });
    }
    span = nextSpan(span, isAnswer);
  }
  signal.throwIfAborted();
  const again = await getBlock(client, { blockNumber: block.number });
  if (again.hash !== block.hash) throw new StrangeAnswer(`block ${block.number} was replaced`);
  return {
    stated,
    head: { block: block.number, timestamp: Number(block.timestamp) },
    hash: block.hash,
    viewed: { current, next },
    requests,
  };
}

/** When a block was made, asked of the node. */
export async function momentOf(client: Client, block: bigint): Promise<Moment> {
  const { timestamp } = await getBlock(client, { blockNumber: block });
  return { block, timestamp: Number(timestamp) };
}

async function logsOf(client: Client, account: Address, fromBlock: bigint, toBlock: bigint) {
  const logs = await getLogs(client, {
    address: STAKE,
    event: CHANGED,
    args: { account },
    fromBlock,
    toBlock,
  });
  let before = -1n;
  return logs.map((log) => {
    const made = statedIn(log, account, fromBlock, toBlock);
    const place = made.block * 1_000_000n + BigInt(made.logIndex);
    if (place <= before) throw new StrangeAnswer(`logs of block ${made.block} are out of order`);
    before = place;
    return made;
  });
}

function statedIn(log: Log, account: Address, from: bigint, to: bigint): Stated {
  const { blockNumber: block, logIndex } = log;
  if (block === null || logIndex === null || block < from || block > to) {
    throw new StrangeAnswer(`a log of block ${block} among those from ${from} to ${to}`);
  }
  if (getAddress(log.address) !== getAddress(STAKE) || log.topics[0] !== toEventSelector(CHANGED)) {
    throw new StrangeAnswer(`a log of ${log.address} that was not asked for`);
  }
  const { args } = decodeEventLog({ abi, eventName: "AllowanceChanged", data: log.data, topics: log.topics });
  if (getAddress(args.account) !== getAddress(account)) {
    throw new StrangeAnswer(`a log of another wallet, ${args.account}`);
  }
  return { block, logIndex, epoch: Number(args.epoch), current: args.current, next: args.next };
}
