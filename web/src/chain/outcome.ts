import type { Address, Hex, Log } from "viem";
import { decodeEventLog, isAddressEqual, isHash, parseAbi } from "viem";
import type { Sent } from "./ledger";

/** From so many blocks above it on nothing of an ended transaction is looked at, where nobody says what is final. */
const DEEPEST = 1_000;

/** Whether an entry may still become something else: an end that a reorganisation can take back is none. */
export function isFollowed(entry: Sent, head: number, final: number | null): boolean {
  if (entry.state === "asking" || entry.state === "pending" || entry.state === "confirmed") return true;
  if (entry.state !== "reverted" || entry.blockNumber === null) return false;
  return final === null ? head - entry.blockNumber < DEEPEST : entry.blockNumber > final;
}

/** What the chain has of a transaction: its block, and whether the contract refused it; null where it is in none. */
export type Seen = { blockNumber: number; isReverted: boolean } | null;

export type Step =
  /** Nothing is new. */
  | { kind: "same" }
  /** Its block was undone: it waits again. */
  | { kind: "undone" }
  /** It is in no block: whether another took its place, or its wallet knows more, is to be looked for. */
  | { kind: "missing" }
  | { kind: "moved"; state: "confirmed" | "final" | "reverted"; blockNumber: number };

/** What becomes of an entry by what the chain has of it, and the newest block that is known to be final. */
export function stepOf(entry: Pick<Sent, "state" | "blockNumber">, seen: Seen, final: number | null): Step {
  if (seen === null) {
    return { kind: entry.state === "confirmed" || entry.state === "reverted" ? "undone" : "missing" };
  }
  const { blockNumber, isReverted } = seen;
  const state = isReverted ? "reverted" : final !== null && blockNumber <= final ? "final" : "confirmed";
  if (entry.state === state && entry.blockNumber === blockNumber) return { kind: "same" };
  return { kind: "moved", state, blockNumber };
}

/** What a wallet says of a call that it answered with an id of its own: still waiting, given up, or sent as this. */
export type Told = { kind: "waits" } | { kind: "dropped" } | { kind: "sent"; hash: Hex; isReverted: boolean };

/** EIP-5792's codes: below 200 it waits, 4xx was never sent, 5xx was undone by the chain, 6xx in part. */
const [DONE, NEVER_SENT, UNDONE] = [200, 400, 500] as const;
/** As the first drafts of it had them. */
const DRAFT_CODES: Record<string, number> = { PENDING: 100, CONFIRMED: DONE };

/** The answer of `wallet_getCallsStatus`; null where it is none that says anything. */
export function toldByStatus(answer: unknown): Told | null {
  const { status, receipts } = membersOf(answer);
  const code = typeof status === "string" ? DRAFT_CODES[status] : status;
  if (typeof code !== "number" || code < 100) return null;
  if (code < DONE) return { kind: "waits" };
  // The last of several: it was one call, and what came before it prepared it.
  const sent = toldByReceipt(Array.isArray(receipts) ? receipts.at(-1) : null);
  if (sent?.kind === "sent") return { ...sent, isReverted: sent.isReverted || code >= UNDONE };
  return code >= NEVER_SENT && code < UNDONE ? { kind: "dropped" } : null;
}

/** A receipt that the wallet gives for its own id; null where it says nothing. */
export function toldByReceipt(answer: unknown): Told | null {
  const { transactionHash: hash, status } = membersOf(answer);
  if (typeof hash !== "string" || !isHash(hash)) return null;
  return { kind: "sent", hash, isReverted: status === "0x0" || status === 0 || status === "reverted" };
}

const INSIDE = parseAbi([
  "event ExecutionFailure(bytes32 indexed txHash, uint256 payment)",
  "event UserOperationEvent(bytes32 indexed userOpHash, address indexed sender, address indexed paymaster, uint256 nonce, bool success, uint256 actualGasCost, uint256 actualGasUsed)",
]);
/** Safe 1.3 has both words in the data. */
const INSIDE_BEFORE = parseAbi(["event ExecutionFailure(bytes32 txHash, uint256 payment)"]);

/**
 * Whether a transaction that went through says that the account's own call inside it did not: a Safe's, or one of
 * ERC-4337. Another account's in the same transaction says nothing of ours.
 */
export function failedInside(
  logs: readonly Pick<Log, "address" | "data" | "topics">[],
  account: Address,
): boolean {
  return logs.some((log) => {
    for (const abi of [INSIDE, INSIDE_BEFORE]) {
      try {
        const { eventName, args } = decodeEventLog({ abi, data: log.data, topics: log.topics });
        if (eventName === "ExecutionFailure") return isAddressEqual(log.address, account);
        return isAddressEqual(args.sender, account) && !args.success;
      } catch {
        // Another event, or the same of another release.
      }
    }
    return false;
  });
}

function membersOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
