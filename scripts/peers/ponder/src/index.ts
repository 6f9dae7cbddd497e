import { ponder } from "ponder:registry";
import { event, position } from "ponder:schema";
import { followed, moved, NOTHING, told } from "../../followed.mjs";

for (const [contract, { abi }] of Object.entries(followed.contracts)) {
  for (const { name } of abi) {
    ponder.on(
      `${contract}:${name}`,
      async ({ event: { id, args, block, log, transaction }, context: { db } }) => {
        const { kind, wallet, data, ...delta } = told(contract, name, args);
        await db.insert(event).values({
          id,
          blockNumber: block.number,
          logIndex: log.logIndex,
          blockHash: block.hash,
          transactionHash: transaction.hash,
          kind,
          wallet,
          data,
        });
        await db
          .insert(position)
          .values({ wallet, ...moved(NOTHING, delta) })
          .onConflictDoUpdate((row) => moved(row, delta));
      },
    );
  }
}
