import type { ReactNode } from "react";
import { useConnection } from "wagmi";
import { useSession } from "../api/session";
import { explain } from "../chain/errors";
import { texts } from "../texts/en";
import { Notice, Panel } from "./basics";
import { ConnectButton } from "./wallet";

/** What takes a wallet: its content, or how to connect one. */
export function NeedsWallet({ children }: { children: ReactNode }) {
  const { isConnected } = useConnection();
  if (isConnected) return children;
  return (
    <Panel>
      <p>{texts.wallet.nothingSent}</p>
      <ConnectButton />
    </Panel>
  );
}

/** What is the owner's own: its content, or how to sign in. */
export function NeedsSession({ children }: { children: ReactNode }) {
  return (
    <NeedsWallet>
      <WithSession>{children}</WithSession>
    </NeedsWallet>
  );
}

function WithSession({ children }: { children: ReactNode }) {
  const { session } = useSession();
  return session === null ? (
    <Panel>
      <p>{texts.session.why}</p>
      <SignInButton />
    </Panel>
  ) : (
    children
  );
}

/** Sign in with the connected wallet. */
export function SignInButton() {
  const { signIn, isSigningIn, error } = useSession();
  return (
    <div className="stack">
      <div>
        <button
          type="button"
          className="primary"
          disabled={isSigningIn}
          onClick={() => signIn().catch(() => undefined)}
        >
          {isSigningIn ? texts.session.asking : texts.session.signIn}
        </button>
      </div>
      {error !== null && <Notice tone="bad">{explain(error)}</Notice>}
    </div>
  );
}
