import { useSystem } from "../../chain/reading";
import { percent, tokens } from "../../core/units";
import { SECONDS_PER_YEAR, yearlyRates } from "../../core/yearly";
import { texts } from "../../texts/en";
import { Panel, Waiting } from "../../ui/basics";

const t = texts.stake;

/** What staked VVV earns at present, and from what that follows. */
export function Yearly() {
  const { data: system } = useSystem();
  const rates = system === undefined ? undefined : yearlyRates(system.vvv.emissionRate, system.vvv.staked);
  const shown = (points: bigint | undefined) =>
    rates === null ? t.noRate : points === undefined ? <Waiting width={6} /> : percent(points);
  return (
    <Panel title={t.yearlyRate}>
      <dl className="rates">
        <div>
          <dt>{t.rateUnlocked}</dt>
          <dd className="number">{shown(rates?.unlocked)}</dd>
        </div>
        <div>
          <dt>{t.rateLocked}</dt>
          <dd className="number">{shown(rates?.locked)}</dd>
        </div>
      </dl>
      <p className="small quiet">
        {system === undefined ? (
          <Waiting width={40} />
        ) : (
          t.rateFrom(tokens(system.vvv.emissionRate * SECONDS_PER_YEAR, 0), tokens(system.vvv.staked, 0))
        )}
      </p>
      <p className="small quiet">{t.ratePromise}</p>
    </Panel>
  );
}
