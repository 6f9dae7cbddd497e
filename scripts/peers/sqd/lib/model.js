import { EntitySchema } from "typeorm";

class Row {
  constructor(values) {
    Object.assign(this, values);
  }
}

export class Event extends Row {}
export class Position extends Row {}

const number = { type: "numeric", transformer: { to: String, from: BigInt } };

export const events = new EntitySchema({
  target: Event,
  name: "Event",
  tableName: "event",
  columns: {
    id: { type: "text", primary: true },
    blockNumber: { type: "int" },
    logIndex: { type: "int" },
    blockHash: { type: "text" },
    transactionHash: { type: "text" },
    kind: { type: "text" },
    wallet: { type: "text" },
    data: { type: "text" },
  },
});

export const positions = new EntitySchema({
  target: Position,
  name: "Position",
  tableName: "position",
  columns: { id: { type: "text", primary: true }, vvv: number, diem: number, events: { type: "int" } },
});
