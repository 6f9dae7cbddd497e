import { useConnection, useSwitchChain } from "wagmi";
import { useServiceHealth } from "../api/queries";
import { useSession } from "../api/session";
import { chain } from "../chain/config";
import { explain } from "../chain/errors";
import { useHead } from "../chain/reading";
import { texts } from "../texts/en";
import { Notice } from "./basics";
import { SignInButton } from "./gates";

type Health = ReturnType<typeof useServiceHealth>["data"];

/** What is wrong for the whole page: another network, a silent service or node, an ended session. */
export function Banners({ health }: { health: Health }) {
  const { isConnected, chainId } = useConnection();
  const { isError: isServiceDown } = useServiceHealth();
  const head = useHead();
  const { hasExpired, session } = useSession();
  const isElsewhere = isConnected && chainId !== chain.id;
  return (
    <>
      {isElsewhere && <WrongChain />}
      {isServiceDown && <Notice tone="bad">{texts.service.unreachable}</Notice>}
      {!isServiceDown && health?.status === "not_ready" && (
        <Notice tone="warn">
          {texts.service.behind} {health.reasons.join("; ")}
        </Notice>
      )}
      {head.isError && !isElsewhere && <Notice tone="bad">{texts.service.nodeUnreachable}</Notice>}
      {hasExpired && session === null && isConnected && (
        <Notice tone="warn" act={<SignInButton />}>
          {texts.session.expired}
        </Notice>
      )}
    </>
  );
}

function WrongChain() {
  const { mutate: switchTo, isPending, error } = useSwitchChain();
  return (
    <Notice
      tone="bad"
      act={
        <button type="button" disabled={isPending} onClick={() => switchTo({ chainId: chain.id })}>
          {texts.wallet.switchTo(chain.name)}
        </button>
      }
    >
      {texts.wallet.wrongChain(chain.name)} {error !== null && explain(error)}
    </Notice>
  );
}
