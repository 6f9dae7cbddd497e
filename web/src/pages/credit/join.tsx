import { useId, useState } from "react";
import { useConnection } from "wagmi";
import { Link } from "wouter";
import { useTerms } from "../../api/credit";
import { callOf, type Plan } from "../../chain/calls";
import { contracts } from "../../chain/contracts";
import { useNow, useOwnOnChain, useSystem } from "../../chain/reading";
import { moment } from "../../core/epochs";
import { endAfter, MONTHS_MAX } from "../../core/sales";
import { dollars, usdc } from "../../core/units";
import { texts } from "../../texts/en";
import { Act } from "../../ui/act";
import { Panel, Waiting } from "../../ui/basics";
import { useFinalAt, usePaused } from "./topup";

/** Months of a membership for the connected wallet, at the price of this block and no more. */
export function JoinPro() {
  const words = texts.credit;
  const { address } = useConnection();
  const { data: own } = useOwnOnChain();
  const { data: system } = useSystem();
  const paused = usePaused();
  const countsAt = useFinalAt();
  const now = useNow();
  const [months, setMonths] = useState(1);
  const [tier, setTier] = useState(1);

  const prices = system?.sales.prices ?? [];
  const price = prices[tier - 1];
  const cost = price === undefined ? undefined : price * BigInt(months);
  const have = own?.usdc.balance;
  const memberUntil = Number(own?.memberUntil[tier - 1] ?? 0n);
  const isMember = memberUntil > now;
  const end = endAfter(months, memberUntil, now);
  const lacks = cost !== undefined && have !== undefined && have < cost;
  const plan =
    address === undefined || cost === undefined || lacks ? null : planOf(address, tier, months, cost);

  return (
    <Panel title={words.pro}>
      <p className="quiet">
        {words.proLead} {words.proFree} <Link href="/stake">{words.stakeInstead}</Link>
      </p>
      <div className="pair">
        {prices.length > 1 && (
          <Select
            label={words.tier}
            value={tier}
            of={prices.map((_, index) => [index + 1, words.tierNumber(index + 1)])}
            onChoice={setTier}
          />
        )}
        <Select
          label={words.months}
          value={months}
          of={Array.from({ length: MONTHS_MAX }, (_, index) => [index + 1, words.monthsOf(index + 1)])}
          onChoice={setMonths}
        />
      </div>
      <p className="price">
        <span className="number">{cost === undefined ? "–" : `${usdc(cost)} USDC`}</span>{" "}
        <span className="small quiet">{price !== undefined && words.perMonth(usdc(price))}</span>
      </p>
      <Bundled tier={tier} />
      <Act
        label={joinLabel(cost, isMember)}
        plan={plan}
        changes={[
          {
            name: words.wallet,
            now: have === undefined ? texts.unknown : usdc(have),
            after: have === undefined || cost === undefined || lacks ? "–" : usdc(have - cost),
          },
          {
            name: words.until,
            now: isMember ? moment(memberUntil).slice(0, 10) : words.notYet,
            after: own === undefined ? "–" : moment(end).slice(0, 10),
          },
        ]}
        waits={
          plan === null
            ? []
            : [
                { name: words.member, at: countsAt },
                { name: words.until, at: end },
              ]
        }
        risks={[
          cost === undefined ? words.appended : words.atMost(usdc(cost)),
          words.appended,
          words.noPartial,
          words.bundled,
        ].filter((risk, index, all) => all.indexOf(risk) === index)}
        blocked={paused ?? (lacks ? words.tooLittle(usdc(have), usdc(cost)) : undefined)}
      />
    </Panel>
  );
}

/** What credit comes with it, by the terms that hold now. */
function Bundled({ tier }: { tier: number }) {
  const words = texts.credit;
  const { data: terms, isError } = useTerms();
  if (terms === undefined)
    return <p className="small">{isError ? words.termsAway : <Waiting width={24} />}</p>;
  const { credit, once } = terms.get(tier) ?? { credit: 0n, once: 0n };
  return (
    <p className="small">
      {credit > 0n ? words.bundles(dollars(credit)) : words.bundlesNothing}{" "}
      {once > 0n && words.bundlesOnce(dollars(once))}
    </p>
  );
}

function joinLabel(cost: bigint | undefined, isMember: boolean): string {
  const words = texts.credit;
  if (cost === undefined) return words.pro;
  return isMember ? words.renew(usdc(cost)) : words.join(usdc(cost));
}

function planOf(account: `0x${string}`, tier: number, months: number, cost: bigint): Plan {
  const sales = contracts.CreditSales;
  const wish = [account, BigInt(tier), BigInt(months), cost] as const;
  return {
    summary: texts.credit.joinSummary(months),
    call: callOf(sales, "subscribe", wish),
    spend: {
      token: "USDC",
      spender: sales.address,
      amount: cost,
      withPermit: ({ deadline, v, r, s }) =>
        callOf(sales, "subscribeWithPermit", [...wish, deadline, v, r, s]),
    },
  };
}

function Select({
  label,
  value,
  of,
  onChoice,
}: {
  label: string;
  value: number;
  of: readonly (readonly [number, string])[];
  onChoice: (value: number) => void;
}) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <select id={id} value={value} onChange={(event) => onChoice(Number(event.target.value))}>
        {of.map(([each, told]) => (
          <option key={each} value={each}>
            {told}
          </option>
        ))}
      </select>
    </div>
  );
}
