import { useTimelock } from "../../api/operating";
import { moment } from "../../core/epochs";
import type { CallOut, PendingOut } from "../../generated/api";
import { texts } from "../../texts/en";
import { AddressText, Chip, type Tone, TransactionText } from "../../ui/basics";
import { Commands, inUnit, Part, Stale, Wide } from "./parts";

const words = texts.operator.timelock;
const ENDED = ["executed", "cancelled"];
const TONES: Record<PendingOut["operation"]["state"], Tone> = {
  waiting: "warn",
  ready: "good",
  executed: "plain",
  cancelled: "plain",
};

/** What waits before it may change the contracts: what each operation changes, and from when on. */
export function Timelock() {
  const asked = useTimelock();
  return (
    <Part title={words.title} asked={asked}>
      {(found) => {
        const open = found.operations.filter((each) => !ENDED.includes(each.operation.state));
        const ended = found.operations.filter((each) => ENDED.includes(each.operation.state));
        return (
          <>
            <Stale read={{ ...found.read, time: found.read.block_time }} />
            <p className="quiet">{words.lead(inUnit(found.delay.amount, found.delay.unit))}</p>
            {open.length === 0 && <p>{words.none}</p>}
            {open.map((each) => (
              <Operation key={each.operation.id} found={each} />
            ))}
            {ended.length > 0 && (
              <details>
                <summary>{words.ended(ended.length)}</summary>
                <div className="stack">
                  {ended.map((each) => (
                    <Operation key={each.operation.id} found={each} />
                  ))}
                </div>
              </details>
            )}
            <Commands commands={words.commands} />
          </>
        );
      }}
    </Part>
  );
}

function Operation({ found: { operation, changes } }: { found: PendingOut }) {
  const short = operation.id.slice(0, 12);
  const isOpen = !ENDED.includes(operation.state);
  return (
    <article className="operation stack">
      <div className="row apart">
        <h3 className="mono" title={operation.id}>
          {short}…
        </h3>
        <Chip tone={TONES[operation.state]}>{words.states[operation.state]}</Chip>
      </div>
      <p className="small">
        {words.scheduled(moment(operation.scheduled_at))} <TransactionText hash={operation.transaction} />
        {isOpen && <strong> {words.ready(moment(operation.ready_at))}</strong>}
        {operation.ended_at !== null && <> {words.endedAt(moment(operation.ended_at))}</>}
      </p>
      <ul className="plain small">
        {operation.calls.map((call, place) => (
          <li key={place}>
            <CallText call={call} />
          </li>
        ))}
      </ul>
      {changes.length > 0 && (
        <Wide name={words.changes}>
          <table className="changes">
            <caption>{words.changes}</caption>
            <thead>
              <tr>
                <th scope="col">{words.setting}</th>
                <th scope="col">{texts.act.now}</th>
                <th scope="col">{texts.act.after}</th>
              </tr>
            </thead>
            <tbody>
              {changes.map((change) => (
                <tr key={change.setting}>
                  <th scope="row">{change.setting}</th>
                  <td>{inUnit(change.now, change.unit)}</td>
                  <td className="after">{inUnit(change.then, change.unit)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Wide>
      )}
      {isOpen && (
        <Commands
          commands={[
            { what: words.execute, line: `entitlement admin execute ${short} --network NETWORK` },
            { what: words.cancel, line: `entitlement admin cancel ${short} --network NETWORK` },
          ]}
        />
      )}
    </article>
  );
}

function CallText({ call }: { call: CallOut }) {
  if (call.function === null) {
    return (
      <>
        <AddressText address={call.target} /> <code>{call.data}</code>
      </>
    );
  }
  const values = call.arguments.map((each) => `${each.name} ${each.value}`).join(", ");
  return (
    <code>
      {call.contract ?? call.target}.{call.function.split("(")[0]}({values})
    </code>
  );
}
