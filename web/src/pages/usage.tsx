import "./forms.css";
import "./usage.css";
import { useState } from "react";
import { Link } from "wouter";
import { useAnalytics, useKeys } from "../api/own";
import { explain } from "../chain/errors";
import { dollars, show } from "../core/units";
import { type Analytics, charged } from "../core/usage";
import { texts } from "../texts/en";
import { Notice, PageHeading, Panel, Tile } from "../ui/basics";
import { NeedsSession } from "../ui/gates";
import { AskWhy } from "./usage/ask";
import { CsvButton } from "./usage/csv";
import { ByDay } from "./usage/days";
import { Ranked } from "./usage/ranked";
import { Requests } from "./usage/requests";

const LOOKBACKS = [7, 30, 90] as const;

export default function Usage() {
  return (
    <>
      <PageHeading title={texts.nav.usage}>{texts.usage.lead}</PageHeading>
      <NeedsSession>
        <OwnUsage />
      </NeedsSession>
      <Kept />
    </>
  );
}

/** A key's name by its id; null for one that is gone. */
export type NameOf = (id: string) => string | null;

function OwnUsage() {
  const words = texts.usage;
  const [days, setDays] = useState<number>(LOOKBACKS[0]);
  const { data, error } = useAnalytics(days);
  const { data: keys } = useKeys();
  const nameOf: NameOf = (id) => keys?.find((key) => key.id === id)?.description ?? null;
  return (
    <>
      <div className="row apart">
        <fieldset className="choice">
          <legend className="hidden-visually">{words.lookback}</legend>
          {LOOKBACKS.map((each) => (
            <button
              key={each}
              type="button"
              className="tiny"
              aria-pressed={each === days}
              onClick={() => setDays(each)}
            >
              {words.lookbacks(each)}
            </button>
          ))}
        </fieldset>
        <CsvButton of={data} />
      </div>
      {error !== null && <Notice tone="bad">{explain(error)}</Notice>}
      <Totals of={data} />
      <ByDay of={data} />
      <div className="columns">
        <Ranked
          title={words.byModel}
          column={words.model}
          sums={data?.byModel}
          told={(name) => name ?? words.noModel}
        />
        <Ranked
          title={words.byKey}
          column={words.key}
          sums={data?.byKey}
          told={(id) => (id === null ? words.noModel : (nameOf(id) ?? words.goneKey(id)))}
        />
      </div>
      <Requests of={data} nameOf={nameOf} />
      <AskWhy nameOf={nameOf} />
    </>
  );
}

function Totals({ of: data }: { of: Analytics | undefined }) {
  const words = texts.usage;
  const sum = (pick: (each: Analytics["byDay"][number]) => bigint) =>
    data?.byDay.reduce((total, each) => total + pick(each), 0n);
  const count = (value: bigint | undefined) => (value === undefined ? undefined : show(value, 0, 0));
  const requests = count(sum((each) => BigInt(each.requests)));
  const read = count(sum((each) => BigInt(each.inputTokens)));
  const written = count(sum((each) => BigInt(each.outputTokens)));
  const images = sum((each) => BigInt(each.images));
  const money = (value: bigint | undefined) => (value === undefined ? undefined : dollars(value));
  return (
    <section className="tiles" aria-label={words.total}>
      <Tile
        name={words.total}
        value={money(sum(charged))}
        note={requests === undefined ? " " : words.totalNote(requests)}
      />
      <Tile name={words.fromDiem} value={money(sum((each) => each.diem))} />
      <Tile name={words.fromUsd} value={money(sum((each) => each.usd))} />
      <Tile
        name={words.tokens}
        value={read === undefined || written === undefined ? undefined : words.tokensOf(read, written)}
        note={words.tokensNote}
      />
      {images !== undefined && images > 0n && <Tile name={words.images} value={count(images)} />}
    </section>
  );
}

/** What is kept of a request, field by field: docs/data-inventory.md has every column. */
function Kept() {
  const words = texts.usage;
  return (
    <Panel title={words.kept}>
      <p>{words.keptLead}</p>
      <dl className="kept">
        {words.keptFields.map((field) => (
          <div key={field.name}>
            <dt>{field.name}</dt>
            <dd className="quiet">{field.what}</dd>
          </div>
        ))}
      </dl>
      <p className="quiet">{words.keptNot}</p>
      <p>
        <Link href="/data">{words.keptMore}</Link>
      </p>
    </Panel>
  );
}
