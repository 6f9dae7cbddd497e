import { type Address, type Hex, recoverTypedDataAddress } from "viem";
import type { Exact } from "./exact_json";
import { parseExact } from "./exact_json";
import { members, NotOfThisForm } from "./forms";

/**
 * A receipt: what was charged for one request, under the operator's signature (EIP-712). A signature holds for
 * whatever types a document names: only these mean what they say here, as entitlement/core/attested.py has them.
 */

export const SOURCES = ["diem", "pro_rata", "membership", "prepaid"] as const;
const NAME = "Entitlement";
const VERSION = "1";

const RECEIPT = [
  { name: "account", type: "address" },
  { name: "key_id", type: "string" },
  { name: "gateway", type: "string" },
  { name: "request_id", type: "string" },
  { name: "hold_id", type: "string" },
  { name: "diem", type: "uint256" },
  { name: "pro_rata", type: "uint256" },
  { name: "membership", type: "uint256" },
  { name: "prepaid", type: "uint256" },
  { name: "shortfall", type: "uint256" },
  { name: "model", type: "string" },
  { name: "price_version", type: "string" },
  { name: "input_tokens", type: "int256" },
  { name: "output_tokens", type: "int256" },
  { name: "epoch", type: "uint256" },
  { name: "booked_at", type: "uint256" },
  { name: "entry_id", type: "uint256" },
  { name: "lane", type: "uint256" },
  { name: "batch", type: "uint256" },
  { name: "batch_hash", type: "bytes32" },
] as const;
const DOMAIN = [
  { name: "name", type: "string" },
  { name: "version", type: "string" },
  { name: "chainId", type: "uint256" },
  { name: "verifyingContract", type: "address" },
] as const;
const WHOLE = /^-?(?:0|[1-9][0-9]{0,77})$/;
const ADDRESS = /^0x[0-9a-fA-F]{40}$/;

export type Receipt = {
  /** Each member as text; integers as they were signed, in decimal. */
  message: Record<(typeof RECEIPT)[number]["name"], string>;
  chainId: bigint;
  verifyingContract: Address;
  /** Whom the receipt itself names. */
  operator: string;
  /** Whose signature it really bears. */
  signer: Address;
};

/** What a receipt says, and who signed it. Throws NotOfThisForm or SyntaxError for what is none. */
export async function openReceipt(text: string): Promise<Receipt> {
  const read = members(parseExact(text), "the document");
  const domain = members(read.domain, "domain");
  const types = members(read.types, "types");
  if (
    read.primaryType !== "Receipt" ||
    Object.keys(types).sort().join() !== "EIP712Domain,Receipt" ||
    !isSame(types.Receipt, RECEIPT) ||
    !isSame(types.EIP712Domain, DOMAIN)
  ) {
    throw new NotOfThisForm("its types are not those of a receipt");
  }
  if (domain.name !== NAME || domain.version !== VERSION) throw new NotOfThisForm("its domain is another");
  if (typeof domain.chainId !== "bigint") throw new NotOfThisForm("its domain names no chain");
  const verifyingContract = addressIn(domain.verifyingContract, "verifyingContract");
  const message = messageIn(members(read.message, "message"));
  if (typeof read.signature !== "string" || !/^0x[0-9a-fA-F]{130}$/.test(read.signature)) {
    throw new NotOfThisForm("it bears no signature");
  }
  const signer = await recoverTypedDataAddress({
    domain: { name: NAME, version: VERSION, chainId: domain.chainId, verifyingContract },
    types: { Receipt: RECEIPT },
    primaryType: "Receipt",
    message: signedForm(message),
    signature: read.signature as Hex,
  });
  return { message, chainId: domain.chainId, verifyingContract, operator: String(read.operator), signer };
}

/** What was charged by all sources together, nano-dollars. */
export function chargedBy(receipt: Receipt): bigint {
  return SOURCES.reduce((sum, source) => sum + BigInt(receipt.message[source]), 0n);
}

function messageIn(read: { [name: string]: Exact }): Receipt["message"] {
  const names = RECEIPT.map((member) => member.name);
  if (Object.keys(read).sort().join() !== [...names].sort().join()) {
    throw new NotOfThisForm(`it has the members ${Object.keys(read).join(", ").slice(0, 80)}`);
  }
  const found = RECEIPT.map(({ name, type }) => {
    const value = read[name];
    const text = typeof value === "bigint" ? String(value) : value;
    if (typeof text !== "string") throw new NotOfThisForm(`${name} is no text`);
    if (type.includes("int") && !WHOLE.test(text)) throw new NotOfThisForm(`${name} is ${text.slice(0, 80)}`);
    return [name, text];
  });
  return Object.fromEntries(found) as Receipt["message"];
}

function signedForm(message: Receipt["message"]) {
  const number = (name: keyof Receipt["message"]) => BigInt(message[name]);
  return {
    ...message,
    account: addressIn(message.account, "account"),
    batch_hash: message.batch_hash as Hex,
    diem: number("diem"),
    pro_rata: number("pro_rata"),
    membership: number("membership"),
    prepaid: number("prepaid"),
    shortfall: number("shortfall"),
    input_tokens: number("input_tokens"),
    output_tokens: number("output_tokens"),
    epoch: number("epoch"),
    booked_at: number("booked_at"),
    entry_id: number("entry_id"),
    lane: number("lane"),
    batch: number("batch"),
  };
}

function addressIn(value: Exact | undefined, name: string): Address {
  if (typeof value !== "string" || !ADDRESS.test(value)) throw new NotOfThisForm(`${name} is no address`);
  return value.toLowerCase() as Address;
}

function isSame(found: Exact | undefined, expected: readonly { name: string; type: string }[]): boolean {
  if (!Array.isArray(found) || found.length !== expected.length) return false;
  return expected.every((each, place) => {
    const member = found[place];
    return (
      typeof member === "object" &&
      member !== null &&
      !Array.isArray(member) &&
      Object.keys(member).length === 2 &&
      member.name === each.name &&
      member.type === each.type
    );
  });
}
