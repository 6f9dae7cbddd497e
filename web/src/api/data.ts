import { useMutation } from "@tanstack/react-query";
import { answered, api } from "./client";
import { useSession } from "./session";
import { understood, whole, words } from "./understanding";

/** An account's data is read row by row: it may take longer than any other answer. */
const EXPORT_SECONDS = 600;

/** What was deleted, and what stays with the reason. */
export type Deleted = {
  rows: { what: string; count: number }[];
  kept: { what: string; why: string }[];
};

/** Everything that the service keeps of the account, as the document that it made: byte for byte. */
export function useExport() {
  const { noteRefusal } = useSession();
  return useMutation({
    gcTime: 0,
    mutationFn: (): Promise<Blob> =>
      answered(
        api.GET("/v1/wallet/export", {
          parseAs: "blob",
          fetch: (request) => fetch(request, { signal: AbortSignal.timeout(EXPORT_SECONDS * 1_000) }),
        }) as Promise<{ data?: Blob; error?: unknown; response: Response }>,
      ),
    onError: (error: Error) => noteRefusal(error),
  });
}

/** Delete what can be deleted of the account whose wallet is named; its sessions end by it, this one too. */
export function useDeleteData() {
  const { noteRefusal } = useSession();
  return useMutation({
    mutationFn: async (wallet: string): Promise<Deleted> => {
      const told = await answered(
        api.DELETE("/v1/wallet/data", {
          body: { confirm: wallet },
          fetch: (request) => fetch(request, { signal: AbortSignal.timeout(EXPORT_SECONDS * 1_000) }),
        }),
      );
      return understood(() => ({
        rows: Object.entries(told.deleted).map(([what, count]) => ({ what, count: whole(count) })),
        kept: told.kept.map(({ what, why }) => ({ what: words(what), why: words(why) })),
      }));
    },
    onError: (error: Error) => noteRefusal(error),
  });
}
