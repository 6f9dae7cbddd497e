import {
  type Address,
  type Client,
  encodeAbiParameters,
  erc20Abi,
  type Hex,
  keccak256,
  pad,
  parseAbi,
  parseSignature,
  type StateOverride,
  toHex,
} from "viem";
import { getCode, readContract, signTypedData } from "viem/actions";
import { settings } from "../settings";
import type { Permit, Spend } from "./calls";
import { contracts } from "./contracts";

const PERMIT_SECONDS = 3_600n;
/** `r`, `s` and `v` in hexadecimal: what a key signs. A contract's signature has any other length. */
const SIGNATURE_LENGTH = 2 + 2 * 65;
/** Where OpenZeppelin's ERC20, which our tokens are, keeps its allowances. */
const ALLOWANCES_SLOT = 1n;
const permitAbi = parseAbi([
  "function nonces(address owner) view returns (uint256)",
  "function name() view returns (string)",
  "function version() view returns (string)",
  "function eip712Domain() view returns (bytes1 fields, string name, string version, uint256 chainId, address verifyingContract, bytes32 salt, uint256[] extensions)",
]);
const TYPES = {
  Permit: [
    { name: "owner", type: "address" },
    { name: "spender", type: "address" },
    { name: "value", type: "uint256" },
    { name: "nonce", type: "uint256" },
    { name: "deadline", type: "uint256" },
  ],
} as const;
/** Code of an account that signs for itself and runs a contract's code (EIP-7702). */
const DELEGATED = "0xef0100";

/** What a spender may take of a token. */
export async function allowanceOf(client: Client, owner: Address, spend: Spend): Promise<bigint> {
  const { address } = contracts[spend.token];
  return readContract(client, {
    address,
    abi: erc20Abi,
    functionName: "allowance",
    args: [owner, spend.spender],
  });
}

/** Whether the account signs with a key: a contract's signature is none for ERC-2612. */
export async function canPermit(client: Client, owner: Address): Promise<boolean> {
  return signsItself(await getCode(client, { address: owner }));
}

/** Whether an account with this code has a key of its own. */
export function signsItself(code: Hex | undefined): boolean {
  return code === undefined || code.startsWith(DELEGATED);
}

/** The wallet signed, but with no key of the account: a contract that is not deployed yet does so. */
export class NoPermit extends Error {}

/**
 * The chain as it will be once the tokens are handed over, to try a call on before anything is signed. A token that
 * keeps its allowances elsewhere is not changed by it: the call then still finds no allowance.
 */
export function asIfAllowed(owner: Address, spend: Spend): StateOverride {
  const inner = keccak256(
    encodeAbiParameters([{ type: "address" }, { type: "uint256" }], [owner, ALLOWANCES_SLOT]),
  );
  const slot = keccak256(
    encodeAbiParameters([{ type: "address" }, { type: "bytes32" }], [spend.spender, inner]),
  );
  const value: Hex = pad(toHex(spend.amount));
  return [{ address: contracts[spend.token].address, stateDiff: [{ slot, value }] }];
}

/** Ask the wallet for a permit of exactly what is spent, for an hour by the chain's clock. Throws NoPermit. */
export async function signPermit(
  client: Client,
  wallet: Client,
  owner: Address,
  spend: Spend,
  chainTime: bigint,
): Promise<Permit> {
  const { address } = contracts[spend.token];
  const [nonce, domain] = await Promise.all([
    readContract(client, { address, abi: permitAbi, functionName: "nonces", args: [owner] }),
    domainOf(client, address),
  ]);
  const deadline = chainTime + PERMIT_SECONDS;
  const signature = await signTypedData(wallet, {
    account: owner,
    domain: { ...domain, chainId: settings.chain.id, verifyingContract: address },
    types: TYPES,
    primaryType: "Permit",
    message: { owner, spender: spend.spender, value: spend.amount, nonce, deadline },
  });
  if (signature.length !== SIGNATURE_LENGTH) throw new NoPermit();
  const { r, s, yParity } = parseSignature(signature);
  return { deadline, v: 27 + yParity, r, s };
}

/** A token's EIP-712 domain: as it says itself (EIP-5267), or as Circle's USDC says its version. */
async function domainOf(client: Client, address: Address): Promise<{ name: string; version: string }> {
  try {
    const [, name, version] = await readContract(client, {
      address,
      abi: permitAbi,
      functionName: "eip712Domain",
    });
    return { name, version };
  } catch {
    const [name, version] = await Promise.all([
      readContract(client, { address, abi: permitAbi, functionName: "name" }),
      readContract(client, { address, abi: permitAbi, functionName: "version" }),
    ]);
    return { name, version };
  }
}
