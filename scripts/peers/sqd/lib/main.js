import { event, indexed, keccak256 } from "@subsquid/evm-abi";
import { address as addressCodec, uint256 } from "@subsquid/evm-codec";
import { EvmBatchProcessor } from "@subsquid/evm-processor";
import { createOrmConfig } from "@subsquid/typeorm-config";
import { TypeormDatabase } from "@subsquid/typeorm-store";
import { DataSource, In } from "typeorm";
import { followed, moved, NOTHING, told } from "../../followed.mjs";
import { Event, Position } from "./model.js";

const CODECS = { address: addressCodec, uint256 };

const readers = new Map();
const processor = new EvmBatchProcessor()
  .setRpcEndpoint({ url: followed.url, capacity: 20, maxBatchCallSize: 200 })
  .setFinalityConfirmation(0)
  .setBlockRange({ from: followed.firstBlock })
  .setFields({ log: { transactionHash: true } });

for (const [contract, { address, abi }] of Object.entries(followed.contracts)) {
  const place = address.toLowerCase();
  const topics = abi.map(({ name, inputs }) => {
    const signature = `${name}(${inputs.map(({ type }) => type).join(",")})`;
    const topic = `0x${keccak256(signature).toString("hex")}`;
    const fields = inputs.map((each) => [
      each.name,
      each.indexed ? indexed(CODECS[each.type]) : CODECS[each.type],
    ]);
    readers.set(place + topic, {
      contract,
      name,
      reader: event(topic, signature, Object.fromEntries(fields)),
    });
    return topic;
  });
  processor.addLog({ address: [place], topic0: topics });
}

// What a squid's migrations are for: the tables.
const database = await new DataSource(createOrmConfig()).initialize();
await database.synchronize();
await database.destroy();

processor.run(new TypeormDatabase({ supportHotBlocks: true }), async ({ blocks, store }) => {
  const rows = [];
  const deltas = [];
  for (const { header, logs } of blocks) {
    for (const log of logs) {
      const known = readers.get(log.address + log.topics[0]);
      if (known === undefined) continue;
      const { kind, wallet, data, ...delta } = told(known.contract, known.name, known.reader.decode(log));
      const { id, logIndex, transactionHash } = log;
      const place = { blockNumber: header.height, blockHash: header.hash };
      rows.push(new Event({ id, logIndex, transactionHash, ...place, kind, wallet, data }));
      deltas.push({ wallet, delta });
    }
  }
  const wallets = [...new Set(deltas.map(({ wallet }) => wallet))];
  const stored = await store.findBy(Position, { id: In(wallets) });
  const positions = new Map(stored.map((each) => [each.id, each]));
  for (const { wallet, delta } of deltas) {
    positions.set(wallet, new Position({ id: wallet, ...moved(positions.get(wallet) ?? NOTHING, delta) }));
  }
  await store.insert(rows);
  await store.upsert([...positions.values()]);
});
