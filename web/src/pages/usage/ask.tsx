import { type FormEvent, useId, useState } from "react";
import { texts } from "../../texts/en";
import { Panel } from "../../ui/basics";
import type { NameOf } from "../usage";
import { WhyOf } from "./why";

const LONGEST_ID = 128;

/** Why a request was charged or refused, by the id that the gateway answered with. */
export function AskWhy({ nameOf }: { nameOf: NameOf }) {
  const words = texts.usage;
  const id = useId();
  const [text, setText] = useState("");
  const [asked, setAsked] = useState<string | null>(null);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (text.trim() !== "") setAsked(text.trim());
  };
  return (
    <Panel title={words.ask}>
      <p className="quiet">{words.askLead}</p>
      <form className="row address" onSubmit={submit}>
        <div className="field">
          <label htmlFor={id}>{words.id}</label>
          <input
            id={id}
            className="mono"
            autoComplete="off"
            spellCheck={false}
            maxLength={LONGEST_ID}
            placeholder="req_…"
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        </div>
        <button type="submit" disabled={text.trim() === ""}>
          {words.askNow}
        </button>
      </form>
      {asked !== null && (
        <div className="answer" aria-live="polite">
          <WhyOf requestId={asked} nameOf={nameOf} />
        </div>
      )}
    </Panel>
  );
}
