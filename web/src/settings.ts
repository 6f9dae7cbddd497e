import type { Address } from "viem";

/** What the service wrote into the document: its chain, its contracts, and whom beside it the page may ask. */
export type Settings = {
  version: string;
  chain: {
    id: number;
    name: string;
    isDevelopment: boolean;
    blockSeconds: number;
    explorer: string | null;
    rpcUrl: string | null;
    startBlock: number;
  };
  addresses: Record<ContractName | "USDC", Address>;
  gatewayUrl: string;
  listsModels: boolean;
  walletConnectProjectId: string | null;
  coinbase: boolean;
};

export type ContractName =
  | "VVV"
  | "StakedVVV"
  | "DIEM"
  | "DiemMint"
  | "InferenceStake"
  | "CreditSales"
  | "EpochRoots"
  | "Guardian"
  | "Lens";

/** The settings of this document. Throws where it is not one that the service sent. */
export function readSettings(): Settings {
  const text = document.getElementById("settings")?.textContent ?? "";
  return JSON.parse(text) as Settings;
}

export const settings: Settings = readSettings();

/** An address or transaction at the chain's explorer, or null where it has none. */
export function explorerLink(kind: "address" | "tx" | "block", what: string): string | null {
  const base = settings.chain.explorer;
  return base === null ? null : `${base}/${kind}/${encodeURIComponent(what)}`;
}
