import { Link } from "wouter";
import { moment } from "../../core/epochs";
import { basisPoints, dailyCredit, dollars, percent, tokens } from "../../core/units";
import type { CreditOut } from "../../generated/api";
import { texts } from "../../texts/en";
import { Notice, PageHeading, Panel, Tile } from "../../ui/basics";
import { ConnectButton } from "../../ui/wallet";
import { usePublicCredit, usePublicFigures } from "./asking";
import { BLANK } from "./lines";

const words = texts.home;

/** What this is, for whoever comes: three steps, the live figures, and how to begin. */
export function Welcome() {
  return (
    <>
      <div className="hero">
        <PageHeading title={texts.tagline}>{words.lead}</PageHeading>
        <div className="row">
          <ConnectButton />
          <a className="button" href="/public">
            {words.allFigures}
          </a>
        </div>
        <p className="small quiet">{texts.wallet.nothingSent}</p>
      </div>
      <section aria-labelledby="steps-title">
        <h2 id="steps-title">{words.stepsTitle}</h2>
        <ol className="steps">
          {words.steps.map((step, index) => (
            <li key={step.title} className="panel">
              <span className="step" aria-hidden="true">
                {index + 1}
              </span>
              <h3>{step.title}</h3>
              <p>{step.text}</p>
            </li>
          ))}
        </ol>
      </section>
      <Figures />
      <Panel title={words.relyTitle}>
        <ul className="rely">
          {words.rely.map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ul>
        <p>
          <Link href="/verify">{words.relyVerify}</Link>
        </p>
      </Panel>
    </>
  );
}

/** The figures of the whole system, which need no wallet. */
function Figures() {
  const { data, isError } = usePublicFigures();
  const { data: credit } = usePublicCredit();
  const wei = (figure: { amount: string } | undefined) => BigInt(figure?.amount ?? 0);
  const known = <T,>(made: () => T): T | undefined => (data === undefined ? undefined : made());

  const staked = wei(data?.supply.staked_unlocked) + wei(data?.supply.locked_for_diem);
  const share = (part: bigint, whole: bigint) => percent(basisPoints(part, whole));
  const day = lastDay(credit);
  return (
    <section aria-labelledby="figures-title">
      <h2 id="figures-title">{words.figuresTitle}</h2>
      {isError && data === undefined && <Notice tone="warn">{words.figuresAway}</Notice>}
      <div className="tiles figures">
        <Tile
          name={words.creditADay}
          value={known(() => dollars(dailyCredit(wei(data?.diem.staked))))}
          note={
            known(() => words.creditADayNote(share(wei(data?.diem.staked), wei(data?.diem.supply)))) ?? BLANK
          }
        />
        <Tile
          name={words.diemLocks}
          value={known(() => `${tokens(wei(data?.diem.mint_rate), 2)} VVV`)}
          note={words.diemLocksNote}
        />
        <Tile
          name={words.earns}
          value={known(() => share(wei(data?.emission.a_year), staked))}
          note={words.earnsNote}
        />
        <Tile
          name={words.staked}
          value={known(() => tokens(staked, 0))}
          note={known(() => words.stakedNote(share(staked, wei(data?.supply.effective)))) ?? BLANK}
        />
        <Tile
          name={words.burned}
          value={known(() => tokens(wei(data?.supply.burned), 0))}
          note={
            known(() => words.burnedNote(share(wei(data?.supply.burned), wei(data?.supply.minted_ever)))) ??
            BLANK
          }
        />
        {day === null ? (
          <Tile
            name={words.honouredNone}
            value={credit === undefined ? undefined : words.honouredNoneValue}
            note={words.honouredNoneNote}
          />
        ) : (
          <Tile
            name={words.honoured(day.name)}
            value={dollars(day.spent)}
            note={words.honouredNote(dollars(day.granted))}
          />
        )}
      </div>
      <p className="small quiet figures-at">
        {data === undefined
          ? BLANK
          : words.figuresAt(String(data.supply.read.block), moment(data.supply.read.block_time))}
      </p>
    </section>
  );
}

/** The newest day that is over on which there was credit, in nano-dollars of all sources. */
function lastDay(credit: CreditOut | undefined): { name: string; granted: bigint; spent: bigint } | null {
  const day = credit?.days.at(-1);
  if (day === undefined) return null;
  const sum = (of: "granted" | "spent") => day.sources.reduce((total, each) => total + BigInt(each[of]), 0n);
  return { name: moment(day.starts_at).slice(0, 10), granted: sum("granted"), spent: sum("spent") };
}
