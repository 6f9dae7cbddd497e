import type { Address, Client, Hex } from "viem";
import { getCode } from "viem/actions";
import { getWalletClient } from "wagmi/actions";
import { chain, config } from "./config";
import { type Told, toldByReceipt, toldByStatus } from "./outcome";
import { signsItself } from "./permits";

/**
 * What the connected wallet says of a call that it answered with an id which no transaction has: a contract's wallet
 * sends later, through others. Null where it says nothing, is not connected, or the account signs with a key: its
 * hashes are the chain's.
 */
export async function walletSays(client: Client, account: Address, id: Hex): Promise<Told | null> {
  if (signsItself(await getCode(client, { address: account }))) return null;
  const wallet = await getWalletClient(config, { chainId: chain.id, account }).catch(() => null);
  if (wallet === null) return null;
  const ask = async (method: string) => {
    try {
      return await wallet.request({ method, params: [id] } as never);
    } catch {
      // Most wallets know neither, and none loses anything by having been asked.
      return null;
    }
  };
  return (
    toldByStatus(await ask("wallet_getCallsStatus")) ?? toldByReceipt(await ask("eth_getTransactionReceipt"))
  );
}
