import { basisPoints, dollars, percent } from "../../core/units";
import { charged, type Sums } from "../../core/usage";
import { texts } from "../../texts/en";
import { Panel, Waiting } from "../../ui/basics";

const SHOWN = 8;

/** Spending by name, dearest first: a table whose bars show the shares. */
export function Ranked({
  title,
  column,
  sums,
  told,
}: {
  title: string;
  column: string;
  sums: readonly Sums[] | undefined;
  told: (name: string | null) => string;
}) {
  const words = texts.usage;
  const total = (sums ?? []).reduce((sum, each) => sum + charged(each), 0n);
  const rows = (of: readonly Sums[]) =>
    of.map((each) => (
      <Row
        key={each.name ?? ""}
        name={told(each.name)}
        of={each}
        points={basisPoints(charged(each), total)}
      />
    ));
  return (
    <Panel title={title}>
      {sums === undefined && <Waiting width={20} />}
      {sums?.length === 0 && <p className="quiet">{words.nothing}</p>}
      {sums !== undefined && sums.length > 0 && (
        <table className="ranked">
          <thead>
            <tr>
              <th scope="col">{column}</th>
              <th scope="col" className="number">
                {words.requests}
              </th>
              <th scope="col" className="number">
                {words.sum}
              </th>
              <th scope="col" className="number">
                {words.share}
              </th>
            </tr>
          </thead>
          <tbody>{rows(sums.slice(0, SHOWN))}</tbody>
        </table>
      )}
      {sums !== undefined && sums.length > SHOWN && (
        <details>
          <summary>{texts.more}</summary>
          <table className="ranked">
            <tbody>{rows(sums.slice(SHOWN))}</tbody>
          </table>
        </details>
      )}
    </Panel>
  );
}

function Row({ name, of, points }: { name: string; of: Sums; points: bigint }) {
  return (
    <tr>
      <th scope="row">
        <bdi>{name}</bdi>
        <svg className="plot share" viewBox="0 0 1000 8" preserveAspectRatio="none" aria-hidden="true">
          <rect className="ground" width="1000" height="8" rx="4" />
          <rect className="series-1" width={Number(points) / 10} height="8" rx="4" />
        </svg>
      </th>
      <td className="number">{of.requests}</td>
      <td className="number">{dollars(charged(of))}</td>
      <td className="number quiet">{percent(points, 1)}</td>
    </tr>
  );
}
