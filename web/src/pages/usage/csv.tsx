import { useState } from "react";
import { usageTable } from "../../api/own";
import { useSession } from "../../api/session";
import { explain } from "../../chain/errors";
import { day } from "../../core/epochs";
import type { Analytics } from "../../core/usage";
import { texts } from "../../texts/en";
import { Notice } from "../../ui/basics";
import { download } from "../../ui/download";

/** All requests of the days that are looked at, as a file. */
export function CsvButton({ of: data }: { of: Analytics | undefined }) {
  const words = texts.usage;
  const { noteRefusal } = useSession();
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const fetchTable = async () => {
    if (data === undefined) return;
    setBusy(true);
    setError(null);
    try {
      const table = await usageTable(data.first, data.last);
      download(words.csvName(day(data.first), day(data.last)), "text/csv", table);
    } catch (failure) {
      noteRefusal(failure);
      setError(failure);
    } finally {
      setBusy(false);
    }
  };
  return (
    <div className="stack">
      <button type="button" disabled={data === undefined || isBusy} aria-busy={isBusy} onClick={fetchTable}>
        {isBusy ? words.csvBusy : words.csv}
      </button>
      {error !== null && <Notice tone="bad">{explain(error)}</Notice>}
    </div>
  );
}
