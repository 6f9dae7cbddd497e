import { followed, moved, NOTHING, told } from "../../../followed.mjs";
import { InferenceStake, StakedVVV } from "../../generated/index.js";

const CONTRACTS = { InferenceStake, StakedVVV };

for (const [contract, { abi }] of Object.entries(followed.contracts)) {
  for (const { name } of abi) {
    CONTRACTS[contract][name].handler(async ({ event, context }) => {
      const { kind, wallet, data, ...delta } = told(contract, name, event.params);
      context.Event.set({
        id: `${event.block.number}-${event.logIndex}`,
        blockNumber: event.block.number,
        logIndex: event.logIndex,
        blockHash: event.block.hash,
        transactionHash: event.transaction.hash,
        kind,
        wallet,
        data,
      });
      const position = (await context.Position.get(wallet)) ?? NOTHING;
      context.Position.set({ id: wallet, ...moved(position, delta) });
    });
  }
}
