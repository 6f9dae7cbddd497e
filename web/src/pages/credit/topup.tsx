import { useState } from "react";
import { useConnection } from "wagmi";
import { useCredit } from "../../api/credit";
import { useServiceHealth } from "../../api/queries";
import { useSession } from "../../api/session";
import { callOf, type Plan } from "../../chain/calls";
import { contracts } from "../../chain/contracts";
import { useNow, useOwnOnChain, useSystem } from "../../chain/reading";
import { moment } from "../../core/epochs";
import { creditFor, finalAt } from "../../core/sales";
import { dollars, parseAmount, USDC_DECIMALS, usdc } from "../../core/units";
import { settings } from "../../settings";
import { texts } from "../../texts/en";
import { Act } from "../../ui/act";
import { AmountField, usableAmount } from "../../ui/amount";
import { Panel } from "../../ui/basics";

const USUAL = [10n, 25n, 50n, 100n] as const;

/** About when a purchase that is sent now can be spent. */
export function useFinalAt(): number {
  const now = useNow();
  const { data: health } = useServiceHealth();
  return finalAt(now, health?.head_block ?? null, health?.final_block ?? null, settings.chain.blockSeconds);
}

/** Why nothing can be bought now, in words. */
export function usePaused(): string | undefined {
  const { data: system } = useSystem();
  return system?.pause.isPaused ? texts.credit.paused(moment(Number(system.pause.pausedUntil))) : undefined;
}

/** Prepaid credit for the connected wallet, dollar for dollar. */
export function TopUp() {
  const words = texts.credit;
  const { address } = useConnection();
  const { session } = useSession();
  const { data: own } = useOwnOnChain();
  const { data: system } = useSystem();
  const { credit } = useCredit();
  const paused = usePaused();
  const spendableAt = useFinalAt();
  const [text, setText] = useState("");

  const have = own?.usdc.balance;
  const least = system?.sales.minimumTopUp;
  const parsed = parseAmount(text, USDC_DECIMALS);
  const amount = usableAmount(text, USDC_DECIMALS, have);
  const isBelow = parsed.ok && least !== undefined && parsed.value < least;
  const plan = amount === null || isBelow || address === undefined ? null : planOf(address, amount);
  const prepaid = session === null ? undefined : credit?.prepaid;
  const bought = amount === null ? null : creditFor(amount);

  return (
    <Panel title={words.topUp}>
      <p className="quiet">{words.topUpLead}</p>
      <AmountField
        label={words.amount}
        unit="USDC"
        decimals={USDC_DECIMALS}
        text={text}
        onText={setText}
        available={have}
      />
      <div className="row usual">
        {USUAL.map((each) => (
          <button key={each} type="button" className="tiny" onClick={() => setText(String(each))}>
            {each.toString()}
          </button>
        ))}
      </div>
      <Act
        label={amount === null ? words.buyNothing : words.buy(usdc(amount))}
        plan={plan}
        changes={[
          {
            name: words.wallet,
            now: have === undefined ? texts.unknown : usdc(have),
            after: have === undefined || amount === null ? "–" : usdc(have - amount),
          },
          {
            name: words.prepaid,
            now: prepaid === undefined ? "–" : dollars(prepaid),
            after:
              bought === null
                ? "–"
                : prepaid === undefined
                  ? words.plus(dollars(bought))
                  : dollars(prepaid + bought),
          },
        ]}
        waits={plan === null ? [] : [{ name: words.spendable, at: spendableAt }]}
        risks={[words.final, words.noRefund, words.onlyHere]}
        blocked={paused ?? (isBelow && least !== undefined ? words.least(usdc(least)) : undefined)}
        onSent={() => setText("")}
      />
    </Panel>
  );
}

function planOf(account: `0x${string}`, amount: bigint): Plan {
  const sales = contracts.CreditSales;
  return {
    summary: texts.credit.summary(usdc(amount)),
    call: callOf(sales, "topUp", [account, amount]),
    spend: {
      token: "USDC",
      spender: sales.address,
      amount,
      withPermit: ({ deadline, v, r, s }) =>
        callOf(sales, "topUpWithPermit", [account, amount, deadline, v, r, s]),
    },
  };
}
