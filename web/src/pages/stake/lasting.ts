import { useRef, useState } from "react";
import type { Ticket } from "../../core/tickets";

/**
 * The rows of a table whose items may go while something of theirs is still open: kept in their place until then, so
 * that a dialog does not vanish under the reader's hands.
 */
export function useLasting(tickets: readonly Ticket[]) {
  const [held, setHeld] = useState<ReadonlySet<bigint>>(new Set());
  const known = useRef(new Map<bigint, Ticket>());
  for (const ticket of tickets) known.current.set(ticket.number, ticket);
  const gone = [...held].flatMap((number) => {
    const ticket = known.current.get(number);
    return ticket === undefined || tickets.some((each) => each.number === number) ? [] : [ticket];
  });
  const rows = [
    ...tickets.map((item) => ({ item, isGone: false })),
    ...gone.map((item) => ({ item, isGone: true })),
  ].sort((one, other) => one.item.due - other.item.due);
  const keep = (number: bigint, open: boolean) =>
    setHeld((before) =>
      open ? new Set([...before, number]) : new Set([...before].filter((each) => each !== number)),
    );
  return { rows, keep };
}
