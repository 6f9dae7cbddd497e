// What every peer does with an event: a row of it, and what it adds to its wallet's position. The chain and the
// contracts' events come from the benchmark, as a file of JSON.
import { readFileSync } from "node:fs";

export const followed = JSON.parse(readFileSync(process.env.PEER_FOLLOWED, "utf8"));

// The others move stake within the wallet, or do not move any.
const SIGNS = { Staked: 1n, UnstakeRequested: -1n, UnstakeCancelled: 1n };

export function told(contract, event, { account, from, payer, to, ...rest }) {
  const staked = (SIGNS[event] ?? 0n) * (rest.amount ?? 0n);
  return {
    kind: `${contract}.${event}`,
    wallet: (account ?? from).toLowerCase(),
    data: JSON.stringify({ to, ...rest }, (_, value) =>
      typeof value === "bigint" ? value.toString() : value,
    ),
    vvv: contract === "StakedVVV" ? staked : 0n,
    diem: contract === "InferenceStake" ? staked : 0n,
  };
}

export const moved = (position, { vvv, diem }) => ({
  vvv: position.vvv + vvv,
  diem: position.diem + diem,
  events: position.events + 1,
});

export const NOTHING = { vvv: 0n, diem: 0n, events: 0 };
