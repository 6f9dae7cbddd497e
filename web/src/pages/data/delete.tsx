import { type FormEvent, useId, useState } from "react";
import { isAddress, isAddressEqual } from "viem";
import { type Deleted, useDeleteData } from "../../api/data";
import { useSession } from "../../api/session";
import { explain } from "../../chain/errors";
import { show } from "../../core/units";
import { texts } from "../../texts/en";
import { Notice, Panel } from "../../ui/basics";

/** Delete what can be: said beforehand, and done once the owner has named the wallet. */
export function DeleteData({ onGone }: { onGone: (gone: Deleted) => void }) {
  const words = texts.data;
  const id = useId();
  const { session, signOut } = useSession();
  const remove = useDeleteData();
  const [typed, setTyped] = useState("");
  const name = typed.trim();
  const isNamed =
    session !== null && isAddress(name, { strict: false }) && isAddressEqual(name, session.wallet);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!isNamed || remove.isPending) return;
    remove.mutate(name, {
      onSuccess: (gone) => {
        onGone(gone);
        // The service has ended it already; this page has to forget it too.
        signOut();
      },
    });
  };
  return (
    <Panel title={words.delete}>
      <p className="quiet">{words.deleteLead}</p>
      <div className="columns">
        <Said title={words.goes} lines={words.goesList} />
        <Said title={words.stays} lines={words.staysList} />
      </div>
      <form className="stack confirm" onSubmit={submit}>
        <Notice tone="warn">{words.open}</Notice>
        <div className="field">
          <label htmlFor={id}>{words.type(session?.wallet ?? "")}</label>
          <input
            id={id}
            className="mono"
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            placeholder="0x…"
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
          />
        </div>
        {remove.error !== null && <Notice tone="bad">{explain(remove.error)}</Notice>}
        <div>
          <button
            type="submit"
            className="danger"
            disabled={!isNamed || remove.isPending}
            aria-busy={remove.isPending}
          >
            {remove.isPending ? words.acting : words.act}
          </button>
        </div>
      </form>
    </Panel>
  );
}

function Said({ title, lines }: { title: string; lines: readonly string[] }) {
  return (
    <div>
      <h3>{title}</h3>
      <ul className="said">
        {lines.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
    </div>
  );
}

/** What the service says that it deleted, and what it kept. */
export function Gone({ of: gone }: { of: Deleted }) {
  const words = texts.data;
  return (
    <Panel title={words.gone}>
      <Notice tone="good">{words.signedOut}</Notice>
      <div className="columns after">
        <table>
          <thead>
            <tr>
              <th scope="col">{words.group}</th>
              <th scope="col" className="number">
                {words.rows}
              </th>
            </tr>
          </thead>
          <tbody>
            {gone.rows.map((row) => (
              <tr key={row.what}>
                <th scope="row">{row.what}</th>
                <td className="number">{show(BigInt(row.count), 0, 0)}</td>
              </tr>
            ))}
          </tbody>
        </table>
        <div>
          <h3>{words.stayed}</h3>
          <dl className="stayed">
            {gone.kept.map((each) => (
              <div key={each.what}>
                <dt>{each.what}</dt>
                <dd className="small quiet">{each.why}</dd>
              </div>
            ))}
          </dl>
        </div>
      </div>
    </Panel>
  );
}
