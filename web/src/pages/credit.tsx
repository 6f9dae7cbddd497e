import "./forms.css";
import "./credit.css";
import { texts } from "../texts/en";
import { PageHeading, Panel } from "../ui/basics";
import { NeedsSession, NeedsWallet } from "../ui/gates";
import { Balances } from "./credit/balances";
import { JoinPro } from "./credit/join";
import { TopUp } from "./credit/topup";

export default function Credit() {
  return (
    <>
      <PageHeading title={texts.nav.credit}>{texts.credit.lead}</PageHeading>
      <NeedsWallet>
        <NeedsSession>
          <Balances />
        </NeedsSession>
        <div className="columns">
          <TopUp />
          <JoinPro />
        </div>
      </NeedsWallet>
      <Order />
    </>
  );
}

/** In what order credit is spent: core/ledger.py has the rule. */
function Order() {
  const words = texts.credit;
  return (
    <Panel title={words.order}>
      <p className="quiet">{words.orderLead}</p>
      <ol className="sources">
        {words.sources.map((source) => (
          <li key={source.name}>
            <strong>{source.name}</strong>
            <span className="small quiet">
              {words.ends} {source.ends}
            </span>
            <p className="small">{source.what}</p>
          </li>
        ))}
      </ol>
    </Panel>
  );
}
