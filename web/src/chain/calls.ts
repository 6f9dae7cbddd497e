import {
  type Abi,
  type Address,
  type ContractFunctionArgs,
  type ContractFunctionName,
  encodeFunctionData,
  type Hex,
} from "viem";
import { contracts } from "./contracts";

/** A call of a contract, whose arguments were checked against its interface where it was made. */
export type Call = { address: Address; abi: Abi; functionName: string; args: readonly unknown[] };

/** What a call takes from the wallet, and how: by a permit in one go, or by an approval before it. */
export type Spend = {
  token: "VVV" | "DIEM" | "USDC";
  spender: Address;
  amount: bigint;
  /** The same call with the wallet's ERC-2612 signature in place of an approval. */
  withPermit: (permit: Permit) => Call;
};

export type Permit = { deadline: bigint; v: number; r: Hex; s: Hex };

/** What a person is about to do: one transaction, and where it spends tokens a permit or an approval before it. */
export type Plan = {
  /** For the list of transactions: `Stake 5 VVV`. */
  summary: string;
  call: Call;
  spend?: Spend;
};

/** Return a call; the contract's interface checks name and arguments. */
export function callOf<
  const abi extends Abi,
  name extends ContractFunctionName<abi, "nonpayable" | "payable">,
  const args extends ContractFunctionArgs<abi, "nonpayable" | "payable", name>,
>(contract: { address: Address; abi: abi }, functionName: name, args: args): Call {
  return { address: contract.address, abi: contract.abi, functionName, args: args as readonly unknown[] };
}

/** The approval that takes the place of a permit: of exactly what is spent, never more. */
export function approval(spend: Spend): Call {
  const token = contracts[spend.token];
  return {
    address: token.address,
    abi: token.abi as Abi,
    functionName: "approve",
    args: [spend.spender, spend.amount],
  };
}

/** The bytes that are sent. */
export function dataOf(call: Call): Hex {
  return encodeFunctionData({ abi: call.abi, functionName: call.functionName, args: call.args as unknown[] });
}
