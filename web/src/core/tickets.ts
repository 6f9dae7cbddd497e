/** Exits: what was requested is a ticket of its own, due a fixed time later, paid once, cancelled while it is open. */

/** A constant of StakedVVV: nobody can change it. */
export const VVV_EXIT_SECONDS = 7 * 86_400;

/** IStation.TicketState. */
export const TICKET_OPEN = 1;

/** An exit that was requested and neither claimed nor cancelled. */
export type Ticket = {
  number: bigint;
  /** Wei. */
  amount: bigint;
  /** Unix seconds. */
  due: number;
};

/** A ticket as the Lens tells it. */
export type TicketView = { ticket: bigint; amount: bigint; claimableAt: bigint; state: number };

/** Those that are open, the earliest due first. */
export function openTickets(views: readonly TicketView[]): Ticket[] {
  return views
    .filter((view) => view.state === TICKET_OPEN)
    .map((view) => ({ number: view.ticket, amount: view.amount, due: Number(view.claimableAt) }))
    .sort((one, other) => one.due - other.due || (one.number < other.number ? -1 : 1));
}

export function sumOf(tickets: readonly Ticket[]): bigint {
  return tickets.reduce((sum, ticket) => sum + ticket.amount, 0n);
}
