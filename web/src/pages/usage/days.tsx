import { dollars } from "../../core/units";
import { type Analytics, charged, everyDay } from "../../core/usage";
import { texts } from "../../texts/en";
import { Panel } from "../../ui/basics";
import { BarPlot, ticksUpTo } from "../../ui/plots";

/** Spending by day as bars, and the same as a table. */
export function ByDay({ of: data }: { of: Analytics | undefined }) {
  const words = texts.usage;
  const days = data === undefined ? [] : everyDay(data);
  const most = days.reduce((found, each) => (charged(each) > found ? charged(each) : found), 0n);
  const total = days.reduce((sum, each) => sum + charged(each), 0n);
  const title = words.byDayTitle(days[0]?.day ?? "", days.at(-1)?.day ?? "", dollars(total));
  const bars = days.map((each) => ({
    label: each.day.slice(5),
    values: [each.diem, each.usd],
    told: words.told(each.day, dollars(charged(each)), each.requests),
  }));
  return (
    <Panel
      title={words.byDay}
      aside={
        <span className="legend small">
          <span className="series-1">{words.diem}</span>
          <span className="series-2">{words.usd}</span>
        </span>
      }
    >
      <div className="plot-place">
        {data !== undefined && <BarPlot title={title} bars={bars} beside={ticksUpTo(most, dollars)} />}
      </div>
      <details>
        <summary>{words.asTable}</summary>
        <div className="scroll">
          <table>
            <caption>{words.byDay}</caption>
            <thead>
              <tr>
                <th scope="col">{words.day}</th>
                <th scope="col" className="number">
                  {words.requests}
                </th>
                <th scope="col" className="number">
                  {words.diem}
                </th>
                <th scope="col" className="number">
                  {words.usd}
                </th>
                <th scope="col" className="number">
                  {words.sum}
                </th>
              </tr>
            </thead>
            <tbody>
              {days.toReversed().map((each) => (
                <tr key={each.epoch}>
                  <th scope="row" className="nowrap">
                    {each.day}
                  </th>
                  <td className="number">{each.requests}</td>
                  <td className="number">{dollars(each.diem)}</td>
                  <td className="number">{dollars(each.usd)}</td>
                  <td className="number">{dollars(charged(each))}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </Panel>
  );
}
