import "./forms.css";
import "./data.css";
import { useState } from "react";
import type { Deleted } from "../api/data";
import { useSession } from "../api/session";
import { texts } from "../texts/en";
import { PageHeading, Panel } from "../ui/basics";
import { NeedsSession } from "../ui/gates";
import { DeleteData, Gone } from "./data/delete";
import { TakeData } from "./data/take";

export default function Data() {
  // Above what needs a session: deleting ends that.
  const [gone, setGone] = useState<Deleted | null>(null);
  return (
    <>
      <PageHeading title={texts.nav.data}>{texts.data.lead}</PageHeading>
      {gone !== null && <Gone of={gone} />}
      <Kept />
      <NeedsSession>
        <div className="columns">
          <TakeData />
          <EndSession />
        </div>
        <DeleteData onGone={setGone} />
      </NeedsSession>
    </>
  );
}

/** What is kept, group by group, as docs/data-inventory.md has it column by column. */
function Kept() {
  const words = texts.data;
  return (
    <Panel title={words.kept}>
      <p>{words.keptLead}</p>
      <dl className="groups">
        {words.groups.map((group) => (
          <div key={group.name}>
            <dt>{group.name}</dt>
            <dd>{group.fields}</dd>
            <dd className="small quiet">
              <span className="label">{words.why}</span> {group.why}
            </dd>
            <dd className="small quiet">
              <span className="label">{words.long}</span> {group.long}
            </dd>
          </div>
        ))}
      </dl>
      <p className="quiet">{words.chain}</p>
      <p className="quiet">{words.browser}</p>
    </Panel>
  );
}

function EndSession() {
  const words = texts.data;
  const { signOut } = useSession();
  return (
    <Panel title={words.sessions}>
      <p className="quiet">{words.sessionsLead}</p>
      <button type="button" onClick={() => signOut()}>
        {texts.session.signOut}
      </button>
    </Panel>
  );
}
