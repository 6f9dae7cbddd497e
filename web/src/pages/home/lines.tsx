import type { ReactNode } from "react";
import { Waiting } from "../../ui/basics";

/** Keeps the height of words that are on their way. */
export const BLANK = "\u00a0";

/** Figures under each other: a name, what there is of it, and a few words about it. */
export function Lines({ children }: { children: ReactNode }) {
  return <dl className="lines">{children}</dl>;
}

/** One of them. While it is not known its place is kept. */
export function Line({
  name,
  value,
  note,
  isPart = false,
}: {
  name: string;
  value: string | undefined;
  note?: ReactNode;
  /** Whether it is a part of the line above. */
  isPart?: boolean;
}) {
  return (
    <div className={isPart ? "line part" : "line"}>
      <dt>
        {name}
        {note !== undefined && <span className="note">{note}</span>}
      </dt>
      <dd className="number">{value ?? <Waiting />}</dd>
    </div>
  );
}
