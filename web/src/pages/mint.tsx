import "./mint.css";
import { useState } from "react";
import { useConnection } from "wagmi";
import { useOwnOnChain, useSystem } from "../chain/reading";
import { texts } from "../texts/en";
import { PageHeading, Panel, Waiting } from "../ui/basics";
import { Burning, OwnPosition } from "./mint/burning";
import { Calculator, NO_WISH, quoteFor, type Wish } from "./mint/calculator";
import { Facts } from "./mint/facts";
import { Minting, TOLERANCE } from "./mint/minting";

const words = texts.mint;

/** Mint DIEM against locked VVV, and burn it to set them free. */
export default function Mint() {
  const { data: system } = useSystem();
  const { data: account } = useOwnOnChain();
  const { isConnected } = useConnection();
  const [wish, setWish] = useState<Wish>(NO_WISH);
  const [tolerance, setTolerance] = useState<bigint>(TOLERANCE);
  const curve = { supply: system?.diem.supply ?? 0n, target: system?.diem.target ?? 1n };
  const quote = system === undefined ? null : quoteFor(wish, curve);
  return (
    <>
      <PageHeading title={texts.nav.mint}>{words.lead}</PageHeading>
      <Facts system={system} />
      <Panel title={words.calculator}>
        {system === undefined ? (
          <div className="curve-place">
            <Waiting width={24} />
          </div>
        ) : (
          <Calculator
            curve={curve}
            wish={wish}
            quote={quote}
            onWish={setWish}
            unlocked={account?.stake.unlocked}
            mintable={account?.position.mintable}
          />
        )}
      </Panel>
      <Panel title={words.mint}>
        {system === undefined ? (
          <Waiting width={24} />
        ) : (
          <Minting
            account={account}
            system={system}
            quote={quote}
            by={wish.by}
            tolerance={tolerance}
            onTolerance={setTolerance}
            onSent={() => setWish(NO_WISH)}
          />
        )}
      </Panel>
      {isConnected && (
        <>
          <OwnPosition account={account} curve={curve} />
          <Burning account={account} curve={curve} />
        </>
      )}
    </>
  );
}
