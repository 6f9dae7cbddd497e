import { useId, useState } from "react";
import { useDay } from "../../api/own";
import { explain } from "../../chain/errors";
import { day, moment } from "../../core/epochs";
import { dollars } from "../../core/units";
import { type Analytics, charged, type UsageRecord } from "../../core/usage";
import { texts } from "../../texts/en";
import { Dialog, Notice, Panel, Waiting } from "../../ui/basics";
import type { NameOf } from "../usage";
import { WhyOf } from "./why";

const ON_A_PAGE = 25;
const ANY = "";
/** One request costs so little that cents would say nothing. */
const PLACES = 6;

/** The requests that were charged on a day, newest first, by pages, of one key or model or of all. */
export function Requests({ of: data, nameOf }: { of: Analytics | undefined; nameOf: NameOf }) {
  const words = texts.usage;
  const active = (data?.byDay ?? []).flatMap(({ epoch }) => (epoch === null ? [] : [epoch])).reverse();
  const [chosen, setChosen] = useState<number | null>(null);
  const epoch = chosen !== null && active.includes(chosen) ? chosen : (active[0] ?? null);
  const { data: found, error, hasNextPage: hasOlder, fetchNextPage, isFetchingNextPage } = useDay(epoch);
  const [keyId, setKey] = useState(ANY);
  const [model, setModel] = useState(ANY);
  const [page, setPage] = useState(0);
  const [asked, setAsked] = useState<string | null>(null);

  const all = found ?? [];
  const fitting = all.filter(
    (each) => (keyId === ANY || each.keyId === keyId) && (model === ANY || (each.model ?? "–") === model),
  );
  const last = Math.max(0, Math.ceil(fitting.length / ON_A_PAGE) - 1);
  const shown = Math.min(page, last);
  const from = shown * ON_A_PAGE;
  const to = Math.min(from + ON_A_PAGE, fitting.length);
  const goOlder = async () => {
    if (shown === last && hasOlder) await fetchNextPage();
    setPage(shown + 1);
  };
  const choose = <T,>(set: (value: T) => void) => {
    return (value: T) => {
      set(value);
      setPage(0);
    };
  };

  return (
    <Panel title={words.each}>
      {data !== undefined && epoch === null && <p className="quiet">{words.nothing}</p>}
      {error !== null && <Notice tone="bad">{explain(error)}</Notice>}
      {epoch !== null && (
        <div className="stack">
          <div className="pair">
            <Select
              label={words.of}
              value={String(epoch)}
              of={active.map((each) => [String(each), day(each)])}
              onChoice={choose((value: string) => setChosen(Number(value)))}
            />
            <Select
              label={words.key}
              value={keyId}
              of={[
                [ANY, words.allKeys],
                ...(data?.byKey ?? []).flatMap(({ name: id }): [string, string][] =>
                  id === null ? [] : [[id, nameOf(id) ?? words.goneKey(id)]],
                ),
              ]}
              onChoice={choose(setKey)}
            />
            <Select
              label={words.model}
              value={model}
              of={[
                [ANY, words.allModels],
                ...(data?.byModel ?? []).map(({ name }): [string, string] => [name ?? "–", name ?? "–"]),
              ]}
              onChoice={choose(setModel)}
            />
          </div>
          {found === undefined && error === null && <Waiting width={24} />}
          {found !== undefined && fitting.length === 0 && (
            <p className="quiet">
              {all.length === 0
                ? words.noneThen
                : hasOlder
                  ? words.noneSuchYet(String(all.length))
                  : words.noneSuch}
            </p>
          )}
          {fitting.length > 0 && (
            <Table records={fitting.slice(from, from + ON_A_PAGE)} nameOf={nameOf} onWhy={setAsked} />
          )}
          {(fitting.length > ON_A_PAGE || hasOlder) && (
            <div className="row apart">
              <span className="small quiet number">
                {fitting.length > 0 &&
                  (hasOlder ? words.pageSoFar(from + 1, to) : words.page(from + 1, to, fitting.length))}
              </span>
              <div className="row">
                <button
                  type="button"
                  className="tiny"
                  disabled={from === 0}
                  onClick={() => setPage(shown - 1)}
                >
                  {words.newer}
                </button>
                <button
                  type="button"
                  className="tiny"
                  disabled={(shown === last && !hasOlder) || isFetchingNextPage}
                  onClick={goOlder}
                >
                  {words.older}
                </button>
              </div>
            </div>
          )}
        </div>
      )}
      <Dialog title={words.whyTitle} open={asked !== null} onClose={() => setAsked(null)}>
        {asked !== null && <WhyOf requestId={asked} nameOf={nameOf} />}
      </Dialog>
    </Panel>
  );
}

function Table({
  records,
  nameOf,
  onWhy,
}: {
  records: readonly UsageRecord[];
  nameOf: NameOf;
  onWhy: (requestId: string) => void;
}) {
  const words = texts.usage;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by the keyboard
    <section className="scroll" tabIndex={0} aria-label={words.each}>
      <table className="requests">
        <thead>
          <tr>
            <th scope="col">{words.time}</th>
            <th scope="col">{words.key}</th>
            <th scope="col">{words.model}</th>
            <th scope="col" className="number">
              {words.read}
            </th>
            <th scope="col" className="number">
              {words.written}
            </th>
            <th scope="col" className="number">
              {words.images}
            </th>
            <th scope="col" className="number">
              {words.latency}
            </th>
            <th scope="col" className="number">
              {words.status}
            </th>
            <th scope="col" className="number">
              {words.sum}
            </th>
            <th scope="col">
              <span className="hidden-visually">{words.why}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {records.map((each) => (
            <tr key={`${each.holdId}:${each.number}`}>
              <td className="nowrap number-left">{secondOf(each.at)}</td>
              <td>
                <bdi>{nameOf(each.keyId) ?? words.goneKey(each.keyId)}</bdi>
              </td>
              <td>
                <bdi>{each.model ?? "–"}</bdi>
              </td>
              <td className="number">{each.inputTokens ?? "–"}</td>
              <td className="number">{each.outputTokens ?? "–"}</td>
              <td className="number">{each.images ?? "–"}</td>
              <td className="number">{each.latencyMs === null ? "–" : words.ms(each.latencyMs)}</td>
              <td className="number">{each.status ?? "–"}</td>
              <td className="number">{dollars(charged(each), PLACES)}</td>
              <td>
                <button type="button" className="plain" onClick={() => onWhy(each.requestId)}>
                  {words.why}
                  <span className="hidden-visually"> {each.requestId}</span>
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** `14:05:09` */
function secondOf(timestamp: number): string {
  return `${moment(timestamp).slice(11, 16)}:${String(timestamp % 60).padStart(2, "0")}`;
}

function Select({
  label,
  value,
  of,
  onChoice,
}: {
  label: string;
  value: string;
  of: readonly (readonly [string, string])[];
  onChoice: (value: string) => void;
}) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <select id={id} value={value} onChange={(event) => onChoice(event.target.value)}>
        {of.map(([each, told]) => (
          <option key={each} value={each}>
            {told}
          </option>
        ))}
      </select>
    </div>
  );
}
