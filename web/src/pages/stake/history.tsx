import { useConnection } from "wagmi";
import { usePublicWallet } from "../../api/queries";
import { moment } from "../../core/epochs";
import { tokens } from "../../core/units";
import type { EventOut } from "../../generated/api";
import { texts } from "../../texts/en";
import { Chip, Panel, TransactionText } from "../../ui/basics";

const t = texts.stake;
const SHOWN_MOST = 12;
const WHOLE_AMOUNT = /^\d{1,78}$/;
type Kind = keyof typeof t.happened;

/** What happened to the wallet's VVV, newest first, as the service followed the chain. */
export function History() {
  const { address } = useConnection();
  const { data: followed } = usePublicWallet(address);
  const events = (followed?.recent ?? []).filter((event) => isOurs(event)).slice(0, SHOWN_MOST);
  return (
    <Panel title={t.history}>
      {events.length === 0 ? (
        <p className="quiet small">{t.historyNone}</p>
      ) : (
        <table className="history">
          <caption className="hidden-visually">{t.history}</caption>
          <thead>
            <tr>
              <th scope="col">{t.when}</th>
              <th scope="col">{t.what}</th>
              <th scope="col" className="number">
                {t.amount}
              </th>
              <th scope="col" className="wide-only">
                {t.transaction}
              </th>
            </tr>
          </thead>
          <tbody>
            {events.map((event) => (
              <tr key={`${event.block}.${event.log_index}`}>
                <td className="when number-left quiet">
                  {event.time === null ? t.block(String(event.block)) : moment(event.time)}
                </td>
                <th scope="row">
                  {t.happened[event.kind as Kind]} {!event.is_final && <Chip>{t.notFinal}</Chip>}
                </th>
                <td className="number">{amountOf(event)}</td>
                <td className="wide-only">
                  <TransactionText hash={event.transaction_hash} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Panel>
  );
}

function isOurs(event: EventOut): boolean {
  return Object.hasOwn(t.happened, event.kind);
}

function amountOf(event: EventOut): string {
  const { amount } = event;
  return amount !== null && WHOLE_AMOUNT.test(amount) ? `${tokens(BigInt(amount))} VVV` : "";
}
