import { useQuery } from "@tanstack/react-query";
import type { Address } from "viem";
import { usePublicClient } from "wagmi";
import { contracts } from "../../chain/contracts";
import { useHead, type useOwnOnChain } from "../../chain/reading";
import { creditOf } from "../../core/allowance";
import type { Right } from "../../core/right";
import { dollars } from "../../core/units";
import { settings } from "../../settings";
import { texts } from "../../texts/en";
import type { Change } from "../../ui/act";

export type Account = NonNullable<ReturnType<typeof useOwnOnChain>["data"]>;

const words = texts.right;

/** A right as the credit of a day: `$1.00 a day`. */
export function daily(right: bigint): string {
  return words.aDay(dollars(creditOf(right)));
}

/** What an act does to today and to every day from tomorrow on. */
export function dailyChanges(before: Right, after: Right): Change[] {
  return [
    { name: words.today, now: dollars(creditOf(before.current)), after: dollars(creditOf(after.current)) },
    { name: words.tomorrow, now: daily(before.next), after: daily(after.next) },
  ];
}

/** The right of any account, at the newest block. */
export function useRightOf(address: Address | null) {
  const client = usePublicClient({ chainId: settings.chain.id });
  const { data: head } = useHead();
  return useQuery({
    queryKey: ["right", address, head?.toString()],
    enabled: address !== null && client !== undefined && head !== undefined,
    placeholderData: (before, query) => (query?.queryKey[1] === address ? before : undefined),
    queryFn: async (): Promise<Right> => {
      if (client === undefined || address === null) throw new Error("no node");
      const [current, next] = await client.readContract({
        ...contracts.InferenceStake,
        functionName: "allowanceOf",
        args: [address],
        ...(head === undefined ? {} : { blockNumber: head }),
      });
      return { current, next };
    },
  });
}
