import { useBuybacks } from "../../api/operating";
import { day, moment, stretch } from "../../core/epochs";
import { percent, tokens, usdc } from "../../core/units";
import type { JournalRunOut, OperatorBuybacksOut, PolicyOut, RunOut } from "../../generated/api";
import { texts } from "../../texts/en";
import { Notice, TransactionText } from "../../ui/basics";
import { Commands, Part, Stale, States, Wide } from "./parts";

const words = texts.operator.buybacks;

/** Buybacks: what holds, what was announced and may still be stopped, what was done. */
export function Buybacks() {
  const asked = useBuybacks();
  return (
    <Part title={words.title} asked={asked}>
      {(found) => (
        <>
          {found.veto?.holds === true && (
            <Notice tone="warn">
              {words.veto(
                found.veto.made_by,
                found.veto.reason,
                found.veto.until === null ? null : moment(found.veto.until),
              )}
            </Notice>
          )}
          <Plan found={found} />
          <Policy policy={found.in_force} />
          <Journal runs={found.journal} />
          {found.chain === null ? (
            <Notice tone="warn">
              {words.noChain} {found.chain_problem}
            </Notice>
          ) : (
            <>
              <Stale read={{ ...found.chain.read, time: found.chain.read.block_time }} />
              <OnChain runs={found.chain.runs} />
              <p className="small quiet">
                {words.setAside(
                  usdc(BigInt(found.chain.set_aside.amount)),
                  found.chain.next_run_at > found.now ? moment(found.chain.next_run_at) : null,
                )}
              </p>
            </>
          )}
          <Commands commands={words.commands} />
        </>
      )}
    </Part>
  );
}

function Plan({ found: { announced, now } }: { found: OperatorBuybacksOut }) {
  if (announced === null) return <p>{words.noPlan}</p>;
  const mayStop = announced.not_before > now;
  return (
    <>
      <Notice tone={mayStop ? "warn" : "plain"}>
        {mayStop
          ? words.announced(usdc(BigInt(announced.amount)), moment(announced.not_before))
          : words.begun(usdc(BigInt(announced.amount)), moment(announced.next_lot_at))}
        {announced.reason !== null && ` ${words.waits(announced.reason)}`}
      </Notice>
      <States
        states={[
          { name: words.plan, value: String(announced.plan) },
          { name: words.lots, value: String(announced.lots) },
          { name: words.through, value: day(announced.through_epoch) },
        ]}
      />
    </>
  );
}

function Policy({ policy }: { policy: PolicyOut }) {
  const share = (points: number) => percent(BigInt(points));
  return (
    <>
      <h3>{words.policy}</h3>
      <States
        states={[
          { name: words.schedule, value: policy.schedule },
          { name: words.revenueShare, value: share(policy.revenue_share) },
          { name: words.purchaseShare, value: share(policy.purchase_share) },
          { name: words.perSubscription, value: `${usdc(BigInt(policy.per_subscription))} USDC` },
          { name: words.minimum, value: `${usdc(BigInt(policy.minimum))} USDC` },
          { name: words.impact, value: share(policy.impact) },
          { name: words.slippage, value: share(policy.slippage) },
          { name: words.spacing, value: stretch(policy.spacing) },
          { name: words.vetoTime, value: stretch(policy.veto) },
        ]}
      />
    </>
  );
}

function Journal({ runs }: { runs: readonly JournalRunOut[] }) {
  if (runs.length === 0) return <p className="quiet">{words.noRuns}</p>;
  return (
    <Wide name={words.journal}>
      <table>
        <caption>{words.journal}</caption>
        <thead>
          <tr>
            <th scope="col">{words.run}</th>
            <th scope="col">{words.state}</th>
            <th scope="col" className="number">
              {words.offered}
            </th>
            <th scope="col" className="number">
              {words.burned}
            </th>
            <th scope="col">{words.transaction}</th>
          </tr>
        </thead>
        <tbody>
          {runs.map((run) => {
            const hash = run.transaction ?? run.attempts.at(-1)?.hash;
            return (
              <tr key={run.run}>
                <th scope="row">{run.run}</th>
                <td>
                  {run.state} {run.reason !== null && <span className="quiet">{run.reason}</span>}
                </td>
                <td className="number">{usdc(BigInt(run.spent ?? run.offered))}</td>
                <td className="number">{run.burned === null ? "–" : tokens(BigInt(run.burned))}</td>
                <td>{hash === undefined ? "–" : <TransactionText hash={hash} />}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </Wide>
  );
}

function OnChain({ runs }: { runs: readonly RunOut[] }) {
  if (runs.length === 0) return <p className="quiet">{words.noneOnChain}</p>;
  return (
    <Wide name={words.onChain}>
      <table>
        <caption>{words.onChain}</caption>
        <thead>
          <tr>
            <th scope="col">{words.run}</th>
            <th scope="col">{words.when}</th>
            <th scope="col" className="number">
              {words.spent}
            </th>
            <th scope="col" className="number">
              {words.burned}
            </th>
            <th scope="col" className="number">
              {words.price}
            </th>
            <th scope="col">{words.transaction}</th>
          </tr>
        </thead>
        <tbody>
          {runs.map((run) => (
            <tr key={run.run}>
              <th scope="row">{run.run}</th>
              <td className="nowrap">{moment(run.block_time)}</td>
              <td className="number">{usdc(BigInt(run.usdc))}</td>
              <td className="number">{tokens(BigInt(run.burned))}</td>
              <td className="number">{usdc(BigInt(run.price_paid))}</td>
              <td>
                <TransactionText hash={run.transaction} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Wide>
  );
}
