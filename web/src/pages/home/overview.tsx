import type { Address } from "viem";
import { useAccount, usePublicWallet } from "../../api/queries";
import { useOwnOnChain } from "../../chain/reading";
import { texts } from "../../texts/en";
import { PageHeading } from "../../ui/basics";
import { Attention } from "./attention";
import { CreditPanel } from "./credit";
import { History } from "./history";
import { DiemPanel, VvvPanel } from "./holdings";
import { Pending } from "./pending";

/** All that a wallet has, earns and may spend, at a glance. */
export function Overview({ address }: { address: Address }) {
  const { data: followed } = usePublicWallet(address);
  const { data: account } = useAccount();
  const { data: onChain } = useOwnOnChain();
  const short = `${address.slice(0, 6)}…${address.slice(-4)}`;
  return (
    <>
      <PageHeading title={texts.nav.home}>{texts.home.lede(short)}</PageHeading>
      <Attention followed={followed} account={account} />
      <CreditPanel followed={followed} account={account} onChain={onChain} />
      <Pending followed={followed} />
      <div className="columns">
        <VvvPanel followed={followed} onChain={onChain} />
        <DiemPanel followed={followed} onChain={onChain} />
      </div>
      <History followed={followed} address={address} />
    </>
  );
}

/** The newest answer of Lens.accountOf. */
export type OnChain = ReturnType<typeof useOwnOnChain>["data"];
