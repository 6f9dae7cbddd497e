import {
  BaseError,
  ContractFunctionRevertedError,
  decodeErrorResult,
  type Hex,
  InsufficientFundsError,
  type RawContractError,
  UserRejectedRequestError,
} from "viem";
import { ServiceError } from "../api/client";
import { moment } from "../core/epochs";
import { texts } from "../texts/en";
import { everyError } from "./contracts";

type Words = Record<string, string | ((args: readonly unknown[]) => string)>;

/** Why something failed, in words for a person; never the raw message of a library where there is a better one. */
export function explain(error: unknown): string {
  if (error instanceof ServiceError) {
    if (error.problem.code === "unreachable") return texts.service.unreachable;
    return error.problem.detail;
  }
  if (!(error instanceof BaseError)) return error instanceof Error ? error.message : String(error);
  if (isRejection(error)) return texts.wallet.rejected;
  if (error.walk((each) => each instanceof InsufficientFundsError) !== null) return texts.wallet.noGas;
  const told = revertOf(error);
  if (told !== null) return told;
  return error.shortMessage;
}

/** Whether the person said no in the wallet. */
export function isRejection(error: unknown): boolean {
  if (error instanceof BaseError) {
    return (
      error.walk(
        (each) => each instanceof UserRejectedRequestError || (each as { code?: number }).code === 4001,
      ) !== null
    );
  }
  return (error as { code?: number } | null)?.code === 4001;
}

/** Codes by which a wallet says that it knows no such request: EIP-1193's, JSON-RPC's, EIP-1474's. */
const UNKNOWN_REQUEST = new Set([4200, -32601, -32004]);

/** Whether the wallet does not know what it was asked for, whatever the person thinks of it. */
export function isUnknownRequest(error: unknown): boolean {
  const knows = (each: unknown) => UNKNOWN_REQUEST.has((each as { code?: number } | null)?.code ?? 0);
  return error instanceof BaseError ? error.walk(knows) !== null : knows(error);
}

/** Codes that say nothing of what was done: disconnected (EIP-1193), an internal error (JSON-RPC). */
const DISCONNECTED = new Set([4900, 4901, -32603]);

/** Whether nobody can tell from a wallet's failure if it has sent what it was asked to send. */
export function leavesOpen(error: unknown): boolean {
  if (!(error instanceof BaseError)) return true;
  if (revertOf(error) !== null) return false;
  const coded = error.walk((each) => typeof (each as { code?: unknown } | null)?.code === "number");
  return coded === null || DISCONNECTED.has((coded as unknown as { code: number }).code);
}

/** What a contract refused with: its error's name, or the text of one without a name. */
export type Refusal = { name: string; args: readonly unknown[] } | { reason: string };

/** Words for a contract's refusal, or null where the error is something else. */
export function revertOf(error: BaseError): string | null {
  const refusal = refusalOf(error);
  if (refusal === null) return null;
  return "reason" in refusal ? refusal.reason : wordsFor(refusal.name, refusal.args);
}

/** Whether the call was refused only because the token was not handed over yet. */
export function lacksAllowance(error: unknown): boolean {
  const refusal = error instanceof BaseError ? refusalOf(error) : null;
  if (refusal === null) return false;
  // A dollar that is not ours says it in words of its own.
  return "reason" in refusal
    ? /allowance/i.test(refusal.reason)
    : refusal.name === "ERC20InsufficientAllowance";
}

/** The refusal inside an error, however deep; null where no contract refused. */
function refusalOf(error: BaseError): Refusal | null {
  const reverted = error.walk((each) => each instanceof ContractFunctionRevertedError);
  if (reverted instanceof ContractFunctionRevertedError) {
    if (reverted.data !== undefined && reverted.data.errorName !== "Error") {
      return { name: reverted.data.errorName, args: reverted.data.args ?? [] };
    }
    const known = reverted.raw === undefined ? null : decoded(reverted.raw);
    if (known !== null) return known;
    if (reverted.reason !== undefined) return { reason: reverted.reason };
  }
  // A plain call is refused with the node's own error, deepest inside: its data are the contract's words.
  const { data } = error.walk() as RawContractError;
  const bytes = typeof data === "object" ? data?.data : data;
  if (bytes !== undefined) return decoded(bytes);
  return null;
}

/** The bytes with which a contract refused; null where no contract of ours has such an error. */
function decoded(data: Hex): Refusal | null {
  try {
    const { errorName, args } = decodeErrorResult({ abi: everyError, data });
    const values = (args ?? []) as readonly unknown[];
    return (errorName as string) === "Error"
      ? { reason: String(values[0]) }
      : { name: errorName, args: values };
  } catch {
    return null;
  }
}

function wordsFor(name: string, args: readonly unknown[]): string {
  const words = (texts.refusals as Words)[name];
  if (words === undefined) return texts.refusalUnknown(name, args.map(plainly).join(", "));
  return typeof words === "string" ? words : words(args);
}

function plainly(value: unknown): string {
  return typeof value === "bigint" && value > 1_600_000_000n && value < 4_000_000_000n
    ? moment(Number(value))
    : String(value);
}
