import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { type Client, type Hex, type TransactionReceipt, TransactionReceiptNotFoundError } from "viem";
import { call, getBlock, getTransaction, getTransactionCount, getTransactionReceipt } from "viem/actions";
import { usePublicClient } from "wagmi";
import { useServiceHealth } from "../api/queries";
import { settings } from "../settings";
import { texts } from "../texts/en";
import { explain } from "./errors";
import { changeSent, type Sent, sentNow } from "./ledger";
import { failedInside, isFollowed, stepOf } from "./outcome";
import { useHead } from "./reading";
import { walletSays } from "./wallet_says";

/** Prompts that this page itself waits for: they are not searched, they answer. */
export const beingAsked = new Set<string>();

/** Follow everything that was sent, at each new block, until it is final or has failed for good. */
export function useKeeper(): void {
  const client = usePublicClient({ chainId: settings.chain.id });
  const { data: head } = useHead();
  const { data: health } = useServiceHealth();
  const queries = useQueryClient();
  const busy = useRef(false);
  const again = useRef(false);
  const [missed, setMissed] = useState(0);
  const final = health?.final_block ?? null;

  useEffect(() => {
    if (client === undefined || head === undefined) return;
    if (busy.current) {
      again.current = true;
      return;
    }
    const open = sentNow().filter(
      (entry) => entry.chainId === settings.chain.id && isFollowed(entry, Number(head), final),
    );
    if (open.length === 0) return;
    busy.current = true;
    Promise.allSettled(open.map((entry) => follow(client, entry, Number(head), final)))
      .then((told) => {
        if (told.some((each) => each.status === "fulfilled" && each.value)) {
          queries.invalidateQueries({ predicate: (query) => query.queryKey[0] !== "health" });
        }
      })
      .finally(() => {
        busy.current = false;
        // A block or a finality that came meanwhile may have been the last for long.
        if (again.current) {
          again.current = false;
          setMissed((times) => times + 1);
        }
      });
  }, [client, head, final, queries, missed]);
}

/** Bring one entry up to the chain; true where it moved. A node that does not answer changes nothing. */
async function follow(client: Client, entry: Sent, head: number, final: number | null): Promise<boolean> {
  if (entry.hash === null) return recover(client, entry, head);
  const receipt = await receiptOf(client, entry.hash);
  const isFailed = receipt !== null && failedInside(receipt.logs, entry.account);
  const seen = receipt && {
    blockNumber: Number(receipt.blockNumber),
    isReverted: receipt.status === "reverted" || isFailed,
  };
  const step = stepOf(entry, seen, final);
  switch (step.kind) {
    case "same":
      return false;
    case "undone":
      changeSent(entry.id, { state: "pending", blockNumber: null, note: texts.sent.reorganised });
      return true;
    case "missing":
      return (await toldByWallet(client, entry)) || takenByAnother(client, entry, head);
    case "moved": {
      const { state, blockNumber } = step;
      const isRefused = state === "reverted" && receipt !== null && !isFailed;
      const inside = isFailed ? texts.sent.failedInside : null;
      const note = isRefused ? await reasonOf(client, entry, receipt) : inside;
      changeSent(entry.id, { state, blockNumber, note });
      return true;
    }
  }
}

/** Whether the wallet knows what its own id became: the transaction that it sent is followed from then on. */
async function toldByWallet(client: Client, entry: Sent): Promise<boolean> {
  const id = entry.walletId ?? entry.hash;
  const told = id === null ? null : await walletSays(client, entry.account, id);
  if (id === null || told === null || told.kind === "waits") return false;
  if (told.kind === "dropped") changeSent(entry.id, { state: "dropped", note: null });
  else if (told.hash === entry.hash) return false;
  else if (told.isReverted) {
    changeSent(entry.id, { hash: told.hash, walletId: id, state: "reverted", note: texts.sent.failedInside });
  } else changeSent(entry.id, { hash: told.hash, walletId: id, note: null });
  return true;
}

/** The page was left while the wallet asked: what was broadcast since has this account's next nonce. */
async function recover(client: Client, entry: Sent, head: number): Promise<boolean> {
  if (beingAsked.has(entry.id)) return false;
  const count = await getTransactionCount(client, { address: entry.account, blockTag: "latest" });
  if (count <= entry.nonce) return false;
  return takenByAnother(client, entry, head);
}

/** Whether its nonce is used: then by the same call with another hash (a fee that was raised), or by another. */
async function takenByAnother(client: Client, entry: Sent, head: number): Promise<boolean> {
  const count = await getTransactionCount(client, { address: entry.account, blockTag: "latest" });
  if (count <= entry.nonce) return false;
  const found = await byNonce(client, entry, head);
  // The node has moved in between: it is looked for again with the next block.
  if (found === null) return false;
  // The same call that was sent once more has an entry of its own: this one was not carried out.
  const isAnothers = sentNow().some((each) => each.id !== entry.id && each.hash === found.hash);
  const isSame =
    !isAnothers && found.to?.toLowerCase() === entry.to.toLowerCase() && found.input === entry.data;
  changeSent(
    entry.id,
    isSame ? { hash: found.hash, state: "pending", note: null } : { hash: found.hash, state: "replaced" },
  );
  return true;
}

/** The transaction that used the account's nonce: the block where its count passes it is found by halving. */
async function byNonce(client: Client, entry: Sent, head: number) {
  const used = async (number: number) =>
    (await getTransactionCount(client, { address: entry.account, blockNumber: BigInt(number) })) >
    entry.nonce;
  let before = entry.sinceBlock;
  let after = head;
  while (before < after) {
    const middle = Math.floor((before + after) / 2);
    if (await used(middle)) after = middle;
    else before = middle + 1;
  }
  const block = await getBlock(client, { blockNumber: BigInt(after), includeTransactions: true });
  return (
    block.transactions.find(
      (each) => each.nonce === entry.nonce && each.from.toLowerCase() === entry.account.toLowerCase(),
    ) ?? null
  );
}

async function receiptOf(client: Client, hash: Hex): Promise<TransactionReceipt | null> {
  try {
    return await getTransactionReceipt(client, { hash });
  } catch (error) {
    if (error instanceof TransactionReceiptNotFoundError) return null;
    throw error;
  }
}

/** Ask again what the transaction asked, at the block before: its refusal says why. */
async function reasonOf(client: Client, entry: Sent, receipt: TransactionReceipt): Promise<string> {
  try {
    const { gas } = await getTransaction(client, { hash: receipt.transactionHash });
    if (receipt.gasUsed >= gas) return texts.sent.outOfGas;
    await call(client, {
      account: entry.account,
      to: entry.to,
      data: entry.data,
      blockNumber: receipt.blockNumber - 1n,
    });
    return texts.sent.revertedInPlace;
  } catch (error) {
    return explain(error);
  }
}
