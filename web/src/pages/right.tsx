import "./right.css";
import { useNow, useOwnOnChain } from "../chain/reading";
import { creditOf } from "../core/allowance";
import { clock, endOfEpoch, epochAt } from "../core/epochs";
import { dollars, tokens } from "../core/units";
import { texts } from "../texts/en";
import { PageHeading, Panel, Tile } from "../ui/basics";
import { NeedsWallet } from "../ui/gates";
import { Tickets } from "../ui/tickets";
import { Delegating } from "./right/delegating";
import { Delegations } from "./right/delegations";
import type { Account } from "./right/own";
import { Exiting, Staking } from "./right/staking";

const words = texts.right;

/** The daily right: DIEM staked for it, on its way out, given to others and received. */
export default function DailyRight() {
  const { data: account } = useOwnOnChain();
  return (
    <>
      <PageHeading title={texts.nav.right}>{words.lead}</PageHeading>
      <NeedsWallet>
        <Facts account={account} />
        <div className="columns top">
          <Staking account={account} />
          <Exiting account={account} />
        </div>
        <Panel title={texts.tickets.title}>
          <Tickets station="DIEM" />
        </Panel>
        <Delegating account={account} />
        <Delegations account={account} />
      </NeedsWallet>
    </>
  );
}

/** Today and tomorrow first; then where the DIEM is. */
function Facts({ account }: { account: Account | undefined }) {
  const now = useNow();
  const right = account?.right;
  // The contract keeps: next = staked - given + received.
  const received = right && right.next - right.staked + right.delegated;
  return (
    <>
      <div className="tiles daily">
        <Tile
          name={words.todayTile}
          value={right && dollars(creditOf(right.current))}
          note={words.todayNote(clock(endOfEpoch(epochAt(now)) - now))}
        />
        <Tile
          name={words.tomorrowTile}
          value={right && dollars(creditOf(right.next))}
          note={right && words.tomorrowNote}
        />
      </div>
      <div className="tiles even">
        <Tile name={words.stakedTile} value={right && tokens(right.staked)} note="DIEM" />
        <Tile name={words.givenTile} value={right && tokens(right.delegated)} note="DIEM" />
        <Tile
          name={words.receivedTile}
          value={received === undefined ? undefined : tokens(received)}
          note="DIEM"
        />
        <Tile name={words.coolingTile} value={right && tokens(right.cooling)} note="DIEM" />
        <Tile name={words.heldTile} value={account && tokens(account.diem.balance)} note="DIEM" />
      </div>
    </>
  );
}
