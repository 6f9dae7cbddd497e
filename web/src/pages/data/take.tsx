import { useExport } from "../../api/data";
import { useSession } from "../../api/session";
import { explain } from "../../chain/errors";
import { texts } from "../../texts/en";
import { Notice, Panel } from "../../ui/basics";
import { download } from "../../ui/download";

/** Everything that is kept of the account, as a file. */
export function TakeData() {
  const words = texts.data;
  const { session } = useSession();
  const exported = useExport();
  const take = () =>
    exported.mutate(undefined, {
      onSuccess: (content) => download(words.exportName(session?.wallet ?? ""), "application/json", content),
    });
  return (
    <Panel title={words.take}>
      <p className="quiet">{words.takeLead}</p>
      <div className="stack">
        <div>
          <button type="button" disabled={exported.isPending} aria-busy={exported.isPending} onClick={take}>
            {exported.isPending ? words.exporting : words.export}
          </button>
        </div>
        {exported.isSuccess && <Notice tone="good">{words.exported}</Notice>}
        {exported.error !== null && <Notice tone="bad">{explain(exported.error)}</Notice>}
      </div>
    </Panel>
  );
}
