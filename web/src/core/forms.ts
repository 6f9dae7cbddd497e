import type { Address, Hex } from "viem";
import type { Exact } from "./exact_json";

/** Read what others wrote: each value has the one form that it must have, or is refused with what it is. */

const HASH = /^0x[0-9a-f]{64}$/;
const ADDRESS = /^0x[0-9a-f]{40}$/;
/** What the ledger keeps in a column. */
const LARGEST_COUNT = 2n ** 63n - 1n;
const SHOWN = 80;

export type Members = { [name: string]: Exact };

/** A text that is not of the form it should have; the message says where. */
export class NotOfThisForm extends Error {}

export function members(value: Exact | undefined, name: string): Members {
  if (typeof value !== "object" || value === null || Array.isArray(value)) refuse(name, value);
  return value;
}

export function hash(value: Exact | undefined, name: string): Hex {
  if (typeof value !== "string" || !HASH.test(value)) refuse(name, value);
  return value as Hex;
}

/** An address in lower case, as the files have it. */
export function address(value: Exact | undefined, name: string): Address {
  if (typeof value !== "string" || !ADDRESS.test(value)) refuse(name, value);
  return value as Address;
}

/** An amount in nano-dollars, a block or a day: a whole number that the ledger could keep. */
export function count(value: Exact | undefined, name: string): bigint {
  if (typeof value !== "bigint" || value < 0n || value > LARGEST_COUNT) refuse(name, value);
  return value;
}

export function list(value: Exact | undefined, name: string): Exact[] {
  if (!Array.isArray(value)) refuse(name, value);
  return value;
}

function refuse(name: string, value: Exact | undefined): never {
  const told = typeof value === "object" ? (value === null ? "null" : "a list or an object") : String(value);
  throw new NotOfThisForm(`${name} is ${told.slice(0, SHOWN)}`);
}
