import { useQuery } from "@tanstack/react-query";
import type { ReadyOut } from "../generated/api";
import { answered, api, mayRetry, unreadable } from "./client";
import { useSession } from "./session";

const SERVICE_EVERY = 4_000;
const OWN_EVERY = 5_000;
const WALLET_LISTS = ["tickets", "delegations_given", "delegations_received", "recent"] as const;

/**
 * Whether the service answers, and how far it has followed the chain. It says 503 with the same figures where it is
 * behind: that is an answer too.
 */
export function useServiceHealth() {
  return useQuery({
    queryKey: ["health"],
    queryFn: async (): Promise<ReadyOut> => {
      const asked = api.GET("/health/ready");
      return answered(
        asked.then(({ data, error, response }) =>
          response.status === 503 && error !== undefined
            ? { data: error as ReadyOut, response: new Response() }
            : { ...(data === undefined ? {} : { data }), error, response },
        ),
      );
    },
    refetchInterval: SERVICE_EVERY,
    retry: false,
  });
}

/** What the chain says of a wallet, as the service followed it: public, nobody need be signed in. */
export function usePublicWallet(address: string | undefined) {
  return useQuery({
    queryKey: ["wallet", address],
    enabled: address !== undefined,
    queryFn: async () => {
      const path = { address: address ?? "" };
      const found = await answered(api.GET("/v1/public/wallets/{address}", { params: { path } }));
      // What the chain itself says does not wait for this: an answer of another form is as none.
      if (!WALLET_LISTS.every((name) => Array.isArray(found?.[name]))) throw unreadable();
      return found;
    },
    refetchInterval: OWN_EVERY,
    retry: mayRetry,
  });
}

/** The account of whoever is signed in: credit, allowance, tier. */
export function useAccount() {
  const { session } = useSession();
  return useQuery({
    queryKey: ["own", session?.wallet, "account"],
    enabled: session !== null,
    queryFn: () =>
      answered(api.GET("/v1/accounts/{address}", { params: { path: { address: session?.wallet ?? "" } } })),
    refetchInterval: OWN_EVERY,
    retry: mayRetry,
  });
}

/** Whether who is signed in is one of the operators, who see one page more. */
export function useRoles() {
  const { session } = useSession();
  return useQuery({
    queryKey: ["own", session?.wallet, "roles"],
    enabled: session !== null,
    queryFn: () => answered(api.GET("/v1/wallet/roles")),
    staleTime: Number.POSITIVE_INFINITY,
    retry: mayRetry,
  });
}
