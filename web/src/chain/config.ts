import { defineChain, type EIP1193RequestFn } from "viem";
import { createConfig, custom, http, injected } from "wagmi";
import { getConnectorClient } from "wagmi/actions";
import { coinbaseWallet, walletConnect } from "wagmi/connectors";
import { settings } from "../settings";
import { texts } from "../texts/en";
import { throughRelay, whenChosen } from "./chosen";

const DEVELOPMENT_POLL = 1_000;
const QUIETLY = { showQrModal: false, telemetryEnabled: false };

export const chain = defineChain({
  id: settings.chain.id,
  name: settings.chain.isDevelopment ? `${settings.chain.name} (development)` : settings.chain.name,
  nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
  rpcUrls: { default: { http: settings.chain.rpcUrl === null ? [] : [settings.chain.rpcUrl] } },
  ...(settings.chain.explorer === null
    ? {}
    : { blockExplorers: { default: { name: "explorer", url: settings.chain.explorer } } }),
});

/** Without a node of ours the reader's own wallet is asked, through whichever node it trusts. */
const throughWallet: EIP1193RequestFn = async (request) => {
  const client = await getConnectorClient(config, { chainId: chain.id });
  return (await client.request(request as never)) as never;
};

export const config = createConfig({
  chains: [chain],
  // Wallets in the browser announce themselves (EIP-6963); these beside them only where the operator says so.
  multiInjectedProviderDiscovery: true,
  connectors: [
    injected(),
    ...(settings.walletConnectProjectId === null
      ? []
      : // Its own window would lie behind our dialog, with styles that the policy forbids: ui/pairing.tsx shows the code.
        [
          whenChosen(throughRelay(walletConnect({ projectId: settings.walletConnectProjectId, ...QUIETLY }))),
        ]),
    ...(settings.coinbase
      ? [
          whenChosen(
            coinbaseWallet({
              appName: texts.brand,
              preference: { options: "smartWalletOnly", telemetry: false },
            }),
          ),
        ]
      : []),
  ],
  transports: {
    [chain.id]:
      settings.chain.rpcUrl === null
        ? custom({ request: throughWallet })
        : http(settings.chain.rpcUrl, { batch: true }),
  },
  pollingInterval: settings.chain.isDevelopment
    ? DEVELOPMENT_POLL
    : Math.min(4_000, settings.chain.blockSeconds * 1_000),
});

declare module "wagmi" {
  interface Register {
    config: typeof config;
  }
}
