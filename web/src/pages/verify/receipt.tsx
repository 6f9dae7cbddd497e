import { useMutation } from "@tanstack/react-query";
import { useId, useState } from "react";
import { type Address, getAddress, isAddressEqual } from "viem";
import { useConnection } from "wagmi";
import { useSearch } from "wouter";
import { answered, api } from "../../api/client";
import { useSession } from "../../api/session";
import { chargedBy, openReceipt, type Receipt, SOURCES } from "../../core/attested";
import { day, moment } from "../../core/epochs";
import { dollars } from "../../core/units";
import { texts } from "../../texts/en";
import { Notice, Panel } from "../../ui/basics";
import { isOurs, ownReceipt } from "./asking";
import { type Known, knownOperator } from "./operator_known";
import { type Check, Checks, DownloadButton, FileChoice, Hashes, OwnerOnly, whyNot } from "./parts";

const words = texts.verify.receipt;
const HOLD = /^[!-~]{1,64}$/;
const MONEY: readonly string[] = [...SOURCES, "shortfall"];

type Checked = { receipt: Receipt; operator: Address; known: Known; text: string };

/** The receipt of one request: whose signature is under it. `?receipt=…` names the request beforehand. */
export function ReceiptCheck() {
  const asked = new URLSearchParams(useSearch()).get("receipt") ?? "";
  const [typed, setTyped] = useState<string | null>(null);
  const { noteRefusal } = useSession();
  const id = useId();
  const hold = (typed ?? asked).trim();
  const isWrong = hold !== "" && !HOLD.test(hold);
  const checking = useMutation({
    mutationFn: async (given: { text: string } | { hold: string }): Promise<Checked> => {
      const text = "text" in given ? given.text : await ownReceipt(given.hold);
      const receipt = await openReceipt(text);
      const told = await answered(api.GET("/v1/public/operator"));
      const operator = getAddress(told.operator);
      return { receipt, operator, known: knownOperator(operator), text };
    },
    onError: noteRefusal,
  });
  return (
    <Panel title={words.title}>
      <div className="stack">
        <p className="lead">{words.lead}</p>
        <OwnerOnly>
          <form
            className="ask"
            onSubmit={(event) => {
              event.preventDefault();
              if (HOLD.test(hold)) checking.mutate({ hold });
            }}
          >
            <div className="field">
              <label htmlFor={id}>{words.hold}</label>
              <input
                id={id}
                className="mono"
                autoComplete="off"
                spellCheck={false}
                value={typed ?? asked}
                onChange={(event) => setTyped(event.target.value)}
                aria-invalid={isWrong}
                aria-describedby={`${id}-hint`}
              />
            </div>
            <button type="submit" className="primary" disabled={hold === "" || isWrong || checking.isPending}>
              {checking.isPending ? texts.verify.computing : words.check}
            </button>
          </form>
          <p id={`${id}-hint`} className="small quiet">
            {isWrong ? <span role="alert">{words.notAHold}</span> : words.holdHint}
          </p>
        </OwnerOnly>
        <FileChoice label={words.file} onText={(text) => checking.mutate({ text })} />
        {checking.isError && <Notice tone="bad">{whyNot(checking.error)}</Notice>}
        {checking.isSuccess && <Found {...checking.data} />}
      </div>
    </Panel>
  );
}

function Found({ receipt, operator, known, text }: Checked) {
  const { address } = useConnection();
  const checks: Check[] = [
    { name: words.checks.form, holds: true },
    { name: words.checks.named, holds: receipt.signer.toLowerCase() === receipt.operator.toLowerCase() },
    { name: words.checks.operator, holds: isAddressEqual(receipt.signer, operator) },
    {
      name: words.checks.known,
      holds: isAddressEqual(receipt.signer, known.address),
      note: words.knownSince(moment(known.since)),
    },
    { name: words.checks.place, holds: isOurs(receipt.chainId, receipt.verifyingContract) },
    ...(address === undefined
      ? []
      : [
          {
            name: words.checks.mine,
            holds: receipt.message.account.toLowerCase() === address.toLowerCase(),
          },
        ]),
  ];
  const fails = checks.some((check) => check.holds === false);
  return (
    <div className="stack">
      <Notice tone={fails ? "bad" : "good"}>{fails ? words.refused : words.holds(chargedBy(receipt))}</Notice>
      <Checks checks={checks} />
      <details open={!fails}>
        <summary>{words.caption}</summary>
        <table>
          <tbody>
            {Object.entries(words.names).map(([name, label]) => (
              <tr key={name}>
                <th scope="row">{label}</th>
                <td className={name === "model" ? "" : "mono"}>
                  {plainly(name, receipt.message[name as keyof Receipt["message"]])}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
        <Hashes lines={[{ name: words.signer, value: receipt.signer }]} />
      </details>
      <p className="small quiet">{words.compare}</p>
      <div className="row">
        <DownloadButton
          text={text}
          name={`receipt-${receipt.message.hold_id.replace(/\W/g, "")}.json`}
          label={words.downloadReceipt}
        />
      </div>
    </div>
  );
}

function plainly(name: string, value: string): string {
  if (MONEY.includes(name)) return dollars(BigInt(value), 9);
  if (name === "epoch") return day(Number(value));
  if (name === "booked_at") return moment(Number(value));
  return name.endsWith("_tokens") && value === "-1" ? words.notTold : value;
}
