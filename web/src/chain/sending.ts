import { type Address, BaseError, type Client, getContractError, type Hex } from "viem";
import { estimateContractGas, getBlock, getTransactionCount, sendTransaction } from "viem/actions";
import { texts } from "../texts/en";
import { type Call, dataOf } from "./calls";
import { chain } from "./config";
import { isRejection, leavesOpen } from "./errors";
import { beingAsked } from "./keeper";
import { addSent, changeSent, forgetSent } from "./ledger";

/**
 * Of what a call needs by the estimate: whoever comes before it may leave more for it to write, as the day's first
 * accrual does. What is not used is not paid.
 */
const GAS_MARGIN_PERCENT = 150n;
/** The gas that is sent along. */
export function withMargin(gas: bigint): bigint {
  return (gas * GAS_MARGIN_PERCENT) / 100n;
}

/**
 * Ask the wallet to send a call, with a line in the list of what was sent that outlives this page. Throws what the
 * wallet and the contract refuse.
 */
export async function send(
  client: Client,
  wallet: Client,
  account: Address,
  call: Call,
  summary: string,
): Promise<{ id: string; hash: Hex }> {
  const data = dataOf(call);
  const [nonce, block, gas] = await Promise.all([
    getTransactionCount(client, { address: account, blockTag: "pending" }),
    getBlock(client),
    estimateContractGas(client, { ...call, account } as never).catch((error: unknown) => {
      throw error instanceof BaseError ? getContractError(error, { ...call, sender: account }) : error;
    }),
  ]);
  const id = crypto.randomUUID();
  beingAsked.add(id);
  addSent({
    id,
    chainId: chain.id,
    account,
    summary,
    to: call.address,
    data,
    nonce,
    sinceBlock: Number(block.number),
    hash: null,
    state: "asking",
    blockNumber: null,
    note: null,
    begunAt: Math.floor(Date.now() / 1_000),
  });
  try {
    const hash = await sendTransaction(wallet, {
      account,
      chain,
      to: call.address,
      data,
      gas: withMargin(gas),
    });
    changeSent(id, { hash, state: "pending" });
    return { id, hash };
  } catch (error) {
    if (isRejection(error)) changeSent(id, { state: "rejected" });
    // It may be out all the same: then it is found by its nonce, and until then the list has it.
    else if (leavesOpen(error)) changeSent(id, { note: texts.sent.unanswered });
    else forgetSent(id);
    throw error;
  } finally {
    beingAsked.delete(id);
  }
}
