import { useEffect, useSyncExternalStore } from "react";

/** Which transactions are being shown where they were made: nobody need be told of them a second time. */
let shown: ReadonlySet<string> = new Set();
const listeners = new Set<() => void>();

export function useShownInPlace(): ReadonlySet<string> {
  return useSyncExternalStore(subscribe, () => shown);
}

/** Say that a transaction is shown in its place for as long as this component stands. */
export function useShownHere(id: string): void {
  useEffect(() => {
    change(new Set([...shown, id]));
    return () => change(new Set([...shown].filter((each) => each !== id)));
  }, [id]);
}

function change(next: ReadonlySet<string>): void {
  shown = next;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
