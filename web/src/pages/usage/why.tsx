import { Link } from "wouter";
import { useExplanation } from "../../api/own";
import { explain } from "../../chain/errors";
import { moment } from "../../core/epochs";
import { CREDIT_DECIMALS, dollars } from "../../core/units";
import { type Explanation, type HoldTold, type Outcome, outcomeOf, type Refusal } from "../../core/usage";
import { texts } from "../../texts/en";
import { Chip, Notice, type Tone, Waiting } from "../../ui/basics";
import type { NameOf } from "../usage";

const TONES: Record<Outcome, Tone> = {
  charged: "good",
  refused: "bad",
  returned: "plain",
  expired: "warn",
  underWay: "warn",
  leased: "good",
};

/** Every digit: who asks why wants to add it up. */
const exactly = (nano: bigint) => dollars(nano, CREDIT_DECIMALS);

/** Why a request was charged or refused: in words, then line by line of the books. */
export function WhyOf({ requestId, nameOf }: { requestId: string; nameOf: NameOf }) {
  const { data, error } = useExplanation(requestId);
  if (error !== null) return <Notice tone="bad">{explain(error)}</Notice>;
  if (data === undefined) return <Waiting width={24} />;
  return data.map((each, index) => <One key={index} of={each} requestId={requestId} nameOf={nameOf} />);
}

function One({ of, requestId, nameOf }: { of: Explanation; requestId: string; nameOf: NameOf }) {
  const words = texts.usage;
  const outcome = outcomeOf(of);
  const record = of.usage[0];
  const keyId = of.hold?.keyId ?? record?.keyId;
  const model = of.hold?.model ?? record?.model;
  return (
    <article className="stack">
      <div className="row">
        <Chip tone={TONES[outcome]}>{words.outcomes[outcome]}</Chip>
        <code>{requestId}</code>
      </div>
      <p className="small quiet facts">
        {keyId !== undefined && <bdi>{nameOf(keyId) ?? words.goneKey(keyId)}</bdi>}
        {model && <bdi>{model}</bdi>}
        <span>{moment(of.hold?.createdAt ?? record?.at ?? 0)}</span>
      </p>
      {inWords(of, outcome).map((sentence) => (
        <p key={sentence}>{sentence}</p>
      ))}
      {of.journal.length > 0 && <Journal of={of} />}
      {outcome === "charged" && of.hold !== null && (
        <p>
          <Link href={`/verify?receipt=${encodeURIComponent(of.hold.id)}`}>{words.receipt}</Link>
        </p>
      )}
    </article>
  );
}

function inWords(of: Explanation, outcome: Outcome): string[] {
  const words = texts.usage;
  const { hold } = of;
  if (hold === null) {
    const cost = of.usage.reduce((sum, each) => sum + each.diem + each.usd, 0n);
    return [words.byLease, words.itCost(exactly(cost))];
  }
  const aside = exactly(hold.amount);
  switch (outcome) {
    case "refused":
      return hold.refusal === null ? [words.nothingCharged] : refusedWords(hold.refusal);
    case "returned":
      return [words.returnedAll(aside)];
    case "expired":
      return [words.expiredAll(aside, moment(hold.expiresAt))];
    case "underWay":
      return [words.still(aside, moment(hold.expiresAt)), paidBy(hold)];
    default: {
      const back = hold.amount > hold.captured ? hold.amount - hold.captured : 0n;
      const told = words.chargedOf(exactly(hold.captured), aside, exactly(back));
      const borne = hold.shortfall > 0n ? [words.borne(exactly(hold.shortfall))] : [];
      return [told, paidBy(hold), ...borne];
    }
  }
}

function paidBy(hold: HoldTold): string {
  const words = texts.usage;
  const parts = hold.funding.map(
    ({ source, amount }) => `${words.sources[source] ?? source} ${exactly(amount)}`,
  );
  return words.paidBy(parts.join(", "));
}

function refusedWords(refusal: Refusal): string[] {
  const words = texts.usage;
  if (refusal.why === "other") return [words.refusedOther(refusal.name), words.nothingCharged];
  const wanted = exactly(refusal.wanted);
  const available = exactly(refusal.available);
  if (refusal.why === "account") {
    const back = refusal.resetsAt === null ? [] : [words.refusedDaily(moment(refusal.resetsAt))];
    return [words.refusedAccount(wanted, available), ...back, words.nothingCharged];
  }
  const limit = words.currencies[refusal.limit] ?? refusal.limit;
  const period = words.periods[refusal.period] ?? refusal.period;
  return [words.refusedKey(wanted, available, limit, period), words.refusedHelp, words.nothingCharged];
}

function Journal({ of }: { of: Explanation }) {
  const words = texts.usage;
  return (
    <details>
      <summary>{words.journal}</summary>
      <div className="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">{words.line}</th>
              <th scope="col">{words.from}</th>
              <th scope="col">{words.to}</th>
              <th scope="col" className="number">
                {words.amount}
              </th>
            </tr>
          </thead>
          <tbody>
            {of.journal.map((line, index) => (
              <tr key={index}>
                <td>{line.kind}</td>
                <td>{line.from}</td>
                <td>{line.to}</td>
                <td className="number">{exactly(line.amount)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
