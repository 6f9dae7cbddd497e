import { createConfig } from "ponder";
import { http } from "viem";
import { followed } from "../followed.mjs";

// Ponder begins with 20 requests a second for each address of a node, and no setting changes that: the one node
// is named as often as it takes to reach the 500 at which Ponder stops by itself. Where blocks are few and large,
// its limits of ten seconds and ten megabytes for an answer are in the way, and only a transport changes those.
const FEW_BLOCKS = 1_000;
const reader =
  followed.blocks < FEW_BLOCKS
    ? {
        rpc: http(followed.url, { timeout: 300_000, maxResponseBodySize: 2 ** 30 }),
        ethGetLogsBlockRange: 10,
      }
    : { rpc: Array(25).fill(followed.url), ethGetLogsBlockRange: 10_000 };

const contracts = Object.fromEntries(
  Object.entries(followed.contracts).map(([name, { address, abi }]) => [
    name,
    { chain: "anvil", abi, address, startBlock: followed.firstBlock },
  ]),
);

export default createConfig({
  // Where it is, the environment says (PGHOST and the like).
  database: { kind: "postgres", poolConfig: {} },
  chains: { anvil: { id: followed.chainId, ...reader } },
  contracts,
});
