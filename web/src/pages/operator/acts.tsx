import { useActs } from "../../api/operating";
import { moment } from "../../core/epochs";
import { texts } from "../../texts/en";
import { Commands, Part, Wide } from "./parts";

const words = texts.operator.acts;

/** Whatever was done by hand: who, what, why and when. */
export function Acts() {
  const asked = useActs();
  return (
    <Part title={words.title} asked={asked}>
      {(found) => {
        const acts = found.pages.flatMap((page) => page.acts);
        return (
          <>
            <p className="quiet">{words.lead}</p>
            {acts.length === 0 ? (
              <p>{words.none}</p>
            ) : (
              <Wide name={words.caption}>
                <table>
                  <caption>{words.caption}</caption>
                  <thead>
                    <tr>
                      <th scope="col">{words.when}</th>
                      <th scope="col">{words.what}</th>
                      <th scope="col">{words.who}</th>
                      <th scope="col">{words.why}</th>
                    </tr>
                  </thead>
                  <tbody>
                    {acts.map((act) => (
                      <tr key={act.id}>
                        <td className="nowrap">{moment(act.made_at)}</td>
                        <td>
                          <strong>{act.kind}</strong> <span className="mono">{act.subject}</span>
                          <span className="quiet small"> {told(act.figures)}</span>
                        </td>
                        <td>{act.made_by}</td>
                        <td>{act.reason}</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </Wide>
            )}
            {asked.hasNextPage && (
              <div>
                <button
                  type="button"
                  disabled={asked.isFetchingNextPage}
                  onClick={() => asked.fetchNextPage()}
                >
                  {words.older}
                </button>
              </div>
            )}
            <Commands commands={words.commands} />
          </>
        );
      }}
    </Part>
  );
}

function told(figures: Record<string, string>): string {
  return Object.entries(figures)
    .map(([name, value]) => `${name} ${value}`)
    .join(", ");
}
