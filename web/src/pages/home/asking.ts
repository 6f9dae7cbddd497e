import { useQuery } from "@tanstack/react-query";
import { answered, api, mayRetry } from "../../api/client";
import { useSession } from "../../api/session";

/** The service reads the chain for these no more often. */
const FIGURES_EVERY = 15_000;
/** Days that are over: little is still booked on them. */
const CREDIT_EVERY = 600_000;
const KEYS_EVERY = 60_000;

/** The public figures that the welcome shows; all of them of one block. */
export function usePublicFigures() {
  return useQuery({
    queryKey: ["public", "figures"],
    queryFn: async () => {
      const [supply, diem, emission] = await Promise.all([
        answered(api.GET("/v1/public/supply")),
        answered(api.GET("/v1/public/diem")),
        answered(api.GET("/v1/public/emission")),
      ]);
      return { supply, diem, emission };
    },
    refetchInterval: FIGURES_EVERY,
    retry: mayRetry,
  });
}

/** The credit of all accounts together, by day. */
export function usePublicCredit() {
  return useQuery({
    queryKey: ["public", "credit"],
    queryFn: () => answered(api.GET("/v1/public/credit")),
    refetchInterval: CREDIT_EVERY,
    retry: mayRetry,
  });
}

/** The owner's keys, for those that are about to expire. */
export function useExpiringKeys() {
  const { session } = useSession();
  return useQuery({
    queryKey: ["own", session?.wallet, "expiring keys"],
    enabled: session !== null,
    queryFn: () => answered(api.GET("/v1/keys")),
    refetchInterval: KEYS_EVERY,
    retry: mayRetry,
  });
}
