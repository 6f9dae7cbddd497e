import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { type Address, BaseError, type Client, getContractError } from "viem";
import {
  estimateContractGas,
  estimateFeesPerGas,
  getBlock,
  getTransactionCount,
  sendTransaction,
  simulateContract,
} from "viem/actions";
import { useConnection, usePublicClient } from "wagmi";
import { getWalletClient } from "wagmi/actions";
import { settings } from "../settings";
import { texts } from "../texts/en";
import { approval, type Call, dataOf, type Plan } from "./calls";
import { chain, config } from "./config";
import { explain, isRejection } from "./errors";
import { beingAsked } from "./keeper";
import { addSent, changeSent, forgetSent } from "./ledger";
import { allowanceOf, canPermit, signPermit } from "./permits";
import { useHead } from "./reading";

/** Of what a call needs by the estimate, so that a change in the meantime does not starve it. */
const GAS_MARGIN_PERCENT = 120n;

export type Trial = {
  /** What the transaction costs at the most, wei of the chain's coin; null where it follows a permit. */
  cost: bigint | null;
  gas: bigint | null;
  /** How the tokens are handed over, if any are. */
  handing: "none" | "allowed" | "permit" | "approve";
};

export type Phase = "idle" | "checking" | "permit" | "approve" | "approving" | "asking";

/**
 * Try a plan on the chain without sending it: whether it would be refused, and what it costs.
 *
 * A call that needs a permit cannot be tried before the permit is signed; it is then, before it is sent.
 */
export function useTrial(plan: Plan | null) {
  const client = usePublicClient({ chainId: settings.chain.id });
  const { address } = useConnection();
  const { data: head } = useHead();
  return useQuery({
    queryKey: [
      "trial",
      address,
      plan === null ? null : dataOf(plan.call),
      plan?.call.address,
      head?.toString(),
    ],
    enabled: client !== undefined && address !== undefined && plan !== null,
    placeholderData: (before, query) =>
      plan !== null && query?.queryKey[2] === dataOf(plan.call) ? before : undefined,
    retry: false,
    queryFn: async (): Promise<Trial> => {
      if (client === undefined || address === undefined || plan === null) throw new Error("nothing to try");
      const handing = await handingOf(client, address, plan);
      if (handing === "permit" || handing === "approve") return { cost: null, gas: null, handing };
      await tried(client, address, plan.call);
      const [gas, fees] = await Promise.all([
        estimateContractGas(client, { ...plan.call, account: address } as never),
        estimateFeesPerGas(client, { chain }),
      ]);
      return { cost: gas * fees.maxFeePerGas, gas, handing };
    },
  });
}

/** Carry out a plan: hand over the tokens if it takes any, try the call, ask the wallet, note what was sent. */
export function useAct() {
  const client = usePublicClient({ chainId: settings.chain.id });
  const { address } = useConnection();
  const [phase, setPhase] = useState<Phase>("idle");
  const [error, setError] = useState<string | null>(null);

  const act = async (plan: Plan): Promise<boolean> => {
    setError(null);
    if (client === undefined || address === undefined) {
      setError(texts.wallet.notConnected);
      return false;
    }
    try {
      setPhase("checking");
      const wallet = await getWalletClient(config, { chainId: chain.id, account: address });
      const handing = await handingOf(client, address, plan);
      let call = plan.call;
      if (handing === "permit" && plan.spend !== undefined) {
        setPhase("permit");
        const { timestamp } = await getBlock(client);
        call = plan.spend.withPermit(await signPermit(client, wallet, address, plan.spend, timestamp));
      } else if (handing === "approve" && plan.spend !== undefined) {
        setPhase("approve");
        const hash = await send(
          client,
          wallet,
          address,
          approval(plan.spend),
          texts.sent.approval(plan.spend.token),
        );
        setPhase("approving");
        await client.waitForTransactionReceipt({ hash });
      }
      setPhase("checking");
      await tried(client, address, call);
      setPhase("asking");
      await send(client, wallet, address, call, plan.summary);
      return true;
    } catch (failure) {
      setError(explain(failure));
      return false;
    } finally {
      setPhase("idle");
    }
  };

  return { act, phase, error, clear: () => setError(null) };
}

async function handingOf(client: Client, owner: Address, plan: Plan): Promise<Trial["handing"]> {
  if (plan.spend === undefined) return "none";
  if ((await allowanceOf(client, owner, plan.spend)) >= plan.spend.amount) return "allowed";
  return (await canPermit(client, owner)) ? "permit" : "approve";
}

/** Throws the contract's refusal, decoded, if the call would be refused now. */
async function tried(client: Client, account: Address, call: Call): Promise<void> {
  await simulateContract(client, { ...call, account } as never);
}

async function send(client: Client, wallet: Client, account: Address, call: Call, summary: string) {
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
      gas: (gas * GAS_MARGIN_PERCENT) / 100n,
    });
    changeSent(id, { hash, state: "pending" });
    return hash;
  } catch (error) {
    if (isRejection(error)) changeSent(id, { state: "rejected" });
    else forgetSent(id);
    throw error;
  } finally {
    beingAsked.delete(id);
  }
}
