import type { CreateConnectorFn } from "wagmi";
import { texts } from "../texts/en";
import { isRejection } from "./errors";

/** So long a relay may take until it has a code for the other device; then nobody is made to wait any more. */
const RELAY_SECONDS = 15;
const CODE = "display_uri";

/** A relay that cannot be reached, in words for a person. */
export class RelaySilent extends Error {}

/**
 * A wallet whose code is loaded, and whose maker is asked, when somebody chooses it or had chosen it before; wagmi
 * would do so for everybody who opens the page.
 */
export function whenChosen(make: CreateConnectorFn): CreateConnectorFn {
  return ((config) => {
    const made = make(config);
    let isChosen = false;
    const isKnown = async () => isChosen || (await config.storage?.getItem("recentConnectorId")) === made.id;
    return {
      ...made,
      async setup() {
        if (await isKnown()) await made.setup?.call(this);
      },
      async connect(parameters?: never) {
        isChosen = true;
        return made.connect.call(this, parameters);
      },
      async getProvider(parameters?: never) {
        return (await isKnown()) ? made.getProvider.call(this, parameters) : undefined;
      },
      async isAuthorized() {
        return (await isKnown()) && made.isAuthorized.call(this);
      },
    };
  }) as CreateConnectorFn;
}

/** Likewise a wallet on another device, whose relay is waited for no longer than `RELAY_SECONDS`. */
export function throughRelay(make: CreateConnectorFn): CreateConnectorFn {
  return ((config) => {
    const made = make(config);
    return {
      ...made,
      async connect(parameters?: never) {
        let isReached = false;
        const reached = ({ type }: { type: string }) => {
          isReached ||= type === CODE;
        };
        config.emitter.on("message", reached);
        let timer: ReturnType<typeof setTimeout> | undefined;
        const silence = new Promise<never>((_, reject) => {
          timer = setTimeout(() => isReached || reject(new Error(CODE)), RELAY_SECONDS * 1_000);
        });
        try {
          return await Promise.race([made.connect.call(this, parameters), silence]);
        } catch (error) {
          // What a library says of a socket helps nobody; a no of the person is told as everywhere.
          throw isReached || isRejection(error) ? error : new RelaySilent(texts.wallet.relaySilent);
        } finally {
          clearTimeout(timer);
          config.emitter.off("message", reached);
        }
      },
    };
  }) as CreateConnectorFn;
}

/** The code by which another device finds this page, as a connector's message has it; null for other messages. */
export function codeOf(message: { type: string; data?: unknown }): string | null {
  const isCode = message.type === CODE && typeof message.data === "string" && message.data.startsWith("wc:");
  return isCode ? (message.data as string) : null;
}
