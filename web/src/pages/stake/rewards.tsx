import { show, TOKEN_DECIMALS, tokens } from "../../core/units";
import { texts } from "../../texts/en";
import { ActDialog } from "../../ui/act-dialog";
import { Panel, Waiting } from "../../ui/basics";
import { useAccruing } from "../home/accruing";
import { type Holdings, yearOf } from "./holdings";
import { changesOf, claimRewardsPlan, compoundPlan } from "./plans";

const t = texts.stake;
const SHOWN = 8;

/** What has been earned and not been taken: it goes on by the second. */
export function Rewards({ holdings }: { holdings: Holdings | undefined }) {
  const live = useAccruing()?.now;
  const pending = holdings?.pending ?? 0n;
  return (
    <Panel title={t.rewards}>
      <p className="figure number">
        {live === undefined ? <Waiting width={10} /> : show(live, TOKEN_DECIMALS, SHOWN, SHOWN)}{" "}
        <span className="unit">VVV</span>
      </p>
      <p className="small quiet">
        {holdings === undefined ? <Waiting width={24} /> : t.rewardsYear(tokens(yearOf(holdings)))}
      </p>
      <div className="row equal">
        <ActDialog
          title={t.claim}
          disabled={live === undefined || live === 0n}
          label={t.claim}
          plan={claimRewardsPlan()}
          changes={holdings === undefined ? [] : changesOf(holdings, { wallet: pending, rewards: -pending })}
          risks={t.claimRisks}
        />
        <ActDialog
          title={t.compound}
          disabled={live === undefined || live === 0n}
          label={t.compound}
          plan={compoundPlan()}
          changes={
            holdings === undefined ? [] : changesOf(holdings, { unlocked: pending, rewards: -pending })
          }
          risks={t.compoundRisks}
        />
      </div>
    </Panel>
  );
}
