import { type Address, getAddress, isAddress } from "viem";
import { settings } from "../../settings";

/** Who signs, as this browser saw it first: a service that changes its signer is noticed. */
export type Known = { address: Address; since: number };

const KEPT = `entitlement.signer.${settings.chain.id}`;

/** Whom this browser has known as the operator; from now on the one given, where it knew nobody. */
export function knownOperator(told: Address): Known {
  const found = read();
  if (found !== null) return found;
  const known = { address: told, since: Math.floor(Date.now() / 1_000) };
  try {
    localStorage.setItem(KEPT, JSON.stringify(known));
  } catch {
    // A browser that keeps nothing knows nobody next time either.
  }
  return known;
}

function read(): Known | null {
  try {
    const found = JSON.parse(localStorage.getItem(KEPT) ?? "null") as Partial<Known> | null;
    return found !== null && isAddress(String(found.address)) && Number.isSafeInteger(found.since)
      ? { address: getAddress(String(found.address)), since: Number(found.since) }
      : null;
  } catch {
    return null;
  }
}
