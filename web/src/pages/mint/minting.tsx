import { useId } from "react";
import { useConnection } from "wagmi";
import { callOf, type Plan } from "../../chain/calls";
import { contracts } from "../../chain/contracts";
import type { useOwnOnChain, useSystem } from "../../chain/reading";
import { leastMinted, mostLocked, perDiem, type Quote } from "../../core/minting";
import { percent, tokens } from "../../core/units";
import { texts } from "../../texts/en";
import { Act } from "../../ui/act";
import { ConnectButton } from "../../ui/wallet";

export type Account = NonNullable<ReturnType<typeof useOwnOnChain>["data"]>;
export type System = NonNullable<ReturnType<typeof useSystem>["data"]>;

/** By how much the price may move against the minter, in hundredths of a percent. */
const TOLERANCES = [0n, 10n, 50n, 100n, 300n] as const;
export const TOLERANCE = 50n;
const words = texts.mint;

/** What the mint changes, and the button that does it. */
export function Minting({
  account,
  system,
  quote,
  by,
  tolerance,
  onTolerance,
  onSent,
}: {
  account: Account | undefined;
  system: System;
  quote: Quote | null;
  by: "amount" | "lock";
  tolerance: bigint;
  onTolerance: (points: bigint) => void;
  onSent: () => void;
}) {
  const { isConnected } = useConnection();
  if (!isConnected) {
    return (
      <div className="stack">
        <p>{words.connect}</p>
        <div>
          <ConnectButton />
        </div>
      </div>
    );
  }
  const enough = account !== undefined && quote !== null && quote.locked <= account.stake.unlocked;
  const plan = enough ? planOf(quote, by, tolerance, account.stake.unlocked) : null;
  return (
    <Act
      label={quote === null ? words.mint : words.mintAmount(tokens(quote.amount))}
      plan={plan}
      blocked={notOpen(system)}
      changes={account === undefined ? [] : changesOf(account, quote, system)}
      risks={risksOf(account, quote, by, tolerance)}
      onSent={onSent}
    >
      <Tolerance points={tolerance} onPoints={onTolerance} quote={quote} by={by} />
    </Act>
  );
}

function planOf(quote: Quote, by: "amount" | "lock", tolerance: bigint, unlocked: bigint): Plan {
  const summary = words.mintAmount(tokens(quote.amount));
  if (by === "lock") {
    const least = leastMinted(quote.amount, tolerance);
    return { summary, call: callOf(contracts.DiemMint, "mintDiem", [quote.locked, least]) };
  }
  const most = mostLocked(quote.locked, tolerance);
  const bound = most > unlocked ? unlocked : most;
  return { summary, call: callOf(contracts.DiemMint, "mintExactOut", [quote.amount, bound]) };
}

/** Why nobody can mint at this time, if nobody can. */
function notOpen(system: System): string | undefined {
  if (system.pause.isPaused) return texts.refusals.EntriesArePaused([system.pause.pausedUntil]);
  if (system.timestamp < system.diem.opensAt) return texts.refusals.MintingNotOpen([system.diem.opensAt]);
  return undefined;
}

function changesOf({ stake, position, diem }: Account, quote: Quote | null, system: System) {
  const amount = quote?.amount ?? 0n;
  const lock = quote === null || quote.locked > stake.unlocked ? 0n : quote.locked;
  return [
    { name: words.unlocked, now: tokens(stake.unlocked), after: tokens(stake.unlocked - lock) },
    { name: words.locked, now: tokens(position.locked), after: tokens(position.locked + lock) },
    { name: words.held, now: tokens(diem.balance), after: tokens(diem.balance + (lock > 0n ? amount : 0n)) },
    {
      name: words.rate,
      now: `${tokens(system.diem.rate, 2)} VVV`,
      after: `${tokens(lock > 0n && quote !== null ? quote.rateAfter : system.diem.rate, 2)} VVV`,
    },
  ];
}

function risksOf(
  account: Account | undefined,
  quote: Quote | null,
  by: "amount" | "lock",
  tolerance: bigint,
): string[] {
  const back =
    account === undefined || quote === null
      ? null
      : perDiem(account.position.locked + quote.locked, account.position.minted + quote.amount);
  return [
    words.riskLocked,
    words.riskBack(back === null ? null : tokens(back)),
    quote === null
      ? words.riskPrice
      : by === "amount"
        ? words.riskMost(tokens(mostLocked(quote.locked, tolerance)))
        : words.riskLeast(tokens(leastMinted(quote.amount, tolerance))),
    words.riskStake,
  ];
}

function Tolerance({
  points,
  onPoints,
  quote,
  by,
}: {
  points: bigint;
  onPoints: (points: bigint) => void;
  quote: Quote | null;
  by: "amount" | "lock";
}) {
  const id = useId();
  return (
    <fieldset className="tolerance">
      <legend>{words.tolerance}</legend>
      <div className="row">
        {TOLERANCES.map((each) => (
          <label key={String(each)} htmlFor={`${id}-${each}`}>
            <input
              id={`${id}-${each}`}
              type="radio"
              name={id}
              checked={points === each}
              onChange={() => onPoints(each)}
            />
            {percent(each)}
          </label>
        ))}
      </div>
      <p className="small quiet">
        {quote === null
          ? words.toleranceNone
          : by === "amount"
            ? words.toleranceMost(tokens(mostLocked(quote.locked, points) - quote.locked))
            : words.toleranceLeast(tokens(quote.amount - leastMinted(quote.amount, points)))}
      </p>
    </fieldset>
  );
}
