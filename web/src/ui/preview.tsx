import { useNow } from "../chain/reading";
import { localMoment, moment, stretch } from "../core/epochs";
import { texts } from "../texts/en";

/** One figure that an act changes, as it is and as it will be, in words. */
export type Change = { name: string; now: string; after: string };
/** Something that comes later: its words and the Unix time. */
export type Wait = { name: string; at: number };

/** What changes, line by line. */
export function Changes({ changes }: { changes: readonly Change[] }) {
  return (
    <table className="changes">
      <caption>{texts.act.preview}</caption>
      <thead>
        <tr>
          <th scope="col">
            <span className="hidden-visually">{texts.act.preview}</span>
          </th>
          <th scope="col" className="number">
            {texts.act.now}
          </th>
          <th scope="col" className="number">
            {texts.act.after}
          </th>
        </tr>
      </thead>
      <tbody>
        {changes.map((change) => (
          <tr key={change.name}>
            <th scope="row">{change.name}</th>
            <td className="number quiet">{change.now}</td>
            <td className="number after">{change.after}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** What comes later, in the reader's own time, in UTC, and from now. */
export function Waits({ waits }: { waits: readonly Wait[] }) {
  const now = useNow();
  return (
    <dl className="waits" aria-label={texts.act.waits}>
      {waits.map((wait) => (
        <div key={wait.name}>
          <dt>{wait.name}</dt>
          <dd>
            <strong>{localMoment(wait.at, texts.language)}</strong>
            <span className="quiet">
              {moment(wait.at)} · {texts.act.inTime(stretch(wait.at - now))}
            </span>
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** What can go wrong, and what is otherwise to be known before signing. */
export function Risks({ risks }: { risks: readonly string[] }) {
  return (
    <details className="to-know" open>
      <summary>{texts.act.risks}</summary>
      <ul className="risks">
        {risks.map((risk) => (
          <li key={risk}>{risk}</li>
        ))}
      </ul>
    </details>
  );
}
