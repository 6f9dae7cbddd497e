import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { type Address, BaseError, type Client, type StateOverride } from "viem";
import { estimateContractGas, estimateFeesPerGas, getBalance, simulateContract } from "viem/actions";
import { useConnection, usePublicClient } from "wagmi";
import { getWalletClient } from "wagmi/actions";
import { settings } from "../settings";
import { texts } from "../texts/en";
import { type Call, dataOf, type Plan, type Spend } from "./calls";
import { chain, config } from "./config";
import { explain, lacksAllowance, revertOf } from "./errors";
import { type Handing, handedOver, handingOf, type Phase, type WhyApprove } from "./handing";
import { asIfAllowed } from "./permits";
import { useHead } from "./reading";
import { send, withMargin } from "./sending";

export type { Handing, Phase, WhyApprove } from "./handing";

/** What handing over takes beside the act: a permit's check and its two stores, or an approval of its own. */
const HANDING_GAS = 80_000n;
export type Trial = {
  /** What it costs at the most, wei of the chain's coin; null where the node could not tell before the handing over. */
  cost: bigint | null;
  gas: bigint | null;
  handing: Handing;
  why: WhyApprove;
  /** Whether the wallet holds less of the coin than `cost`; a contract's wallet may have others pay. */
  isShort: boolean;
};

/**
 * Try a plan on the chain without sending it: whether it would be refused, and what it costs.
 *
 * Where tokens are still to be handed over it is tried on the chain as it will be then; a node that cannot do so
 * tells of every refusal but no cost.
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
      const { handing, why } = await handingOf(client, address, plan);
      const gas =
        plan.spend !== undefined && (handing === "permit" || handing === "approve")
          ? await gasBeforeHanding(client, address, plan.call, plan.spend)
          : await gasOf(client, address, plan.call);
      if (gas === null) return { cost: null, gas, handing, why, isShort: false };
      const [fees, balance] = await Promise.all([
        estimateFeesPerGas(client, { chain }),
        getBalance(client, { address }),
      ]);
      const cost = withMargin(gas) * fees.maxFeePerGas;
      return { cost, gas, handing, why, isShort: why !== "contract" && balance < cost };
    },
  });
}

/** Carry out a plan: hand over the tokens if it takes any, try the call, ask the wallet, note what was sent. */
export function useAct() {
  const client = usePublicClient({ chainId: settings.chain.id });
  const { address } = useConnection();
  const queries = useQueryClient();
  const [phase, setPhase] = useState<Phase>("idle");
  const [handing, setHanding] = useState<Handing | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [sent, setSent] = useState<string | null>(null);
  const isThere = useRef(false);

  useEffect(() => {
    isThere.current = true;
    return () => {
      isThere.current = false;
    };
  }, []);

  const enter = (next: Phase) => {
    setPhase(next);
    if (next === "permit" || next === "approve") setHanding(next);
  };

  const act = async (plan: Plan): Promise<boolean> => {
    setError(null);
    setSent(null);
    setHanding(null);
    if (client === undefined || address === undefined) {
      setError(texts.wallet.notConnected);
      return false;
    }
    try {
      setPhase("checking");
      const wallet = await getWalletClient(config, { chainId: chain.id, account: address });
      const call = await handedOver(client, wallet, address, plan, enter);
      // Whoever has gone to another page in the meantime is not asked for a signature out of the blue.
      if (!isThere.current) return false;
      setPhase("checking");
      await simulateContract(client, { ...call, account: address } as never);
      setPhase("asking");
      const { id } = await send(client, wallet, address, call, plan.summary);
      setSent(id);
      return true;
    } catch (failure) {
      setError(explain(failure));
      return false;
    } finally {
      setPhase("idle");
      // Tokens may have been handed over, or the wallet found unable to sign for it.
      queries.invalidateQueries({ queryKey: ["trial"] });
    }
  };

  return {
    act,
    phase,
    /** How the tokens of the running act are handed over, where they are. */
    handing,
    error,
    /** What was sent last, by its id in the ledger; null before, and once it is cleared. */
    sent,
    clear: () => {
      setError(null);
      setSent(null);
    },
  };
}

/** The gas of a call. Throws the contract's refusal, decoded, if it would be refused now. */
async function gasOf(
  client: Client,
  account: Address,
  call: Call,
  stateOverride?: StateOverride,
): Promise<bigint> {
  const asked = { ...call, account, ...(stateOverride === undefined ? {} : { stateOverride }) };
  await simulateContract(client, asked as never);
  return estimateContractGas(client, asked as never);
}

/** Likewise for a call whose tokens are not handed over yet; null where this node cannot tell. */
async function gasBeforeHanding(
  client: Client,
  account: Address,
  call: Call,
  spend: Spend,
): Promise<bigint | null> {
  try {
    return (await gasOf(client, account, call, asIfAllowed(account, spend))) + HANDING_GAS;
  } catch (error) {
    if (lacksAllowance(error)) return null;
    if (error instanceof BaseError && revertOf(error) !== null) throw error;
  }
  // The node takes no changed state. As things stand the call can only miss the allowance.
  await simulateContract(client, { ...call, account } as never).catch((error: unknown) => {
    if (!lacksAllowance(error)) throw error;
  });
  return null;
}
