import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { answered, api, mayRetry } from "./client";
import { useSession } from "./session";

/** What operators are told, newly every so many milliseconds; the chain's part is kept by the service for a while. */
const EVERY = 15_000;

function useAdmin<T>(name: string, ask: () => Promise<T>) {
  const { session } = useSession();
  return useQuery({
    queryKey: ["own", session?.wallet, "admin", name],
    enabled: session !== null,
    queryFn: ask,
    refetchInterval: EVERY,
    retry: mayRetry,
  });
}

export const useOperatorHealth = () => useAdmin("health", () => answered(api.GET("/v1/admin/health")));

export const useLiabilities = () => useAdmin("liabilities", () => answered(api.GET("/v1/admin/liabilities")));

export const useBuybacks = () => useAdmin("buybacks", () => answered(api.GET("/v1/admin/buybacks")));

export const useTimelock = () => useAdmin("timelock", () => answered(api.GET("/v1/admin/timelock")));

/** What was done by hand, a page at a time, newest first. */
export function useActs() {
  const { session } = useSession();
  return useInfiniteQuery({
    queryKey: ["own", session?.wallet, "admin", "acts"],
    enabled: session !== null,
    initialPageParam: null as number | null,
    queryFn: ({ pageParam: cursor }) =>
      answered(api.GET("/v1/admin/acts", { params: { query: cursor === null ? {} : { cursor } } })),
    getNextPageParam: (page) => page.next_cursor,
    retry: mayRetry,
  });
}
