import type { Address, Client, Hex } from "viem";
import { getBlock, getTransactionReceipt } from "viem/actions";
import { texts } from "../texts/en";
import { approval, type Call, type Plan, type Spend } from "./calls";
import { isUnknownRequest } from "./errors";
import { allowanceOf, canPermit, NoPermit, signPermit } from "./permits";
import { send } from "./sending";

const APPROVAL_LOOK_SECONDS = 2;
const APPROVAL_LOOKS_MOST = 300;

/** How the tokens of a plan are handed over, if it takes any. */
export type Handing = "none" | "allowed" | "permit" | "approve";
/** Why a wallet approves first: it is a contract, or it cannot sign a permit. */
export type WhyApprove = "contract" | "unable" | null;

/** What `useAct` is at. */
export type Phase = "idle" | "checking" | "permit" | "approve" | "approving" | "asking";

/** Wallets that were asked for a permit since the page was loaded and could not sign one. */
const unable = new Set<string>();

/** How a plan's tokens would be handed over now. */
export async function handingOf(
  client: Client,
  owner: Address,
  plan: Plan,
): Promise<{ handing: Handing; why: WhyApprove }> {
  if (plan.spend === undefined) return { handing: "none", why: null };
  const [allowed, signs] = await Promise.all([
    allowanceOf(client, owner, plan.spend),
    canPermit(client, owner),
  ]);
  const why: WhyApprove = !signs ? "contract" : unable.has(owner) ? "unable" : null;
  if (allowed >= plan.spend.amount) return { handing: "allowed", why };
  return { handing: why === null ? "permit" : "approve", why };
}

/**
 * Have the plan's tokens handed over, and return the call as it is sent then. Throws what wallet and token refuse. A
 * wallet that can sign no permit is asked for an approval instead.
 */
export async function handedOver(
  client: Client,
  wallet: Client,
  owner: Address,
  plan: Plan,
  onPhase: (phase: Phase) => void,
): Promise<Call> {
  const { spend } = plan;
  const { handing } = await handingOf(client, owner, plan);
  if (spend === undefined || handing === "none" || handing === "allowed") return plan.call;
  if (handing === "permit") {
    try {
      onPhase("permit");
      const { timestamp } = await getBlock(client);
      return spend.withPermit(await signPermit(client, wallet, owner, spend, timestamp));
    } catch (failure) {
      if (!(failure instanceof NoPermit) && !isUnknownRequest(failure)) throw failure;
      unable.add(owner);
    }
  }
  onPhase("approve");
  const { hash } = await send(client, wallet, owner, approval(spend), texts.sent.approval(spend.token));
  onPhase("approving");
  await untilAllowed(client, owner, spend, hash);
  return plan.call;
}

/** Wait for what an approval gives: the hash that a contract's wallet answers with may be of no transaction. */
async function untilAllowed(client: Client, owner: Address, spend: Spend, hash: Hex): Promise<void> {
  for (let look = 0; look < APPROVAL_LOOKS_MOST; look++) {
    if ((await allowanceOf(client, owner, spend)) >= spend.amount) return;
    const receipt = await getTransactionReceipt(client, { hash }).catch(() => null);
    if (receipt !== null && receipt.status === "reverted") throw new Error(texts.act.approvalRefused);
    // It is in a block and gives less than was asked for: some wallets let a person lower the figure.
    if (receipt !== null && (await allowanceOf(client, owner, spend)) < spend.amount) {
      throw new Error(texts.act.approvalLower);
    }
    await new Promise((resolve) => setTimeout(resolve, APPROVAL_LOOK_SECONDS * 1_000));
  }
  throw new Error(texts.act.approvalSlow);
}
