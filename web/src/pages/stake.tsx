import "./stake.css";
import { useConnection } from "wagmi";
import { texts } from "../texts/en";
import { PageHeading, Panel } from "../ui/basics";
import { Tabs } from "../ui/tabs";
import { Tickets } from "../ui/tickets";
import { ExitForm } from "./stake/exit-form";
import { History } from "./stake/history";
import { useHoldings } from "./stake/holdings";
import { Overview } from "./stake/overview";
import { Rewards } from "./stake/rewards";
import { StakeForm } from "./stake/stake-form";
import { Yearly } from "./stake/yearly";

const t = texts.stake;

export default function Stake() {
  const { isConnected } = useConnection();
  const holdings = useHoldings();
  return (
    <>
      <PageHeading title={texts.nav.stake}>{t.lead}</PageHeading>
      {isConnected && <Overview holdings={holdings} />}
      <div className="stake-columns">
        <Panel>
          <h2 className="hidden-visually">{t.formTitle}</h2>
          <Tabs
            label={t.formTitle}
            tabs={[
              { id: "in", name: t.tabStake, content: <StakeForm holdings={holdings} /> },
              { id: "out", name: t.tabExit, content: <ExitForm holdings={holdings} /> },
            ]}
          />
        </Panel>
        <div className="stack side">
          {isConnected && <Rewards holdings={holdings} />}
          <Yearly />
        </div>
      </div>
      {isConnected && (
        <>
          <Panel title={texts.tickets.title}>
            <Tickets station="VVV" />
          </Panel>
          <History />
        </>
      )}
    </>
  );
}
