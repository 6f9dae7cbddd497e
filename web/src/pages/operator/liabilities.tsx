import { useLiabilities } from "../../api/operating";
import { day } from "../../core/epochs";
import { basisPoints, dollars, percent, tokens, usdc } from "../../core/units";
import type { LiabilitiesOut, VaultOut } from "../../generated/api";
import { texts } from "../../texts/en";
import { AddressText, Notice, Tile } from "../../ui/basics";
import { BarPlot, ticksUpTo } from "../../ui/plots";
import { Commands, Part, Stale, Wide } from "./parts";

const words = texts.operator.liabilities;
const NANO_PER_USDC_UNIT = 1_000n;
const COLUMNS = ["granted", "spent", "held", "expired", "outstanding"] as const;

const sum = (texts: readonly string[]) => texts.reduce((total, each) => total + BigInt(each), 0n);

/** What is owed, by what it came from, against what is held. */
export function Liabilities() {
  const asked = useLiabilities();
  return (
    <Part title={words.title} asked={asked}>
      {(found) => (
        <>
          <Stale read={{ ...found, time: found.made_at }} />
          <Cover found={found} />
          <Owed found={found} />
          <Today found={found} />
          {found.usdc === null ? (
            <Notice tone="warn">
              {words.noUsdc} {found.usdc_problem}
            </Notice>
          ) : (
            <Holdings vault={found.usdc} />
          )}
          <Days found={found} />
          <Commands commands={words.commands} />
        </>
      )}
    </Part>
  );
}

function Cover({ found }: { found: LiabilitiesOut }) {
  const owed = sum(found.owed.filter((each) => each.source === "prepaid").map((each) => each.outstanding));
  const held = found.usdc && sum(found.usdc.holdings.map((each) => each.amount));
  const note =
    held === null
      ? ""
      : owed === 0n
        ? words.nothingOwed
        : words.cover(percent(basisPoints(held * NANO_PER_USDC_UNIT, owed)));
  return (
    <div className="tiles">
      <Tile name={words.prepaid} value={dollars(owed)} note={words.prepaidNote} />
      <Tile name={words.held} value={held === null ? words.notRead : `${usdc(held)} USDC`} note={note} />
      <Tile
        name={words.staked}
        value={tokens(BigInt(found.diem_staked))}
        note={words.stakedNote(dollars(BigInt(found.diem_staked) / 10n ** 9n))}
      />
    </div>
  );
}

function Owed({ found }: { found: LiabilitiesOut }) {
  return (
    <Wide name={words.standing}>
      <table>
        <caption>{words.standing}</caption>
        <thead>
          <tr>
            <th scope="col">{words.source}</th>
            {COLUMNS.map((column) => (
              <th key={column} scope="col" className="number">
                {words.columns[column]}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {found.owed.map((each) => (
            <tr key={each.source}>
              <th scope="row">{sourceName(each.source)}</th>
              {COLUMNS.map((column) => (
                <td key={column} className="number">
                  {dollars(BigInt(each[column]))}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row">{words.sum}</th>
            {COLUMNS.map((column) => (
              <td key={column} className="number">
                {dollars(sum(found.owed.map((each) => each[column])))}
              </td>
            ))}
          </tr>
        </tfoot>
      </table>
    </Wide>
  );
}

function Today({ found }: { found: LiabilitiesOut }) {
  const columns = ["granted", "spent", "expired"] as const;
  if (found.day.length === 0) return null;
  return (
    <Wide name={words.today(day(found.epoch))}>
      <table>
        <caption>{words.today(day(found.epoch))}</caption>
        <thead>
          <tr>
            <th scope="col">{words.source}</th>
            {columns.map((column) => (
              <th key={column} scope="col" className="number">
                {words.columns[column]}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {found.day.map((each) => (
            <tr key={each.source}>
              <th scope="row">{sourceName(each.source)}</th>
              {columns.map((column) => (
                <td key={column} className="number">
                  {dollars(BigInt(each[column]))}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Wide>
  );
}

function Holdings({ vault }: { vault: VaultOut }) {
  return (
    <>
      <Stale read={{ ...vault, time: vault.block_time }} />
      <Wide name={words.holdings(String(vault.block))}>
        <table>
          <caption>{words.holdings(String(vault.block))}</caption>
          <thead>
            <tr>
              <th scope="col">{words.what}</th>
              <th scope="col">{words.holder}</th>
              <th scope="col" className="number">
                USDC
              </th>
            </tr>
          </thead>
          <tbody>
            {vault.holdings.map((each) => (
              <tr key={`${each.what}-${each.holder}`}>
                <th scope="row">{each.what}</th>
                <td>
                  <AddressText address={each.holder} />
                </td>
                <td className="number">{usdc(BigInt(each.amount))}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Wide>
    </>
  );
}

function Days({ found }: { found: LiabilitiesOut }) {
  const days = [...found.statements].reverse();
  if (days.length === 0) return <p className="quiet small">{words.noDays}</p>;
  const bars = days.map((each) => {
    const byChain = each.day.filter(({ source }) => source === "diem" || source === "pro_rata");
    const bought = each.day.filter(({ source }) => source !== "diem" && source !== "pro_rata");
    const values = [sum(byChain.map(({ spent }) => spent)), sum(bought.map(({ spent }) => spent))] as const;
    return {
      label: day(each.epoch).slice(5),
      values,
      told: words.bar(day(each.epoch), dollars(values[0]), dollars(values[1])),
    };
  });
  const most = bars.reduce((best, { values: [one, other] }) => (one + other > best ? one + other : best), 0n);
  return (
    <figure className="stack">
      <figcaption className="legend">
        {words.plot}
        <span>{words.byChain}</span>
        <span className="second">{words.bought}</span>
      </figcaption>
      <BarPlot title={words.plot} bars={bars} beside={ticksUpTo(most, (value) => dollars(value))} />
      <details>
        <summary>{words.asTable}</summary>
        <ul className="plain small number">
          {bars.map((bar) => (
            <li key={bar.label}>{bar.told}</li>
          ))}
        </ul>
      </details>
    </figure>
  );
}

function sourceName(source: string): string {
  return (words.sources as Record<string, string>)[source] ?? source;
}
