import { type FormEvent, useId, useState } from "react";
import { useDeleteWebhook, usePutWebhook, useWebhook } from "../../api/own";
import { explain } from "../../chain/errors";
import { moment } from "../../core/epochs";
import type { WebhookStateOut } from "../../generated/api";
import { texts } from "../../texts/en";
import { Chip, Dialog, Notice, Panel, type Tone, Waiting } from "../../ui/basics";
import { SecretBox } from "./secret";

type Deliveries = WebhookStateOut["deliveries"];

const TONES: Record<Deliveries[number]["state"], Tone> = {
  pending: "warn",
  delivered: "good",
  given_up: "bad",
};

/** Where the owner is told that credit runs low. */
export function WebhookPanel() {
  const words = texts.keys.webhook;
  const { data, error } = useWebhook();
  const put = usePutWebhook();
  const remove = useDeleteWebhook();
  const failure = error ?? put.error ?? remove.error;
  const webhook = data?.webhook ?? null;
  return (
    <Panel title={words.title}>
      <p className="quiet">{words.lead}</p>
      <div className="stack">
        {data === undefined && error === null && <Waiting width={20} />}
        {webhook !== null && (
          <div className="row apart">
            <span className="told">
              {words.calls(String(webhook.url))}{" "}
              <span className="small quiet">{words.since(moment(webhook.created_at))}</span>
            </span>
            <button
              type="button"
              className="danger"
              disabled={remove.isPending}
              onClick={() => remove.mutate(null)}
            >
              {words.remove}
            </button>
          </div>
        )}
        <AddressForm
          act={webhook === null ? words.set : words.replace}
          isBusy={put.isPending}
          onAddress={(url, done) => put.mutate(url, { onSuccess: done })}
        />
        {failure !== null && <Notice tone="bad">{explain(failure)}</Notice>}
        {webhook !== null && data !== undefined && <Calls deliveries={data.deliveries} />}
      </div>
      <Dialog title={words.secretTitle} open={put.data !== undefined} onClose={put.reset}>
        <p>{words.secretOnce}</p>
        <SecretBox label={texts.keys.secret.label} copy={texts.keys.secret.copy} secret={put.data ?? ""} />
        <button type="button" className="primary wide" onClick={put.reset}>
          {texts.keys.secret.done}
        </button>
      </Dialog>
    </Panel>
  );
}

function AddressForm({
  act,
  isBusy,
  onAddress,
}: {
  act: string;
  isBusy: boolean;
  onAddress: (url: string, done: () => void) => void;
}) {
  const id = useId();
  const [url, setUrl] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (url.trim() !== "") onAddress(url.trim(), () => setUrl(""));
  };
  return (
    <form className="row address" onSubmit={submit} noValidate>
      <div className="field">
        <label htmlFor={id}>{texts.keys.webhook.url}</label>
        <input
          id={id}
          type="url"
          inputMode="url"
          autoComplete="off"
          maxLength={500}
          placeholder="https://"
          value={url}
          onChange={(event) => setUrl(event.target.value)}
        />
      </div>
      <button type="submit" disabled={url.trim() === "" || isBusy} aria-busy={isBusy}>
        {act}
      </button>
    </form>
  );
}

function Calls({ deliveries }: { deliveries: Deliveries }) {
  const words = texts.keys.webhook;
  if (deliveries.length === 0) return <p className="small quiet">{words.none}</p>;
  return (
    <div className="scroll">
      <table>
        <caption>{words.deliveries}</caption>
        <thead>
          <tr>
            <th scope="col">{words.time}</th>
            <th scope="col">{words.event}</th>
            <th scope="col">{words.state}</th>
            <th scope="col" className="number">
              {words.tries}
            </th>
            <th scope="col">{words.outcome}</th>
          </tr>
        </thead>
        <tbody>
          {deliveries.map((call) => (
            <tr key={call.event_id}>
              <td className="nowrap">{moment(call.created_at)}</td>
              <td>{words.events[call.type] ?? call.type}</td>
              <td>
                <Chip tone={TONES[call.state]}>{words.states[call.state]}</Chip>
              </td>
              <td className="number">{call.tries}</td>
              <td>{call.outcome}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
