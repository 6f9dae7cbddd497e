import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import type { Address } from "viem";
import { useBlockNumber, useConnection, usePublicClient } from "wagmi";
import { usePublicWallet } from "../api/queries";
import { settings } from "../settings";
import { contracts } from "./contracts";

/** A chain whose clock is so many seconds away from ours was moved; its own time counts then. */
const MOVED_CLOCK_SECONDS = 120;
const LONGEST_LIST = 200;

/** The newest block's number, watched; undefined where nobody can be asked. */
export function useHead() {
  const { isConnected } = useConnection();
  // Without a node of ours there is the wallet's, once there is a wallet: until then nothing has failed.
  const enabled = settings.chain.rpcUrl !== null || isConnected;
  return useBlockNumber({ watch: enabled, chainId: settings.chain.id, query: { enabled } });
}

/** Everything about the system, of one block (Lens.system). */
export function useSystem() {
  const client = usePublicClient({ chainId: settings.chain.id });
  const { data: head } = useHead();
  return useQuery({
    queryKey: ["system", head?.toString()],
    enabled: head !== undefined && client !== undefined,
    placeholderData: (before) => before,
    queryFn: async () => {
      if (client === undefined) throw new Error("no node");
      return client.readContract({ ...contracts.Lens, functionName: "system", ...atBlock(head) });
    },
  });
}

/** Everything about an account, of one block (Lens.accountOf), with the tickets and delegations that are open. */
export function useAccountOnChain(address: Address | undefined) {
  const client = usePublicClient({ chainId: settings.chain.id });
  const { data: head } = useHead();
  const { data: followed } = usePublicWallet(address);
  const numbers = {
    vvv: numbersOf(
      followed?.tickets.filter((ticket) => ticket.station === "vvv").map((ticket) => ticket.number),
    ),
    diem: numbersOf(
      followed?.tickets.filter((ticket) => ticket.station === "diem").map((ticket) => ticket.number),
    ),
    delegations: numbersOf(
      followed && [...followed.delegations_given, ...followed.delegations_received].map((each) => each.id),
    ),
  };
  return useQuery({
    queryKey: ["chain", address, head?.toString(), Object.values(numbers).join(";")],
    enabled: address !== undefined && head !== undefined && client !== undefined,
    placeholderData: (before, query) => (query?.queryKey[1] === address ? before : undefined),
    queryFn: async () => {
      if (client === undefined || address === undefined) throw new Error("no node");
      return client.readContract({
        ...contracts.Lens,
        functionName: "accountOf",
        args: [address, numbers.vvv, numbers.diem, numbers.delegations],
        ...atBlock(head),
      });
    },
  });
}

/** The connected wallet's account on the chain. */
export function useOwnOnChain() {
  const { address } = useConnection();
  return useAccountOnChain(address);
}

/** Unix seconds by the chain's clock, once a second: the reader's own clock unless the chain's was moved. */
export function useNow(): number {
  const { data: system, dataUpdatedAt } = useSystem();
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  const skew = system === undefined ? 0 : Number(system.timestamp) - Math.floor(dataUpdatedAt / 1_000);
  return Math.floor(now / 1_000) + (Math.abs(skew) > MOVED_CLOCK_SECONDS ? skew : 0);
}

function numbersOf(found: readonly number[] | undefined): bigint[] {
  return (found ?? []).slice(0, LONGEST_LIST).map(BigInt);
}

function atBlock(head: bigint | undefined) {
  return head === undefined ? {} : { blockNumber: head };
}
