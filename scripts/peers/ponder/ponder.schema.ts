import { onchainTable } from "ponder";

export const event = onchainTable("event", (t) => ({
  id: t.text().primaryKey(),
  blockNumber: t.bigint().notNull(),
  logIndex: t.integer().notNull(),
  blockHash: t.hex().notNull(),
  transactionHash: t.hex().notNull(),
  kind: t.text().notNull(),
  wallet: t.text().notNull(),
  data: t.text().notNull(),
}));

export const position = onchainTable("position", (t) => ({
  wallet: t.text().primaryKey(),
  vvv: t.bigint().notNull(),
  diem: t.bigint().notNull(),
  events: t.integer().notNull(),
}));
