import { useMutation, useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from "react";
import { type Address, getAddress, isAddressEqual } from "viem";
import { createSiweMessage } from "viem/siwe";
import { useConnection, useSignMessage } from "wagmi";
import { texts } from "../texts/en";
import { answered, api, ServiceError, sendSession } from "./client";

/** A session of the service: who signed in, and until when. */
export type Session = { token: string; wallet: Address; expiresAt: number };

type SessionState = {
  /** Of the connected wallet; null where it has not signed in. */
  session: Session | null;
  signIn: () => Promise<Session>;
  signOut: () => Promise<void>;
  /** Ends every session of the wallet, and tells how many; throws ServiceError. */
  signOutEverywhere: () => Promise<number>;
  isSigningIn: boolean;
  error: Error | null;
  /** Whether the last session was ended by time or by the service. */
  hasExpired: boolean;
  /** Called with what the service refused: a session it does not know any more is dropped. */
  noteRefusal: (error: unknown) => void;
};

const KEPT = "entitlement.session";
const Context = createContext<SessionState | null>(null);

/**
 * Sign-in by EIP-4361. The session lives in the tab alone (sessionStorage): it outlasts a reload and nothing else.
 */
export function SessionProvider({ children }: { children: ReactNode }) {
  const { address } = useConnection();
  const { mutateAsync: sign } = useSignMessage();
  const queries = useQueryClient();
  const [kept, setKept] = useState<Session | null>(readKept);
  const [hasExpired, setExpired] = useState(false);

  const session =
    kept !== null && address !== undefined && isAddressEqual(kept.wallet, address) ? kept : null;
  sendSession(session?.token ?? null);

  const drop = () => {
    sessionStorage.removeItem(KEPT);
    setKept(null);
    queries.removeQueries({ queryKey: ["own"] });
  };

  const signing = useMutation({
    mutationFn: async (): Promise<Session> => {
      if (address === undefined) throw new Error(texts.wallet.notConnected);
      const offered = await answered(api.POST("/v1/sign-in/nonce"));
      const message = createSiweMessage({
        address: getAddress(address),
        chainId: offered.chain_id,
        domain: window.location.host,
        nonce: offered.nonce,
        uri: window.location.origin,
        version: "1",
        statement: texts.session.statement,
        issuedAt: new Date(),
      });
      const signature = await sign({ message });
      const made = await answered(api.POST("/v1/sign-in", { body: { message, signature } }));
      const session = { token: made.token, wallet: getAddress(made.wallet), expiresAt: made.expires_at };
      sessionStorage.setItem(KEPT, JSON.stringify(session));
      sendSession(session.token);
      setExpired(false);
      setKept(session);
      return session;
    },
  });

  const state = useMemo<SessionState>(
    () => ({
      session,
      signIn: signing.mutateAsync,
      signOut: async () => {
        await api.POST("/v1/sign-out").catch(() => undefined);
        drop();
      },
      signOutEverywhere: async () => {
        const { ended } = await answered(api.DELETE("/v1/wallet/sessions"));
        drop();
        return ended;
      },
      isSigningIn: signing.isPending,
      error: signing.error,
      hasExpired,
      noteRefusal: (error) => {
        if (error instanceof ServiceError && error.problem.status === 401 && kept !== null) {
          setExpired(true);
          drop();
        }
      },
    }),
    [session, signing.mutateAsync, signing.isPending, signing.error, hasExpired, kept],
  );

  // A refusal can come from any question about what is the owner's own.
  useEffect(
    () =>
      queries.getQueryCache().subscribe((event) => {
        if (event.query.queryKey[0] === "own" && event.type === "updated" && event.action.type === "error") {
          state.noteRefusal(event.action.error);
        }
      }),
    [queries, state],
  );

  return <Context.Provider value={state}>{children}</Context.Provider>;
}

export function useSession(): SessionState {
  const state = useContext(Context);
  if (state === null) throw new Error("useSession outside of SessionProvider");
  return state;
}

function readKept(): Session | null {
  try {
    const found = JSON.parse(sessionStorage.getItem(KEPT) ?? "null") as Session | null;
    return found !== null && typeof found.token === "string" && found.wallet ? found : null;
  } catch {
    return null;
  }
}
