import { useQuery } from "@tanstack/react-query";
import { settings } from "../settings";
import { understood, words } from "./understanding";

const MODELS_FRESH = 300_000;
const REQUEST_SECONDS = 15;
/** A list that is longer helps nobody to choose. */
const MOST = 500;

/** The models that the gateway offers, as it lists them; asked only where the operator lets the page ask. */
export function useModels() {
  return useQuery({
    queryKey: ["gateway", "models"],
    enabled: settings.listsModels,
    queryFn: async (): Promise<string[]> => {
      const answer = await fetch(`${settings.gatewayUrl.replace(/\/+$/, "")}/api/v1/models`, {
        signal: AbortSignal.timeout(REQUEST_SECONDS * 1_000),
      });
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      const told = (await answer.json()) as { data: { id: unknown }[] };
      return understood(() => told.data.slice(0, MOST).map((model) => words(model.id)));
    },
    staleTime: MODELS_FRESH,
    retry: false,
  });
}
