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

/** Words for a contract's refusal, or null where the error is something else. */
export function revertOf(error: BaseError): string | null {
  const reverted = error.walk((each) => each instanceof ContractFunctionRevertedError);
  if (reverted instanceof ContractFunctionRevertedError) {
    if (reverted.data !== undefined) return wordsFor(reverted.data.errorName, reverted.data.args ?? []);
    if (reverted.raw !== undefined) return wordsOf(reverted.raw);
    if (reverted.reason !== undefined) return reverted.reason;
  }
  // A plain call is refused with the node's own error, deepest inside: its data are the contract's words.
  const { data } = error.walk() as RawContractError;
  const bytes = typeof data === "object" ? data?.data : data;
  if (bytes !== undefined) return wordsOf(bytes);
  return null;
}

/** Words for the bytes with which a contract refused. */
export function wordsOf(data: Hex): string | null {
  try {
    const { errorName, args } = decodeErrorResult({ abi: everyError, data });
    return wordsFor(errorName, (args ?? []) as readonly unknown[]);
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
