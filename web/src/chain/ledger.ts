import { useSyncExternalStore } from "react";
import type { Address, Hex } from "viem";

/**
 * What was sent from this browser, kept in it (localStorage), so that a reload in the middle loses nothing.
 *
 *     asking --hash--> pending --receipt--> confirmed --final block--> final
 *       |  \              |  ^                 |
 *       |   rejected      |  +---reorganised---+
 *       +--(page was left: found again by its nonce)
 *                         |  ^
 *                         |  +---reorganised--- reverted
 *                         +--> reverted | replaced | dropped (as the wallet says)
 *
 * Written before the wallet is asked: between its broadcast and our noting the hash the page may be gone.
 */
export type SentState =
  | "asking"
  | "pending"
  | "confirmed"
  | "final"
  | "reverted"
  | "rejected"
  | "replaced"
  | "dropped";

export type Sent = {
  id: string;
  chainId: number;
  account: Address;
  summary: string;
  to: Address;
  data: Hex;
  nonce: number;
  /** The newest block when the wallet was asked: the transaction is in none before it. */
  sinceBlock: number;
  hash: Hex | null;
  /** What a contract's wallet answered with, once it is known which transaction it sent; absent elsewhere. */
  walletId?: Hex;
  state: SentState;
  blockNumber: number | null;
  /** Why it reverted; or that the chain was reorganised. */
  note: string | null;
  begunAt: number;
};

const KEPT = "entitlement.transactions";
const LONGEST = 50;
const listeners = new Set<() => void>();
let sent: readonly Sent[] = read();
/** Whether the browser has what this tab knows: else what is read from it would take the place of more. */
let isKept = true;

window.addEventListener("storage", (event) => {
  if (event.key !== KEPT || !isKept) return;
  sent = read();
  tell();
});

/** All that was sent, newest first. */
export function useSent(): readonly Sent[] {
  return useSyncExternalStore(subscribe, () => sent);
}

export function sentNow(): readonly Sent[] {
  return sent;
}

export function addSent(entry: Sent): void {
  write([entry, ...known()]);
}

/** Change one entry; nothing where it is not there any more. */
export function changeSent(id: string, change: Partial<Sent>): void {
  write(known().map((entry) => (entry.id === id ? { ...entry, ...change } : entry)));
}

export function forgetSent(id: string): void {
  write(known().filter((entry) => entry.id !== id));
}

export function isOpen(entry: Sent): boolean {
  return entry.state === "asking" || entry.state === "pending" || entry.state === "confirmed";
}

function write(entries: readonly Sent[]): void {
  // What is still open is never dropped for being old.
  const kept = entries.filter((entry, place) => place < LONGEST || isOpen(entry));
  sent = kept;
  try {
    localStorage.setItem(KEPT, JSON.stringify(kept));
    isKept = true;
  } catch {
    // A browser that keeps nothing: this tab still knows.
    isKept = false;
  }
  tell();
}

function known(): readonly Sent[] {
  // Another tab may have kept more since.
  return isKept ? read() : sent;
}

function read(): readonly Sent[] {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(KEPT) ?? "[]");
    return Array.isArray(found) ? (found as Sent[]).filter((entry) => typeof entry?.id === "string") : [];
  } catch {
    return [];
  }
}

function tell(): void {
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
