import type { Scan } from "../../chain/scanning";
import { creditOf, foldStated, rightIn, type Told } from "../../core/allowance";
import { day, epochAt } from "../../core/epochs";
import { dollars, exactTokens } from "../../core/units";
import { settings } from "../../settings";
import { texts } from "../../texts/en";

const words = texts.verify.allowance;
const LONGEST_LOG = 200;

type Figure = { credit: bigint; wei: bigint | null } | null;

/** Three columns that have to be the same, for today and for tomorrow. */
export function AllowanceTable({ scan, told }: { scan: Scan; told: Told | null }) {
  const { slot } = foldStated(scan.stated);
  const epoch = epochAt(scan.head.timestamp);
  const inDiem = (wei: bigint): Figure => ({ credit: creditOf(wei), wei });
  const rows = [
    {
      name: words.today,
      epoch,
      here: inDiem(rightIn(slot, epoch)),
      contract: inDiem(scan.viewed.current),
      service: told && { credit: told.now, wei: null },
    },
    {
      name: words.tomorrow,
      epoch: epoch + 1,
      here: inDiem(slot.next),
      contract: inDiem(scan.viewed.next),
      service: told && { credit: told.next, wei: null },
    },
  ];
  return (
    <table className="three">
      <caption>{words.result(String(scan.head.block))}</caption>
      <thead>
        <tr>
          <td />
          <th scope="col">{words.here}</th>
          <th scope="col">{words.contract}</th>
          <th scope="col">{words.service}</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.name}>
            <th scope="row">
              {row.name}
              <span className="exact">{day(row.epoch)}</span>
            </th>
            <Cell name={words.here} figure={row.here} />
            <Cell name={words.contract} figure={row.contract} />
            <Cell name={words.service} figure={row.service} />
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Cell({ name, figure }: { name: string; figure: Figure }) {
  return (
    <td data-name={name}>
      {figure === null ? (
        <span className="quiet">{words.noAnswer}</span>
      ) : (
        <span>
          <span className="money">{dollars(figure.credit, 9)}</span>
          {figure.wei !== null && <span className="exact">{words.diem(figure.wei)}</span>}
        </span>
      )}
    </td>
  );
}

/** Everything the contract stated of the wallet, which is all that the result rests on. */
export function AllowanceLog({ scan }: { scan: Scan }) {
  const { breaks } = foldStated(scan.stated);
  const newest = [...scan.stated].reverse().slice(0, LONGEST_LOG);
  const range = [String(settings.chain.startBlock), String(scan.head.block)] as const;
  return (
    <details>
      <summary>{texts.verify.how}</summary>
      <p className="small">{words.readBlocks(...range, scan.requests, scan.stated.length)}</p>
      {newest.length === 0 ? (
        <p>{words.none}</p>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        <section className="scroll log" tabIndex={0} aria-label={words.caption}>
          <table>
            <caption>{words.caption}</caption>
            <thead>
              <tr>
                <th scope="col">{words.block}</th>
                <th scope="col">{words.day}</th>
                <th scope="col" className="number">
                  {words.today}, DIEM
                </th>
                <th scope="col" className="number">
                  {words.tomorrow}, DIEM
                </th>
              </tr>
            </thead>
            <tbody>
              {newest.map((each) => (
                <tr key={`${each.block}-${each.logIndex}`}>
                  <td>{String(each.block)}</td>
                  <td className="nowrap">
                    {day(each.epoch)} {breaks.includes(each) && <strong>{words.contradicts}</strong>}
                  </td>
                  <td className="number">{exactTokens(each.current)}</td>
                  <td className="number">{exactTokens(each.next)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
      {scan.stated.length > LONGEST_LOG && (
        <p className="small quiet">{words.more(scan.stated.length - LONGEST_LOG)}</p>
      )}
      <p className="small quiet">{words.command}</p>
      <pre>entitlement verify --epoch N --rpc URL --file F</pre>
    </details>
  );
}
