import { useQuery } from "@tanstack/react-query";
import type { Address, Client } from "viem";
import { readContract } from "viem/actions";
import { useConnection, usePublicClient } from "wagmi";
import { openTickets, sumOf, type Ticket, type TicketView } from "../core/tickets";
import { settings } from "../settings";
import { contracts } from "./contracts";
import { useOwnOnChain } from "./reading";

const A_LOOK = 200n;
/** An exit takes days: the numbers that others have taken since are not more than this. */
const LOOKS_MOST = 50;

export type Station = "StakedVVV" | "InferenceStake";

export type OpenTickets = {
  /** Undefined while they are not known. */
  tickets: readonly Ticket[] | undefined;
  /** What is on its way out by the contract's books, wei; the tickets add up to it. */
  cooling: bigint | undefined;
  /** Whether they add up: not where there are more than were looked for. */
  isWhole: boolean;
};

/**
 * The connected wallet's open tickets of a station. The service names them; where it is silent or a block behind, and
 * they do not add up to what the contract says is cooling, they are looked for on the chain, newest number first.
 */
export function useOpenTickets(station: Station): OpenTickets {
  const client = usePublicClient({ chainId: settings.chain.id });
  const { address } = useConnection();
  const { data: account } = useOwnOnChain();
  const isVvv = station === "StakedVVV";
  const cooling = account === undefined ? undefined : isVvv ? account.stake.cooling : account.right.cooling;
  const told =
    account === undefined ? undefined : openTickets(isVvv ? account.vvvTickets : account.diemTickets);
  const isTold = told !== undefined && sumOf(told) === cooling;
  const { data: looked } = useQuery({
    queryKey: ["tickets", station, address, account?.timestamp.toString(), cooling?.toString()],
    enabled: client !== undefined && address !== undefined && cooling !== undefined && !isTold,
    placeholderData: (before, query) => (query?.queryKey[2] === address ? before : undefined),
    queryFn: async () => {
      if (client === undefined || address === undefined || cooling === undefined) throw new Error("no node");
      return lookFor(client, station, address, cooling);
    },
  });
  const tickets = isTold ? told : (looked ?? (told?.length ? told : undefined));
  return { tickets, cooling, isWhole: tickets !== undefined && sumOf(tickets) === cooling };
}

async function lookFor(client: Client, station: Station, owner: Address, cooling: bigint): Promise<Ticket[]> {
  const count = await readContract(client, {
    address: contracts[station].address,
    abi: contracts.StakedVVV.abi,
    functionName: "ticketCount",
  });
  const found: Ticket[] = [];
  for (let look = 0; look < LOOKS_MOST && sumOf(found) < cooling; look++) {
    const last = count - BigInt(look) * A_LOOK;
    if (last <= 0n) break;
    const numbers = numbersBefore(last);
    const seen = await readContract(client, {
      ...contracts.Lens,
      functionName: "accountOf",
      args: station === "StakedVVV" ? [owner, numbers, [], []] : [owner, [], numbers, []],
    });
    const views: readonly TicketView[] = station === "StakedVVV" ? seen.vvvTickets : seen.diemTickets;
    found.push(...openTickets(views));
  }
  return found.sort((one, other) => one.due - other.due || (one.number < other.number ? -1 : 1));
}

function numbersBefore(last: bigint): bigint[] {
  const first = last > A_LOOK ? last - A_LOOK + 1n : 1n;
  return Array.from({ length: Number(last - first + 1n) }, (_, place) => first + BigInt(place));
}
