import "../style/tickets.css";
import { useState } from "react";
import { type Call, callOf } from "../chain/calls";
import { contracts } from "../chain/contracts";
import { useNow, useOwnOnChain } from "../chain/reading";
import { useOpenTickets } from "../chain/tickets";
import { creditOf } from "../core/allowance";
import { localMoment, moment, stretch } from "../core/epochs";
import { afterCancel } from "../core/right";
import { sumOf, type Ticket } from "../core/tickets";
import { dollars, tokens } from "../core/units";
import { texts } from "../texts/en";
import { Act, type Change } from "./act";
import { Chip, Dialog, Notice, Waiting } from "./basics";

export type Station = "VVV" | "DIEM";
type Account = NonNullable<ReturnType<typeof useOwnOnChain>["data"]>;

const words = texts.tickets;

/** The open exits of the connected wallet at one station: what is due is claimed at once, each can be taken back. */
export function Tickets({ station }: { station: Station }) {
  const { data: account } = useOwnOnChain();
  const { tickets, isWhole } = useOpenTickets(station === "VVV" ? "StakedVVV" : "InferenceStake");
  const now = useNow();
  const [cancelling, setCancelling] = useState<Ticket | null>(null);
  if (account === undefined) return <Waiting width={24} />;

  const open = tickets ?? [];
  // By the newest block's own clock: the contract goes by the same.
  const due = open.filter((ticket) => BigInt(ticket.due) <= account.timestamp);
  const missing = coolingOf(account, station) - sumOf(open);
  return (
    <div className="stack">
      {open.length === 0 && missing <= 0n && <p className="quiet">{words.none}</p>}
      {!isWhole && missing > 0n && (
        <Notice tone="warn">{words.missing(`${tokens(missing)} ${station}`)}</Notice>
      )}
      {open.length > 0 && (
        <table className="tickets">
          <caption className="hidden-visually">{words.title}</caption>
          <thead>
            <tr>
              <th scope="col">{words.number}</th>
              <th scope="col" className="number">
                {station}
              </th>
              <th scope="col">{words.due}</th>
              <th scope="col">
                <span className="hidden-visually">{words.cancel}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {open.map((ticket) => (
              <tr key={String(ticket.number)}>
                <th scope="row">{String(ticket.number)}</th>
                <td className="number">{tokens(ticket.amount)}</td>
                <td className="when">
                  <Due at={ticket.due} isDue={due.includes(ticket)} now={now} />
                </td>
                <td className="end">
                  <button type="button" className="tiny" onClick={() => setCancelling(ticket)}>
                    {words.cancel}
                    <span className="hidden-visually"> {String(ticket.number)}</span>
                  </button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {due.length > 0 && <Claim account={account} station={station} due={due} />}
      <Dialog
        title={words.cancelTitle(cancelling === null ? "" : String(cancelling.number))}
        open={cancelling !== null}
        onClose={() => setCancelling(null)}
      >
        {cancelling !== null && (
          <Cancel
            account={account}
            station={station}
            ticket={cancelling}
            now={now}
            onSent={() => setCancelling(null)}
          />
        )}
      </Dialog>
    </div>
  );
}

function Due({ at, isDue, now }: { at: number; isDue: boolean; now: number }) {
  if (isDue) return <Chip tone="good">{words.ready}</Chip>;
  return (
    <>
      <span className="number">{localMoment(at, texts.language)}</span>
      <span className="small quiet number">
        {now < at ? words.dueIn(stretch(at - now), moment(at)) : words.nextBlock}
      </span>
    </>
  );
}

function Claim({ account, station, due }: { account: Account; station: Station; due: readonly Ticket[] }) {
  const sum = sumOf(due);
  const held = station === "VVV" ? account.vvv.balance : account.diem.balance;
  const cooling = coolingOf(account, station);
  const amount = `${tokens(sum)} ${station}`;
  return (
    <Act
      label={words.claim(amount)}
      plan={{
        summary: words.claim(amount),
        call: claimOf(
          station,
          due.map((ticket) => ticket.number),
        ),
      }}
      changes={[
        { name: words.inWallet(station), now: tokens(held), after: tokens(held + sum) },
        { name: words.cooling(station), now: tokens(cooling), after: tokens(cooling - sum) },
      ]}
    />
  );
}

function Cancel({
  account,
  station,
  ticket,
  now,
  onSent,
}: {
  account: Account;
  station: Station;
  ticket: Ticket;
  now: number;
  onSent: () => void;
}) {
  const { amount } = ticket;
  const cooling = coolingOf(account, station);
  const staked = station === "VVV" ? account.stake.unlocked : account.right.staked;
  const after = afterCancel(account.right, amount, ticket.due, now);
  const daily: Change[] = [
    {
      name: words.today,
      now: dollars(creditOf(account.right.current)),
      after: dollars(creditOf(after.current)),
    },
    {
      name: words.tomorrow,
      now: dollars(creditOf(account.right.next)),
      after: dollars(creditOf(after.next)),
    },
  ];
  return (
    <Act
      label={words.cancelAct(`${tokens(amount)} ${station}`)}
      plan={{ summary: words.cancelTitle(String(ticket.number)), call: cancelOf(station, ticket.number) }}
      changes={[
        { name: words.staked(station), now: tokens(staked), after: tokens(staked + amount) },
        { name: words.cooling(station), now: tokens(cooling), after: tokens(cooling - amount) },
        ...(station === "DIEM" ? daily : []),
      ]}
      risks={[station === "VVV" ? words.cancelVvv : words.cancelDiem, words.cancelAgain]}
      onSent={onSent}
    />
  );
}

function coolingOf(account: Account, station: Station): bigint {
  return station === "VVV" ? account.stake.cooling : account.right.cooling;
}

function claimOf(station: Station, tickets: bigint[]): Call {
  return station === "VVV"
    ? callOf(contracts.StakedVVV, "claimUnstake", [tickets])
    : callOf(contracts.InferenceStake, "claimUnstake", [tickets]);
}

function cancelOf(station: Station, ticket: bigint): Call {
  return station === "VVV"
    ? callOf(contracts.StakedVVV, "cancelUnstake", [ticket])
    : callOf(contracts.InferenceStake, "cancelUnstake", [ticket]);
}
