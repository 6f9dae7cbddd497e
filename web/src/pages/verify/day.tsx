import { useId, useState } from "react";
import type { Opened } from "../../core/account_proof";
import { day } from "../../core/epochs";
import { texts } from "../../texts/en";
import { Panel } from "../../ui/basics";
import { useDays } from "./asking";
import { FileCheck } from "./file";
import { whyNot } from "./parts";
import { ProofCheck } from "./proof";

const words = texts.verify.day;

/** A day that is over: the owner's own proof, and the file of everybody. */
export function DayCheck() {
  const { data, isPending, error } = useDays();
  const [picked, setPicked] = useState<number | null>(null);
  const [opened, setOpened] = useState<Opened | null>(null);
  const id = useId();
  const days = data?.epochs ?? [];
  const epoch = picked ?? days[0]?.epoch ?? null;
  return (
    <Panel title={words.title}>
      <div className="stack">
        <p className="lead">{words.lead}</p>
        <div className="ask">
          <div className="field narrow">
            <label htmlFor={id}>{words.pick}</label>
            <select
              id={id}
              value={epoch ?? ""}
              disabled={days.length === 0}
              onChange={(event) => setPicked(Number(event.target.value))}
            >
              {epoch === null && <option value="">{isPending ? texts.loading : "–"}</option>}
              {days.map((each) => (
                <option key={each.epoch} value={each.epoch}>
                  {each.block === null ? words.notOnChain(day(each.epoch)) : day(each.epoch)}
                </option>
              ))}
            </select>
          </div>
        </div>
        {error !== null && <p role="alert">{whyNot(error)}</p>}
        {data !== undefined && days.length === 0 && <p className="quiet">{words.none}</p>}
        <div className="halves">
          <ProofCheck epoch={epoch} onOpened={setOpened} />
          <FileCheck key={epoch} epoch={epoch} opened={opened} />
        </div>
      </div>
    </Panel>
  );
}
