import { useState } from "react";
import { useNow } from "../../chain/reading";
import { useOpenTickets } from "../../chain/tickets";
import { moment, stretch } from "../../core/epochs";
import { sumOf, type Ticket } from "../../core/tickets";
import { tokens } from "../../core/units";
import { texts } from "../../texts/en";
import { ActDialog } from "../../ui/act-dialog";
import { Chip, Notice, Panel } from "../../ui/basics";
import type { Holdings } from "./holdings";
import { useLasting } from "./lasting";
import { cancelPlan, changesOf, claimTicketsPlan } from "./plans";

const t = texts.stake;

/** Exits on their way: when each is due, what can be claimed, and how to take one back. */
export function Tickets({ holdings }: { holdings: Holdings | undefined }) {
  const { tickets, isWhole, cooling } = useOpenTickets("StakedVVV");
  const now = useNow();
  const due = (tickets ?? []).filter((ticket) => ticket.due <= now);
  const isEmpty = cooling === 0n;
  return (
    <Panel title={t.tickets} aside={<ClaimDue due={due} holdings={holdings} />}>
      {tickets !== undefined && tickets.length > 0 ? (
        <TicketTable tickets={tickets} now={now} holdings={holdings} />
      ) : (
        <p className="quiet small">{isEmpty || cooling === undefined ? t.noTickets : t.ticketsComing}</p>
      )}
      {!isWhole && !isEmpty && tickets !== undefined && <Notice tone="warn">{t.ticketsMissing}</Notice>}
    </Panel>
  );
}

function TicketTable({
  tickets,
  now,
  holdings,
}: {
  tickets: readonly Ticket[];
  now: number;
  holdings: Holdings | undefined;
}) {
  // A row whose dialog is open stays until that is closed, though its ticket is gone from the chain.
  const { rows, keep } = useLasting(tickets);
  return (
    <table className="tickets">
      <caption className="hidden-visually">{t.tickets}</caption>
      <thead>
        <tr>
          <th scope="col">{t.ticket}</th>
          <th scope="col" className="number">
            {t.amount}
          </th>
          <th scope="col">{t.due}</th>
          <th scope="col">
            <span className="hidden-visually">{t.actions}</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ item: ticket, isGone }) => (
          <tr key={ticket.number.toString()} data-gone={isGone}>
            <th scope="row" className="number-left">
              {t.number(ticket.number.toString())}
            </th>
            <td className="number">{tokens(ticket.amount)} VVV</td>
            <td className="when">
              <span>{moment(ticket.due)}</span>
              {isGone ? (
                <Chip>{t.closed}</Chip>
              ) : ticket.due <= now ? (
                <Chip tone="good">{t.ready}</Chip>
              ) : (
                <span className="quiet small">{texts.act.inTime(stretch(ticket.due - now))}</span>
              )}
            </td>
            <td className="end">
              <Cancel ticket={ticket} holdings={holdings} onOpen={(open) => keep(ticket.number, open)} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Cancel({
  ticket,
  holdings,
  onOpen,
}: {
  ticket: Ticket;
  holdings: Holdings | undefined;
  onOpen: (open: boolean) => void;
}) {
  return (
    <ActDialog
      title={t.cancelTitle(ticket.number.toString())}
      button={
        <>
          {t.cancel}
          <span className="hidden-visually"> {t.number(ticket.number.toString())}</span>
        </>
      }
      look="tiny"
      onOpenChange={onOpen}
      label={t.cancelExit}
      plan={cancelPlan(ticket)}
      changes={
        holdings === undefined
          ? []
          : changesOf(holdings, { unlocked: ticket.amount, cooling: -ticket.amount })
      }
      risks={t.cancelRisks}
    />
  );
}

function ClaimDue({ due, holdings }: { due: readonly Ticket[]; holdings: Holdings | undefined }) {
  const [isOpen, setOpen] = useState(false);
  const sum = sumOf(due);
  if (due.length === 0 && !isOpen) return null;
  return (
    <ActDialog
      title={t.claimTitle}
      button={t.claimDue(tokens(sum))}
      look="primary"
      disabled={due.length === 0}
      onOpenChange={setOpen}
      label={t.claimTitle}
      plan={due.length === 0 ? null : claimTicketsPlan(due, sum)}
      changes={
        holdings === undefined || sum === 0n ? [] : changesOf(holdings, { wallet: sum, cooling: -sum })
      }
      risks={t.claimTicketsRisks}
    />
  );
}
