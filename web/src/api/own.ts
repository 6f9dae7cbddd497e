import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { endOfEpoch, SECONDS_PER_EPOCH } from "../core/epochs";
import { type ApiKey, changesOf, type KeyKind, type KeyWish, wireAmount } from "../core/keys";
import { joinTables } from "../core/usage";
import type { UsagePageOut } from "../generated/api";
import { texts } from "../texts/en";
import { answered, api, mayRetry } from "./client";
import { useSession } from "./session";
import { analyticsOf, explanationsOf, keyOf, optional, recordOf, understood, words } from "./understanding";

const PAGE = 1_000;
/** So many requests of a day are fetched at once to be looked at. */
const DAY_PART = 100;
const PAGES_IN_FILE = 1_000;
const KEYS_EVERY = 5_000;
const USAGE_EVERY = 10_000;

/** A question about what is the owner's own: asked with a session, dropped with it. */
export function useOwn<T>(
  name: readonly unknown[],
  ask: () => Promise<T>,
  { enabled = true, every }: { enabled?: boolean; every?: number } = {},
) {
  const { session } = useSession();
  return useQuery({
    queryKey: ["own", session?.wallet, ...name],
    enabled: session !== null && enabled,
    queryFn: ask,
    retry: mayRetry,
    ...(every === undefined ? {} : { refetchInterval: every }),
  });
}

/** Something that changes what is the owner's own: a session that has ended is noticed, and all is asked anew. */
export function useOwnAct<Input, Output>(act: (input: Input) => Promise<Output>) {
  const queries = useQueryClient();
  const { noteRefusal } = useSession();
  return useMutation({
    mutationFn: act,
    // What is made may be a secret: nothing of it stays behind the page that showed it.
    gcTime: 0,
    onError: (error: Error) => noteRefusal(error),
    onSettled: () => queries.invalidateQueries({ queryKey: ["own"] }),
  });
}

export type MadeKey = { key: ApiKey; secret: string };

export function useKeys() {
  return useOwn(
    ["keys"],
    async () => {
      const { keys } = await answered(api.GET("/v1/keys"));
      return understood(() => keys.map(keyOf));
    },
    { every: KEYS_EVERY },
  );
}

export function useMakeKey() {
  return useOwnAct(async ({ wish, kind }: { wish: KeyWish; kind: KeyKind }): Promise<MadeKey> => {
    const made = await answered(
      api.POST("/v1/keys", {
        body: {
          description: wish.description,
          type: kind,
          limits: {
            diem: wireAmount(wish.limits.diem),
            usd: wireAmount(wish.limits.usd),
            period: wish.limits.period,
          },
          model_privacy: wish.privacy,
          expires_at: wish.expiresAt,
        },
      }),
    );
    return understood(() => ({ key: keyOf(made.key), secret: words(made.secret) }));
  });
}

const path = (key: ApiKey) => ({ params: { path: { key_id: key.id } } });

export function useChangeKey() {
  return useOwnAct(({ key, wish }: { key: ApiKey; wish: KeyWish }) =>
    answered(api.PATCH("/v1/keys/{key_id}", { ...path(key), body: changesOf(key, wish) })),
  );
}

export function usePauseKey() {
  return useOwnAct(({ key, paused }: { key: ApiKey; paused: boolean }) =>
    answered(api.PATCH("/v1/keys/{key_id}", { ...path(key), body: { paused } })),
  );
}

export function useRotateKey() {
  return useOwnAct(async (key: ApiKey): Promise<MadeKey> => {
    const made = await answered(api.POST("/v1/keys/{key_id}/rotate", path(key)));
    return understood(() => ({ key: keyOf(made.key), secret: words(made.secret) }));
  });
}

export function useRevokeKey() {
  return useOwnAct((key: ApiKey) => answered(api.DELETE("/v1/keys/{key_id}", path(key))));
}

/** Sums of the last `days`, today included. */
export function useAnalytics(days: number) {
  return useOwn(
    ["analytics", days],
    async () => {
      const query = { lookback: `${days}d` };
      const told = await answered(api.GET("/v1/wallet/usage/analytics", { params: { query } }));
      return understood(() => analyticsOf(told));
    },
    { every: USAGE_EVERY },
  );
}

/** The requests that were charged on a day, newest first, a part at a time: those before them when asked for. */
export function useDay(epoch: number | null) {
  const { session } = useSession();
  return useInfiniteQuery({
    queryKey: ["own", session?.wallet, "requests", epoch],
    enabled: session !== null && epoch !== null,
    initialPageParam: null as string | null,
    queryFn: async ({ pageParam: cursor }) => {
      const start = (epoch ?? 0) * SECONDS_PER_EPOCH;
      const first = { start, end: endOfEpoch(epoch ?? 0), page_size: DAY_PART, order: "newest" as const };
      const query = cursor === null ? first : { cursor };
      // The route answers with a table too, which the types would have here.
      const asked = api.GET("/v1/wallet/usage", { params: { query } });
      const told = await answered(asked as Promise<{ data?: UsagePageOut; response: Response }>);
      return understood(() => ({
        records: told.requests.map(recordOf),
        older: optional(told.next_cursor, words),
      }));
    },
    getNextPageParam: ({ older }) => older,
    select: ({ pages }) => pages.flatMap(({ records }) => records),
    // Whoever reads further back is not moved by what comes in front.
    refetchInterval: ({ state }) => ((state.data?.pages.length ?? 0) > 1 ? false : USAGE_EVERY),
    retry: mayRetry,
  });
}

/**
 * Every request that was charged in some days as one table (CSV), oldest first. Throws ServiceError, and where there are
 * more than a file takes: a table that ended earlier would look like the whole one.
 */
export async function usageTable(first: number, last: number): Promise<string> {
  const pages: string[] = [];
  let query: object = { start: first * SECONDS_PER_EPOCH, end: endOfEpoch(last), page_size: PAGE };
  for (let page = 0; page < PAGES_IN_FILE; page++) {
    const asked = api.GET("/v1/wallet/usage", {
      params: { query },
      headers: { Accept: "text/csv" },
      parseAs: "text",
    });
    const { response } = await asked.catch(() => ({ response: null }));
    pages.push(await answered(asked as never));
    const cursor = response?.headers.get("Next-Cursor") ?? null;
    if (cursor === null) return joinTables(pages);
    query = { cursor };
  }
  throw new Error(texts.usage.csvTooLong((PAGE * PAGES_IN_FILE).toLocaleString(texts.language)));
}

/** Why a request was charged or refused, by the id that the gateway gave it. */
export function useExplanation(requestId: string | null) {
  return useOwn(
    ["request", requestId],
    async () => {
      const told = await answered(
        api.GET("/v1/wallet/requests/{request_id}", {
          params: { path: { request_id: requestId ?? "" } },
        }),
      );
      return understood(() => explanationsOf(told));
    },
    { enabled: requestId !== null },
  );
}

export function useWebhook() {
  return useOwn(["webhook"], () => answered(api.GET("/v1/wallet/webhook")));
}

export function usePutWebhook() {
  return useOwnAct(async (url: string) => {
    const made = await answered(api.PUT("/v1/wallet/webhook", { body: { url } }));
    return understood(() => words(made.secret));
  });
}

export function useDeleteWebhook() {
  return useOwnAct((_: null) => answered(api.DELETE("/v1/wallet/webhook")));
}
