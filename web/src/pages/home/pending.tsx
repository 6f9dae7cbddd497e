import { pendingIn } from "../../core/pending";
import { tokens } from "../../core/units";
import type { WalletOut } from "../../generated/api";
import { texts } from "../../texts/en";
import { Panel } from "../../ui/basics";

const words = texts.home;

/** What has happened to the wallet that the chain could still take back; nothing where all is final. */
export function Pending({ followed }: { followed: WalletOut | undefined }) {
  if (followed === undefined) return null;
  const pending = pendingIn(followed.position, followed.final_position);
  if (pending.length === 0) return null;
  return (
    <Panel title={words.pendingTitle}>
      <p className="quiet">{words.pending(String(followed.final_block), String(followed.latest_block))}</p>
      <ul className="pending">
        {pending.map(({ field, change }) => (
          <li key={field} className="number">
            {change > 0n
              ? words.pendingMore(tokens(change), words.pendingWhat[field])
              : words.pendingLess(tokens(-change), words.pendingWhat[field])}
          </li>
        ))}
      </ul>
    </Panel>
  );
}
