import { useState } from "react";
import { isAddressEqual } from "viem";
import { useConnection } from "wagmi";
import { callOf } from "../../chain/calls";
import { contracts } from "../../chain/contracts";
import { useNow } from "../../chain/reading";
import { day, endOfEpoch, epochAt } from "../../core/epochs";
import { afterMove } from "../../core/right";
import { tokens } from "../../core/units";
import { texts } from "../../texts/en";
import { Act } from "../../ui/act";
import { AddressText, Chip, Dialog, Panel, Waiting } from "../../ui/basics";
import { type Account, daily, dailyChanges, useRightOf } from "./own";

const words = texts.right;
type Delegation = Account["delegations"][number];
type Side = "given" | "received";

/** The rights that were given away and received, and how each ends. */
export function Delegations({ account }: { account: Account | undefined }) {
  const { address } = useConnection();
  const [ending, setEnding] = useState<bigint | null>(null);
  const open = (account?.delegations ?? []).filter((each) => each.open);
  const given = open.filter((each) => address !== undefined && isAddressEqual(each.from, address));
  const received = open.filter((each) => address !== undefined && isAddressEqual(each.to, address));
  const chosen = open.find((each) => each.id === ending);
  return (
    <div className="columns top">
      <Panel title={words.givenTitle}>
        {account === undefined ? (
          <Waiting width={24} />
        ) : (
          <List side="given" rows={given} onEnd={setEnding} />
        )}
      </Panel>
      <Panel title={words.receivedTitle}>
        {account === undefined ? (
          <Waiting width={24} />
        ) : (
          <List side="received" rows={received} onEnd={setEnding} />
        )}
      </Panel>
      <Dialog
        title={words.endTitle(ending === null ? "" : String(ending))}
        open={chosen !== undefined}
        onClose={() => setEnding(null)}
      >
        {chosen !== undefined && account !== undefined && (
          <Ending
            account={account}
            delegation={chosen}
            side={given.includes(chosen) ? "given" : "received"}
            onSent={() => setEnding(null)}
          />
        )}
      </Dialog>
    </div>
  );
}

function List({
  side,
  rows,
  onEnd,
}: {
  side: Side;
  rows: readonly Delegation[];
  onEnd: (id: bigint) => void;
}) {
  const today = epochAt(useNow());
  if (rows.length === 0)
    return <p className="quiet">{side === "given" ? words.noneGiven : words.noneReceived}</p>;
  return (
    <ul className="plain delegations">
      {rows.map((row) => {
        const until = Number(row.untilEpoch);
        const isBound = today < until;
        return (
          <li key={String(row.id)}>
            <div className="row apart">
              <strong className="number">{words.amountADay(tokens(row.amount), daily(row.amount))}</strong>
              <Chip tone={isBound ? "plain" : "warn"}>
                {isBound ? words.boundUntil(day(until)) : words.unbound}
              </Chip>
            </div>
            <div className="row apart">
              <span className="small quiet">
                {side === "given" ? words.toWhom : words.fromWhom}{" "}
                <AddressText address={side === "given" ? row.to : row.from} />
              </span>
              <button
                type="button"
                className="tiny"
                disabled={side === "given" && isBound}
                onClick={() => onEnd(row.id)}
              >
                {words.end}
                <span className="hidden-visually"> {String(row.id)}</span>
              </button>
            </div>
            <p className="small quiet">{stateOf(side, isBound, until)}</p>
          </li>
        );
      })}
    </ul>
  );
}

function stateOf(side: Side, isBound: boolean, until: number): string {
  if (side === "given") return isBound ? words.givenBound(day(until)) : words.givenFree;
  return isBound ? words.receivedBound(day(until)) : words.receivedFree;
}

/** What ending does: tomorrow's right goes back, today's stays where it is. */
function Ending({
  account,
  delegation,
  side,
  onSent,
}: {
  account: Account;
  delegation: Delegation;
  side: Side;
  onSent: () => void;
}) {
  const today = epochAt(useNow());
  const other = side === "given" ? delegation.to : delegation.from;
  const { data: theirs } = useRightOf(other);
  const own = side === "given" ? delegation.amount : -delegation.amount;
  return (
    <Act
      label={words.endAct}
      tone={side === "given" ? "primary" : "danger"}
      plan={{
        summary: words.endTitle(String(delegation.id)),
        call: callOf(contracts.InferenceStake, "endDelegation", [delegation.id]),
      }}
      changes={[
        ...dailyChanges(account.right, afterMove(account.right, own)),
        ...(theirs === undefined
          ? []
          : [
              {
                name: words.theirTomorrow(`${other.slice(0, 6)}…${other.slice(-4)}`),
                now: daily(theirs.next),
                after: daily(theirs.next - own),
              },
            ]),
      ]}
      waits={[{ name: words.takesEffect, at: endOfEpoch(today) }]}
      risks={[side === "given" ? words.riskEndGiven : words.riskEndReceived]}
      onSent={onSent}
    />
  );
}
