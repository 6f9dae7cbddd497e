import { useQuery } from "@tanstack/react-query";
import type { AccountOut } from "../generated/api";
import { answered, api, mayRetry } from "./client";
import { useAccount } from "./queries";
import { amount, optional, understood, whole, wholeText, words } from "./understanding";

const TERMS_EVERY = 60_000;

/** What there is to spend by where it is from; nano-dollars. */
export type Credit = {
  available: bigint;
  held: bigint;
  daily: bigint;
  share: bigint;
  prepaid: bigint;
  /** Bundled with a membership that runs, and when the first of it is gone (Unix time); null where there is none. */
  bundled: bigint;
  bundledUntil: number | null;
  resetsAt: number;
  tier: string;
  subscribedUntil: number | null;
};

/** The account's credit. Throws ServiceError. */
export function creditOf(account: AccountOut): Credit {
  return understood(() => {
    const { balance, tier } = account;
    const from = (source: string) => {
      const parts = account.credit.filter((part) => part.source === source);
      return {
        available: parts.reduce((sum, part) => sum + amount(part.available), 0n),
        ends: parts.flatMap((part) => optional(part.expires_at, whole) ?? []),
      };
    };
    const bundled = from("membership");
    return {
      available: amount(balance.available),
      held: amount(balance.held),
      daily: amount(balance.diem),
      share: amount(balance.pro_rata),
      prepaid: from("prepaid").available,
      bundled: bundled.available,
      bundledUntil: bundled.ends.length === 0 ? null : Math.min(...bundled.ends),
      resetsAt: whole(balance.resets_at),
      tier: words(tier.name),
      subscribedUntil: optional(tier.subscribed_until, whole),
    };
  });
}

/** The credit of who is signed in; undefined while it is not known. */
export function useCredit(): { credit: Credit | undefined; isUnreadable: boolean } {
  const { data } = useAccount();
  if (data === undefined) return { credit: undefined, isUnreadable: false };
  try {
    return { credit: creditOf(data), isUnreadable: false };
  } catch {
    return { credit: undefined, isUnreadable: true };
  }
}

/** What comes with a month of a tier: each time, and once for an account; nano-dollars. */
export type Terms = { credit: bigint; once: bigint };

/** The terms of months that are paid for now, by tier; one that is not in it bundles nothing. */
export function useTerms() {
  return useQuery({
    queryKey: ["public", "memberships"],
    queryFn: async (): Promise<ReadonlyMap<number, Terms>> => {
      const { tiers } = await answered(api.GET("/v1/public/memberships"));
      return understood(
        () =>
          new Map(
            tiers.map((each) => [
              whole(each.tier),
              { credit: wholeText(each.credit), once: wholeText(each.upgrade_credit) },
            ]),
          ),
      );
    },
    refetchInterval: TERMS_EVERY,
    retry: mayRetry,
  });
}
